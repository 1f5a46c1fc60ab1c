//! Sealed chunks. A value chunk: 0 rows u8 · 1 kind u8 (0 every row has a sample, 1 a bitmap of 16 bytes says which) ·
//! samples compressed by pco. A timestamp chunk: the timestamps compressed by pco.

use crate::group::Group;
use crate::head::{ABSENT, Head, SEALED_ROWS};
use crate::keys::{self, Kind, TIMES};
use crate::{SeriesError, TREE};
use paged::{Pages, PagesMut};
use pco::{ChunkConfig, standalone};

const ALL: u8 = 0;
const SOME: u8 = 1;
const BITMAP_BYTES: usize = SEALED_ROWS / 8;

/// Seals the oldest rows of a full head and keeps the rest as the window for late ones.
pub fn seal(pages: &mut impl PagesMut, number: u32, group: &Group) -> Result<(), SeriesError> {
    let head = Head::at(group.head);
    let order = head.sorted_rows(pages);
    let (sealed, kept) = order.split_at(order.len().min(SEALED_ROWS));
    let Some(last) = sealed.last() else { return Ok(()) };
    let last = head.time(pages, *last);
    let times: Vec<i64> = sealed.iter().map(|row| head.time(pages, *row)).collect();
    TREE.insert(pages, &keys::chunk(number, TIMES, last), &compress(&times))?;
    for (column, cells) in columns_of(pages, head, sealed).into_iter().enumerate() {
        if let Some(chunk) = encode(&cells) {
            TREE.insert(pages, &keys::chunk(number, column as u16, last), &chunk)?;
        }
    }
    TREE.insert(pages, &keys::order(last, Kind::Chunk, number), &[])?;
    let kept: Vec<(i64, Vec<u64>)> = kept.iter().map(|row| head.row(pages, *row)).collect();
    head.clear(pages);
    head.set_sealed_until(pages, last);
    head.refill(pages, &kept)?;
    requeue(pages, number, group)
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

/// Timestamps of a chunk.
pub fn times(pages: &impl Pages, group: u32, last: i64) -> Option<Vec<i64>> {
    let bytes = TREE.get(pages, &keys::chunk(group, TIMES, last))?;
    Some(standalone::simple_decompress(&bytes).expect("a stored chunk decompresses"))
}

/// Cells of a value chunk, `ABSENT` where there is no sample.
pub fn decode(chunk: &[u8]) -> Vec<u64> {
    let rows = usize::from(chunk[0]);
    let body = if chunk[1] == SOME { 2 + BITMAP_BYTES } else { 2 };
    let values: Vec<f64> = standalone::simple_decompress(&chunk[body..]).expect("a stored chunk decompresses");
    let mut values = values.into_iter();
    let present = |row: usize| chunk[1] == ALL || chunk[2 + row / 8] & (1 << (row % 8)) != 0;
    (0..rows).map(|row| if present(row) { values.next().map_or(ABSENT, f64::to_bits) } else { ABSENT }).collect()
}

/// Samples in a value chunk.
pub fn count(chunk: &[u8]) -> u64 {
    match chunk[1] {
        ALL => u64::from(chunk[0]),
        _ => chunk[2..2 + BITMAP_BYTES].iter().map(|byte| u64::from(byte.count_ones())).sum(),
    }
}

/// None when there is no sample at all.
fn encode(cells: &[u64]) -> Option<Vec<u8>> {
    let mut bitmap = [0u8; BITMAP_BYTES];
    let mut values: Vec<f64> = Vec::with_capacity(cells.len());
    for (row, bits) in cells.iter().enumerate().filter(|(_, bits)| **bits != ABSENT) {
        bitmap[row / 8] |= 1 << (row % 8);
        values.push(f64::from_bits(*bits));
    }
    if values.is_empty() {
        return None;
    }
    let all = values.len() == cells.len();
    let mut chunk = vec![cells.len() as u8, if all { ALL } else { SOME }];
    if !all {
        chunk.extend_from_slice(&bitmap);
    }
    chunk.extend_from_slice(&compress(&values));
    Some(chunk)
}

fn compress<N: pco::data_types::Number>(numbers: &[N]) -> Vec<u8> {
    standalone::simple_compress(numbers, &ChunkConfig::default()).expect("numbers in memory compress")
}
