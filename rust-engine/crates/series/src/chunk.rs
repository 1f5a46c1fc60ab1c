//! Sealed chunks, little-endian. Of values: 0 kind u8 · 1 rows u16 · where not every row has a sample, a bitmap that says
//! which (a bit for each row) · where all samples are the same, its 8 bytes; else the summary (see `summary`), if it can be
//! told, and the samples compressed by pco. Of timestamps: see `times`.

use crate::group::Group;
use crate::head::{ABSENT, Head, SEALED_ROWS};
use crate::keys::{self, Kind, TIMES};
use crate::packed::{pack, unpack};
use crate::summary::Summary;
use crate::times::{Merging, encode_times};
use crate::{SeriesError, TREE, due, tier_block};
use paged::{Pages, PagesMut};
use std::borrow::Cow;

/// Bits of a value chunk's kind.
const HOLES: u8 = 1;
const CONSTANT: u8 = 2;
const SUMMED: u8 = 4;
/// Bytes before what the kind says, in chunks of values and of timestamps.
pub const HEAD_BYTES: usize = 3;

/// Seals the oldest rows of a full head and keeps the rest as the window for late ones.
pub fn seal(pages: &mut impl PagesMut, number: u32, group: &Group) -> Result<(), SeriesError> {
    let head = Head::at(group.head);
    let order = head.sorted_rows(pages);
    let (sealed, kept) = order.split_at(order.len().min(SEALED_ROWS));
    let Some(last) = sealed.last() else { return Ok(()) };
    let last = head.time(pages, *last);
    let times: Vec<i64> = sealed.iter().map(|row| head.time(pages, *row)).collect();
    TREE.insert(pages, &keys::chunk(number, TIMES, last), &encode_times(&times))?;
    let columns = columns_of(pages, head, sealed);
    tier_block::write(pages, number, &times, &columns)?;
    for (column, cells) in columns.into_iter().enumerate() {
        if let Some(chunk) = encode(&cells) {
            TREE.insert(pages, &keys::chunk(number, column as u16, last), &chunk)?;
        }
    }
    TREE.insert(pages, &keys::order(last, Kind::Chunk, number), &[])?;
    let kept: Vec<(i64, Vec<u64>)> = kept.iter().map(|row| head.row(pages, *row)).collect();
    head.clear(pages);
    head.set_sealed_until(pages, last);
    head.refill(pages, &kept)?;
    requeue(pages, number, group)?;
    due::sealed(pages, number, head)
}

/// The cells of some rows, column by column.
fn columns_of(pages: &impl Pages, head: Head, rows: &[usize]) -> Vec<Vec<u64>> {
    let mut columns = vec![Vec::with_capacity(rows.len()); head.columns(pages)];
    let mut cells = vec![ABSENT; columns.len()];
    for row in rows {
        head.read(pages, *row, &mut cells);
        columns.iter_mut().zip(&cells).for_each(|(column, bits)| column.push(*bits));
    }
    columns
}

/// Drops the chunk with this last time, and those that are being merged with it; how many samples went.
pub fn drop_sealed(pages: &mut impl PagesMut, number: u32, columns: usize, last: i64) -> u64 {
    let entry = TREE.get(pages, &keys::chunk(number, TIMES, last)).map(Cow::into_owned).unwrap_or_default();
    let others = Merging::read(&entry).map_or(Vec::new(), |merging| merging.others);
    if !others.is_empty() {
        due::set_next_column(pages, number, 0);
    }
    let mut samples = 0;
    for last in others.into_iter().chain([last]) {
        TREE.remove(pages, &keys::chunk(number, TIMES, last));
        for column in 0..columns {
            let key = keys::chunk(number, column as u16, last);
            samples += TREE.get(pages, &key).map_or(0, |bytes| Values::of(&bytes).count() as u64);
            TREE.remove(pages, &key);
        }
    }
    samples
}

/// Keeps the head's entry in the eviction order at the time of its first row.
pub fn requeue(pages: &mut impl PagesMut, number: u32, group: &Group) -> Result<(), SeriesError> {
    let head = Head::at(group.head);
    let first = (head.rows(pages) > 0).then(|| head.time(pages, 0));
    let queued = head.queued_at(pages);
    if first == queued {
        return Ok(());
    }
    if let Some(time) = first {
        TREE.insert(pages, &keys::order(time, Kind::Head, number), &[])?;
    }
    if let Some(time) = queued {
        TREE.remove(pages, &keys::order(time, Kind::Head, number));
    }
    head.set_queued_at(pages, first);
    Ok(())
}

/// Rows of a chunk, of values or of timestamps.
pub fn rows_of(chunk: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([chunk[1], chunk[2]]))
}

/// A value chunk, taken apart.
pub struct Values<'a> {
    rows: usize,
    kind: u8,
    bitmap: &'a [u8],
    body: &'a [u8],
}

impl<'a> Values<'a> {
    pub fn of(chunk: &'a [u8]) -> Self {
        let (rows, kind) = (rows_of(chunk), chunk[0]);
        let bitmap_bytes = if kind & HOLES != 0 { rows.div_ceil(8) } else { 0 };
        let (bitmap, body) = chunk[HEAD_BYTES..].split_at(bitmap_bytes);
        Self { rows, kind, bitmap, body }
    }

    /// Samples in the chunk.
    pub fn count(&self) -> usize {
        if self.kind & HOLES == 0 {
            return self.rows;
        }
        self.bitmap.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// None when there is a stale marker among the samples.
    pub fn summary(&self) -> Option<Summary> {
        let count = self.count();
        if self.kind & CONSTANT != 0 {
            return Summary::of(std::iter::repeat_n(i64_at(self.body, 0) as u64, count));
        }
        (self.kind & SUMMED != 0).then(|| Summary::read(self.body, count).0)
    }

    /// Calls with (row, bits) of each sample until that says false; false then.
    pub fn each(&self, mut sample: impl FnMut(usize, u64) -> bool) -> bool {
        let mut present = (0..self.rows).filter(|row| self.has(*row));
        if self.kind & CONSTANT != 0 {
            let bits = i64_at(self.body, 0) as u64;
            return present.all(|row| sample(row, bits));
        }
        let count = self.count();
        let packed = match self.kind & SUMMED {
            0 => self.body,
            _ => &self.body[Summary::read(self.body, count).1..],
        };
        let values: Vec<f64> = unpack(packed, count);
        if self.kind & HOLES == 0 {
            return values.iter().enumerate().all(|(row, value)| sample(row, value.to_bits()));
        }
        present.zip(values).all(|(row, value)| sample(row, value.to_bits()))
    }

    fn has(&self, row: usize) -> bool {
        self.kind & HOLES == 0 || self.bitmap[row / 8] & (1 << (row % 8)) != 0
    }
}

/// None when there is no sample at all.
pub fn encode(cells: &[u64]) -> Option<Vec<u8>> {
    let samples: Vec<u64> = cells.iter().copied().filter(|bits| *bits != ABSENT).collect();
    let first = *samples.first()?;
    let holes = samples.len() < cells.len();
    let constant = samples.iter().all(|bits| *bits == first);
    let summary = if constant { None } else { Summary::of(samples.iter().copied()) };
    let kind = if holes { HOLES } else { 0 }
        | if constant { CONSTANT } else { 0 }
        | if summary.is_some() { SUMMED } else { 0 };
    let mut chunk = vec![kind];
    chunk.extend_from_slice(&(cells.len() as u16).to_le_bytes());
    if holes {
        let mut bitmap = vec![0; cells.len().div_ceil(8)];
        for (row, _) in cells.iter().enumerate().filter(|(_, bits)| **bits != ABSENT) {
            bitmap[row / 8] |= 1 << (row % 8);
        }
        chunk.extend_from_slice(&bitmap);
    }
    if constant {
        chunk.extend_from_slice(&first.to_le_bytes());
        return Some(chunk);
    }
    if let Some(summary) = summary {
        summary.write(&mut chunk);
    }
    let values: Vec<f64> = samples.into_iter().map(f64::from_bits).collect();
    chunk.extend_from_slice(&pack(&values));
    Some(chunk)
}

pub fn i64_at(bytes: &[u8], at: usize) -> i64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    i64::from_le_bytes(word)
}
