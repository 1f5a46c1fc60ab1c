//! Sealed chunks of a group come and go: timestamps (see `times`) and the values of each column (see `values`).

use crate::group::Group;
use crate::head::{ABSENT, Head, SEALED_ROWS};
use crate::keys::{self, Kind, TIMES};
use crate::packed::Effort;
use crate::times::{Merging, encode_times};
use crate::values::{Values, encode};
use crate::{SeriesError, TREE, due, tier_block};
use paged::{Pages, PagesMut};
use std::borrow::Cow;

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
        if let Some(chunk) = encode(&cells, Effort::Quick) {
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

/// True while the chunk with this last time is being merged, with other chunks or late samples.
pub fn is_merging(pages: &impl Pages, number: u32, last: i64) -> bool {
    let entry = TREE.get(pages, &keys::chunk(number, TIMES, last));
    entry.is_some_and(|entry| Merging::read(&entry).is_some())
}

/// Drops the chunk with this last time, and those that are being merged with it; how many samples went.
pub fn drop_sealed(pages: &mut impl PagesMut, number: u32, columns: usize, last: i64) -> u64 {
    let entry = TREE.get(pages, &keys::chunk(number, TIMES, last)).map(Cow::into_owned).unwrap_or_default();
    let others = Merging::read(&entry).map(|merging| merging.others);
    if others.is_some() {
        due::set_next_column(pages, number, 0);
    }
    let mut samples = 0;
    for last in others.into_iter().flatten().chain([last]) {
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
