//! Neighbouring chunks of a group become one, some columns at a time. From the first of them to the last column the
//! timestamps of the last chunk say what those of all are (see `times`), and the queue how far it has come: readers find each
//! column's values with their own timestamps, a shard loaded in between goes on, and eviction takes all that are merged.

use crate::group::{Group, load};
use crate::head::{ABSENT, Head};
use crate::keys::{self, Kind, TIMES};
use crate::repack::Repacked;
use crate::times::{Merging, Times, encode_times};
use crate::values::{Values, encode};
use crate::{SeriesError, TREE, due};
use paged::{Pages, PagesMut, Tree};
use std::borrow::Cow;

/// Columns of one task, so that its installation is a short one.
const COLUMNS_MAX: usize = 32;
/// Bytes of chunks after which a task takes no further column. One column has at most 128 KiB.
const BYTES_MAX: usize = 96 << 10;

/// Some columns of neighbouring chunks, copied.
#[derive(Debug)]
pub struct Merge {
    of: Of,
    columns: Vec<Column>,
}

/// Which columns of which chunks.
#[derive(Debug)]
struct Of {
    group: u32,
    /// The chunks by their last times, with their timestamps as they are kept; the merged one lies where the last does.
    inputs: Vec<(i64, Vec<u8>)>,
    /// Columns from one on, and the one after the last.
    from: u16,
    to: u16,
    /// The group has no more.
    ends: bool,
}

/// Chunks of a column.
#[derive(Debug)]
struct Column {
    column: u16,
    /// Positions among the inputs, with the values as they are kept.
    chunks: Vec<(usize, Vec<u8>)>,
}

/// What came of it.
#[derive(Debug)]
pub struct Merged {
    of: Of,
    times: Vec<u8>,
    columns: Vec<MergedColumn>,
}

#[derive(Debug)]
struct MergedColumn {
    column: u16,
    /// Positions of the inputs that have values.
    inputs: Vec<usize>,
    chunk: Option<Vec<u8>>,
}

/// What is next to be merged in a group.
pub fn next(pages: &impl Pages, number: u32) -> Option<Merge> {
    let group: Group = load(pages, &keys::group(number))?;
    let count = Head::at(group.head).columns(pages);
    let inputs = inputs(pages, number)?;
    let from = due::next_column(pages, number);
    let (mut columns, mut bytes) = (Vec::new(), 0);
    let mut to = usize::from(from);
    while to < count && bytes < BYTES_MAX && columns.len() < COLUMNS_MAX {
        let chunks = chunks_of(pages, number, to as u16, &inputs);
        bytes += chunks.iter().map(|(_, chunk)| chunk.len()).sum::<usize>();
        if !chunks.is_empty() {
            columns.push(Column { column: to as u16, chunks });
        }
        to += 1;
    }
    let of = Of { group: number, inputs, from, to: to as u16, ends: to >= count };
    Some(Merge { of, columns })
}

/// The chunks that are being merged or are to be.
fn inputs(pages: &impl Pages, number: u32) -> Option<Vec<(i64, Vec<u8>)>> {
    let prefix = keys::column_chunks(number, TIMES);
    let mut cursor = TREE.seek(pages, &prefix);
    let mut found: Vec<(i64, Cow<'_, [u8]>)> = Vec::new();
    while let Some((key, entry)) = cursor.next(pages) {
        let Some((_, _, last)) = keys::split_chunk(key).filter(|_| key.starts_with(&prefix)) else { break };
        if let Some(merging) = Merging::read(&entry) {
            let is_merged = |(other, _): &(i64, Cow<'_, [u8]>)| merging.others.contains(other);
            let mut inputs = found;
            inputs.retain(is_merged);
            inputs.push((last, entry));
            return Some(inputs.into_iter().map(|(last, entry)| (last, entry.into_owned())).collect());
        }
        found.push((last, entry));
    }
    let rows: Vec<usize> = found.iter().map(|(_, entry)| Times::of(Cow::Borrowed(entry)).rows()).collect();
    let window = due::window(&rows)?;
    Some(found.drain(window).map(|(last, entry)| (last, entry.into_owned())).collect())
}

/// The values of a column in the inputs.
fn chunks_of(pages: &impl Pages, number: u32, column: u16, inputs: &[(i64, Vec<u8>)]) -> Vec<(usize, Vec<u8>)> {
    let (Some((first, _)), Some((end, _))) = (inputs.first(), inputs.last()) else { return Vec::new() };
    let mut cursor = TREE.seek(pages, &keys::chunk(number, column, *first));
    let mut chunks = Vec::new();
    while let Some((key, value)) = cursor.next(pages) {
        match keys::split_chunk(key) {
            Some((group, of, last)) if (group, of) == (number, column) && last <= *end => {
                let at = inputs.binary_search_by_key(&last, |(last, _)| *last);
                chunks.extend(at.ok().map(|at| (at, value.into_owned())));
            }
            _ => break,
        }
    }
    chunks
}

impl Merge {
    /// Merges.
    pub fn run(self) -> Merged {
        let mut times: Vec<i64> = Vec::new();
        let mut lists: Vec<Vec<i64>> = Vec::new();
        let mut known = None;
        for (_, entry) in &self.of.inputs {
            let merging = Merging::read(entry);
            let own = merging.as_ref().map_or(entry.as_slice(), |merging| merging.former);
            let list = Times::of(Cow::Borrowed(own)).all().to_vec();
            times.extend_from_slice(&list);
            lists.push(list);
            known = known.or(merging.map(|merging| merging.merged.to_vec()));
        }
        let packed = match known {
            Some(known) => {
                times = Times::of(Cow::Borrowed(&known)).all().to_vec();
                known
            }
            None => encode_times(&times),
        };
        let rows: Vec<Vec<usize>> = lists.iter().map(|list| rows_among(&times, list)).collect();
        let merge = |column: Column| {
            let mut cells = vec![ABSENT; times.len()];
            for (input, chunk) in &column.chunks {
                Values::of(chunk).each(|row, bits| {
                    cells[rows[*input][row]] = bits;
                    true
                });
            }
            let inputs = column.chunks.iter().map(|(input, _)| *input).collect();
            MergedColumn { column: column.column, inputs, chunk: encode(&cells) }
        };
        Merged { of: self.of, times: packed, columns: self.columns.into_iter().map(merge).collect() }
    }
}

/// Where some of the times stand among all.
fn rows_among(all: &[i64], some: &[i64]) -> Vec<usize> {
    let mut at = 0;
    let mut place = |time: &i64| {
        at += all[at..].iter().take_while(|other| *other < time).count();
        at
    };
    some.iter().map(&mut place).collect()
}

/// Installs columns as far as there is room.
pub fn install(pages: &mut impl PagesMut, merged: Merged, repacked: &mut Repacked) -> Result<(), SeriesError> {
    let Merged { of, times, columns } = merged;
    let is_there = |(last, entry): &(i64, Vec<u8>)| {
        TREE.get(pages, &keys::chunk(of.group, TIMES, *last)).is_some_and(|there| there == entry.as_slice())
    };
    let untouched = of.inputs.iter().all(is_there) && TREE.contains(pages, &keys::work(of.group));
    let Some(((last, entry), others)) = of.inputs.split_last() else { return Ok(()) };
    if !untouched || due::next_column(pages, of.group) != of.from {
        return Ok(());
    }
    if Merging::read(entry).is_none() {
        begin(pages, of.group, *last, others, entry, &times)?;
    }
    for column in columns {
        let installed = install_column(pages, &of, &column);
        let next = column.column + u16::from(installed.is_ok());
        due::set_next_column(pages, of.group, next);
        installed?;
        repacked.chunks += column.inputs.len() as u64;
    }
    due::set_next_column(pages, of.group, of.to);
    if of.ends {
        end(pages, of.group, *last, others, &times)?;
    }
    Ok(())
}

/// Notes what is merged. Eviction now takes all of it at once.
fn begin(
    pages: &mut impl PagesMut,
    group: u32,
    last: i64,
    others: &[(i64, Vec<u8>)],
    former: &[u8],
    merged: &[u8],
) -> Result<(), SeriesError> {
    let merging = Merging { others: others.iter().map(|(last, _)| *last).collect(), former, merged };
    TREE.insert(pages, &keys::chunk(group, TIMES, last), &merging.write())?;
    for (other, _) in others {
        TREE.remove(pages, &keys::order(*other, Kind::Chunk, group));
    }
    Ok(())
}

fn install_column(pages: &mut impl PagesMut, of: &Of, column: &MergedColumn) -> Result<(), SeriesError> {
    let key = |input: usize| keys::chunk(of.group, column.column, of.inputs[input].0);
    let end = of.inputs.len() - 1;
    if let Some(chunk) = &column.chunk {
        // Asked for first: what is taken away below can't be given back.
        pages.require(TREE.region(), Tree::pages_needed(chunk.len()))?;
    }
    for input in column.inputs.iter().filter(|input| **input < end) {
        TREE.remove(pages, &key(*input));
    }
    if let Some(chunk) = &column.chunk {
        TREE.insert(pages, &key(end), chunk)?;
    }
    Ok(())
}

fn end(
    pages: &mut impl PagesMut,
    group: u32,
    last: i64,
    others: &[(i64, Vec<u8>)],
    times: &[u8],
) -> Result<(), SeriesError> {
    TREE.insert(pages, &keys::chunk(group, TIMES, last), times)?;
    for (other, _) in others {
        TREE.remove(pages, &keys::chunk(group, TIMES, *other));
    }
    due::set_next_column(pages, group, 0);
    Ok(())
}
