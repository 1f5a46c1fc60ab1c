//! The tiers learn of late samples: once these are in the chunks, the blocks of their times are made anew from the chunks. Blocks
//! stay blocks as long as late samples may come for them (see `tier_merge`). Those that were merged before, or whose
//! chunks are too large, are stepped past: the samples answer for their times as long as there are any.

use crate::group::{Group, load};
use crate::head::{ABSENT, Head};
use crate::keys::{self, TIMES};
use crate::tier_block::{self, Block};
use crate::tier_keys::{self, Name};
use crate::times::{Merging, Times};
use crate::values::Values;
use crate::{SeriesError, TREE, late, tier_merge};
use paged::{Pages, PagesMut};
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// Bytes of chunks that are copied at most: those of a block whose chunks have more are not made anew.
const BYTES_MAX: usize = 4 << 20;

/// A block that lacks late samples, and the chunks that have its samples.
#[derive(Debug)]
pub struct Amend {
    of: Of,
    columns: usize,
    /// Column, position of its chunk among those of the block, values as they are kept.
    values: Vec<(usize, usize, Vec<u8>)>,
}

#[derive(Debug)]
struct Of {
    group: u32,
    /// What the tiers lacked.
    lacking: (i64, i64),
    /// Times of the rows of the block.
    rows: RangeInclusive<i64>,
    block: Vec<u8>,
    /// The chunks of these rows by their last times, with their timestamps as they are kept.
    chunks: Vec<(i64, Vec<u8>)>,
}

/// What came of it.
#[derive(Debug)]
pub struct Amended {
    of: Of,
    blocks: Vec<(i64, Vec<u8>)>,
}

/// The first block of a group that lacks late samples and can be made anew.
pub fn next(pages: &mut impl PagesMut, number: u32) -> Option<Amend> {
    let group: Group = load(pages, &keys::group(number))?;
    let head = Head::at(group.head);
    loop {
        let lacking = head.lacking(pages)?;
        let merged_until = tier_merge::merged_until(pages, number);
        if lacking.0 <= merged_until {
            skip(pages, head, lacking, merged_until);
            continue;
        }
        let (rows, block) = block_of(pages, number, lacking.0, head.dropped_until(pages))?;
        let is_waiting = late::first_time(pages, number).is_some_and(|time| time <= *rows.end());
        if is_waiting {
            return None;
        }
        let chunks = chunks_of(pages, number, &rows)?;
        let columns = head.columns(pages);
        if let Some(values) = values_of(pages, number, columns, &chunks) {
            let of = Of { group: number, lacking, rows, block, chunks };
            return Some(Amend { of, columns, values });
        }
        // Whatever else lies in a chunk that is too large alone can't be made anew either.
        let until = match chunks.as_slice() {
            [(last, _)] => *last,
            _ => *rows.end(),
        };
        skip(pages, head, lacking, until);
    }
}

/// The values that columns have in some chunks; none when they are too many.
fn values_of(
    pages: &impl Pages,
    number: u32,
    columns: usize,
    chunks: &[(i64, Vec<u8>)],
) -> Option<Vec<(usize, usize, Vec<u8>)>> {
    let (mut values, mut bytes) = (Vec::new(), 0);
    for column in 0..columns {
        for (at, (last, _)) in chunks.iter().enumerate() {
            if let Some(chunk) = TREE.get(pages, &keys::chunk(number, column as u16, *last)) {
                bytes += chunk.len();
                values.push((column, at, chunk.into_owned()));
            }
        }
        if bytes > BYTES_MAX {
            return None;
        }
    }
    Some(values)
}

/// Steps past what the tiers lack up to a time, and keeps that they lack it.
fn skip(pages: &mut impl PagesMut, head: Head, (first, last): (i64, i64), until: i64) {
    let until = until.clamp(first, last);
    let (from, to) = head.skipped(pages).unwrap_or((first, until));
    head.set_skipped(pages, Some((from.min(first), to.max(until))));
    let rest = until.saturating_add(1);
    head.set_lacking(pages, (rest <= last).then_some((rest, last)));
}

/// The block of a time, with the times of its rows: late ones before its first row belong to it too. None when the tiers have
/// chunks there.
fn block_of(pages: &impl Pages, number: u32, time: i64, dropped_until: i64) -> Option<(RangeInclusive<i64>, Vec<u8>)> {
    let prefix = tier_keys::blocks_of(number);
    let (key, block) = TREE.seek(pages, &tier_keys::block(number, time)).next(pages)?;
    let name = Name::after(key, &prefix)?;
    let mut before = tier_merge::merged_until(pages, number).max(dropped_until);
    let mut cursor = TREE.seek(pages, &prefix);
    while let Some((key, _)) = cursor.next(pages) {
        match Name::after(key, &prefix) {
            Some(other) if other.last < name.last => before = before.max(other.last),
            _ => break,
        }
    }
    // Nor when some of its samples were dropped.
    (before < time && dropped_until < Block::first(&block))
        .then(|| (before.saturating_add(1)..=name.last, block.into_owned()))
}

/// The chunks that have rows of these times; none while they are being merged.
fn chunks_of(pages: &impl Pages, number: u32, rows: &RangeInclusive<i64>) -> Option<Vec<(i64, Vec<u8>)>> {
    let prefix = keys::column_chunks(number, TIMES);
    let mut cursor = TREE.seek(pages, &keys::chunk(number, TIMES, *rows.start()));
    let mut chunks = Vec::new();
    while let Some((key, entry)) = cursor.next(pages) {
        let Some((_, _, last)) = keys::split_chunk(key).filter(|_| key.starts_with(&prefix)) else { break };
        if Merging::read(&entry).is_some() {
            return None;
        }
        if Times::of(Cow::Borrowed(&entry)).first() > *rows.end() {
            break;
        }
        chunks.push((last, entry.into_owned()));
    }
    Some(chunks)
}

impl Amend {
    /// Makes the block anew.
    pub fn run(self) -> Amended {
        let Self { of, columns, values } = self;
        let mut times = Vec::new();
        // Of each chunk: its rows that are the block's, and where the first of them goes.
        let mut parts = Vec::new();
        for (_, entry) in &of.chunks {
            let mut all = Times::of(Cow::Borrowed(entry));
            let all = all.all();
            let from = all.partition_point(|time| time < of.rows.start());
            let to = all.partition_point(|time| time <= of.rows.end());
            parts.push((from..to, times.len()));
            times.extend_from_slice(&all[from..to]);
        }
        let mut cells = vec![vec![ABSENT; times.len()]; columns];
        for (column, at, chunk) in &values {
            let (rows, start) = &parts[*at];
            Values::of(chunk).each(|row, bits| {
                if rows.contains(&row) {
                    cells[*column][start + row - rows.start] = bits;
                }
                row < rows.end
            });
        }
        let blocks = tier_block::encode_blocks(&times, &cells);
        Amended { of, blocks }
    }
}

/// Puts the block in the place of the former one, when nothing of it has changed; how many were replaced.
pub fn install(pages: &mut impl PagesMut, amended: Amended) -> Result<u64, SeriesError> {
    let Amended { of, blocks } = amended;
    let Some(group) = load::<Group>(pages, &keys::group(of.group)) else { return Ok(0) };
    let is = |key: &[u8], bytes: &[u8]| TREE.get(pages, key).is_some_and(|there| there == bytes);
    let head = Head::at(group.head);
    let name = Name::of_last(*of.rows.end());
    let untouched = head.lacking(pages) == Some(of.lacking)
        && is(&tier_keys::block(of.group, name.last), &of.block)
        && tier_merge::merged_until(pages, of.group) < *of.rows.start()
        && of.chunks.iter().all(|(last, entry)| is(&keys::chunk(of.group, TIMES, *last), entry));
    if !untouched {
        return Ok(0);
    }
    tier_block::insert(pages, of.group, &blocks)?;
    let (_, until) = of.lacking;
    let from = name.last.saturating_add(1);
    head.set_lacking(pages, (from <= until).then_some((from, until)));
    Ok(1)
}
