//! Neighbouring chunks of a group become one, some columns at a time. From the first of them to the last column the
//! timestamps of the last chunk say what those of all are (see `times`), and the queue how far it has come: readers find each
//! column's values with their own timestamps, a shard loaded in between goes on, and eviction takes all that are merged.

use crate::group::{Group, load};
use crate::head::{ABSENT, Head};
use crate::keys::{self, Kind, TIMES};
use crate::packed::Effort;
use crate::repack::Repacked;
use crate::times::{Merging, Times, encode_times};
use crate::values::{Values, encode};
use crate::{SeriesError, TREE, due, late};
use paged::{Pages, PagesMut, Tree};
use std::borrow::Cow;

/// Columns of one task, so that its installation is a short one.
const COLUMNS_MAX: usize = 32;
/// Bytes of chunks after which a task takes no further column. One column has at most 128 KiB.
const BYTES_MAX: usize = 96 << 10;
/// Late rows that are merged at once.
const LATE_ROWS_MAX: usize = 512;
/// A chunk of so many rows takes no late ones.
const ROWS_MAX: usize = 60_000;

/// A chunk by its last time, with its timestamps as they are kept.
type Input = (i64, Vec<u8>);

/// Some columns of neighbouring chunks, copied.
#[derive(Debug)]
pub struct Merge {
    of: Of,
    columns: Vec<Column>,
    /// Late samples of these columns, and the times of those of all.
    late: Vec<late::Sample>,
    late_times: Vec<i64>,
}

/// Which columns of which chunks.
#[derive(Debug)]
struct Of {
    group: u32,
    /// The chunks; the merged one lies where the last does.
    inputs: Vec<Input>,
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
    /// Late samples that are in the columns now.
    late: Vec<late::Sample>,
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
    let (after, inputs) = inputs(pages, number)?;
    let (last, _) = inputs.last()?;
    let late_times = late::times(pages, number, after, *last, LATE_ROWS_MAX);
    let late_until = late_times.last().copied().unwrap_or(i64::MIN);
    let from = due::next_column(pages, number);
    let (mut columns, mut bytes) = (Vec::new(), 0);
    let mut to = usize::from(from);
    let mut late = late::samples(pages, number, after, late_until);
    late.retain(|(_, column, _)| (from..from.saturating_add(COLUMNS_MAX as u16)).contains(column));
    while to < count && bytes < BYTES_MAX && columns.len() < COLUMNS_MAX {
        let chunks = chunks_of(pages, number, to as u16, &inputs);
        bytes += chunks.iter().map(|(_, chunk)| chunk.len()).sum::<usize>();
        if !chunks.is_empty() || late.iter().any(|(_, column, _)| usize::from(*column) == to) {
            columns.push(Column { column: to as u16, chunks });
        }
        to += 1;
    }
    let of = Of { group: number, inputs, from, to: to as u16, ends: to >= count };
    late.retain(|(_, column, _)| usize::from(*column) < to);
    Some(Merge { of, columns, late, late_times })
}

/// The chunks that are being merged or are to be, and the first time that is later than those of the chunks before.
fn inputs(pages: &impl Pages, number: u32) -> Option<(i64, Vec<Input>)> {
    let prefix = keys::column_chunks(number, TIMES);
    let mut cursor = TREE.seek(pages, &prefix);
    let mut found: Vec<(i64, Cow<'_, [u8]>)> = Vec::new();
    let mut under_way = None;
    while let Some((key, entry)) = cursor.next(pages) {
        let Some((_, _, last)) = keys::split_chunk(key).filter(|_| key.starts_with(&prefix)) else { break };
        if let Some(merging) = Merging::read(&entry) {
            under_way = Some(found.len() - merging.others.len()..found.len() + 1);
        }
        found.push((last, entry));
    }
    let with_late = || {
        let first = late::first_time(pages, number)?;
        let at = found.partition_point(|(last, _)| *last < first);
        found.get(at).is_some_and(|(_, entry)| rows_of(entry) < ROWS_MAX).then_some(at..at + 1)
    };
    let enough = || due::window(&found.iter().map(|(_, entry)| rows_of(entry)).collect::<Vec<_>>());
    let window = under_way.or_else(enough).or_else(with_late)?;
    let after = window.start.checked_sub(1).map_or(i64::MIN, |before| found[before].0 + 1);
    Some((after, found.drain(window).map(|(last, entry)| (last, entry.into_owned())).collect()))
}

fn rows_of(entry: &[u8]) -> usize {
    Times::of(Cow::Borrowed(entry)).rows()
}

/// The values of a column in the inputs.
fn chunks_of(pages: &impl Pages, number: u32, column: u16, inputs: &[Input]) -> Vec<(usize, Vec<u8>)> {
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
            None => {
                times.extend(self.late_times);
                times.sort_unstable();
                times.dedup();
                encode_times(&times)
            }
        };
        // Times that are not among those of the merger under way wait for the next one.
        let mut late = self.late;
        late.retain(|(time, ..)| times.binary_search(time).is_ok());
        let rows: Vec<Vec<usize>> = lists.iter().map(|list| rows_among(&times, list)).collect();
        let merge = |column: Column| {
            let mut cells = vec![ABSENT; times.len()];
            for (input, chunk) in &column.chunks {
                Values::of(chunk).each(|row, bits| {
                    cells[rows[*input][row]] = bits;
                    true
                });
            }
            for (time, _, bits) in late.iter().filter(|(_, of, _)| *of == column.column) {
                if let Ok(row) = times.binary_search(time) {
                    cells[row] = *bits;
                }
            }
            let inputs = column.chunks.iter().map(|(input, _)| *input).collect();
            MergedColumn { column: column.column, inputs, chunk: encode(&cells, Effort::Thorough) }
        };
        let columns = self.columns.into_iter().map(merge).collect();
        Merged { of: self.of, times: packed, columns, late }
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
    let Merged { of, times, columns, late } = merged;
    let is_there = |(last, entry): &Input| {
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
    let mut refused = None;
    let mut next = of.to;
    for column in columns {
        if let Err(error) = install_column(pages, &of, &column) {
            (refused, next) = (Some(error), column.column);
            break;
        }
        repacked.chunks += column.inputs.len() as u64;
    }
    due::set_next_column(pages, of.group, next);
    let installed: Vec<late::Sample> = late.into_iter().filter(|(_, column, _)| *column < next).collect();
    late::remove(pages, of.group, &installed);
    match refused {
        Some(error) => Err(error),
        None if of.ends => end(pages, of.group, *last, others, &times),
        None => Ok(()),
    }
}

/// Notes what is merged. Eviction now takes all of it at once.
fn begin(
    pages: &mut impl PagesMut,
    group: u32,
    last: i64,
    others: &[Input],
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

fn end(pages: &mut impl PagesMut, group: u32, last: i64, others: &[Input], times: &[u8]) -> Result<(), SeriesError> {
    TREE.insert(pages, &keys::chunk(group, TIMES, last), times)?;
    for (other, _) in others {
        TREE.remove(pages, &keys::chunk(group, TIMES, *other));
    }
    due::set_next_column(pages, group, 0);
    if late::first_time(pages, group).is_none()
        && let Some(known) = load::<Group>(pages, &keys::group(group))
    {
        Head::at(known.head).set_late(pages, false);
    }
    Ok(())
}
