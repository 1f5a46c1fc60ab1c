//! Sealed chunks of a group come and go: timestamps (see `times`) and the values of each column (see `values`).

use crate::full::Full;
use crate::head::Head;
use crate::keys::{self, Kind, TIMES};
use crate::times::Merging;
use crate::values::Values;
use crate::{SeriesError, TREE, due};
use paged::PagesMut;
use std::borrow::Cow;

/// Drops the timestamps of the chunk with this last time, which is the oldest, and of those that are being merged with it, so that
/// nobody reads their values.
pub fn drop_times(pages: &mut impl PagesMut, number: u32, last: i64) {
    let is_merging = |entry: Cow<'_, [u8]>| Merging::read(&entry).is_some();
    if TREE.get(pages, &keys::chunk(number, TIMES, last)).is_some_and(is_merging) {
        due::set_next_column(pages, number, 0);
    }
    drop_up_to(pages, number, TIMES, last, |_| ());
}

/// Drops the values of a column in chunks up to a last time; how many chunks and samples went.
pub fn drop_column(pages: &mut impl PagesMut, number: u32, column: u16, last: i64) -> (usize, u64) {
    let (mut chunks, mut samples) = (0, 0);
    drop_up_to(pages, number, column, last, |bytes| {
        chunks += 1;
        samples += Values::of(bytes).count() as u64;
    });
    (chunks, samples)
}

fn drop_up_to(pages: &mut impl PagesMut, number: u32, column: u16, last: i64, mut dropped: impl FnMut(&[u8])) {
    let prefix = keys::column_chunks(number, column);
    loop {
        let next = TREE.seek(pages, &prefix).next(pages);
        let is_older = |key: &[u8]| keys::split_chunk(key).is_some_and(|(_, _, of_chunk)| of_chunk <= last);
        let Some((key, bytes)) = next.filter(|(key, _)| key.starts_with(&prefix) && is_older(key)) else { return };
        dropped(&bytes);
        let key = key.to_vec();
        TREE.remove(pages, &key);
    }
}

/// Keeps the head's entry in the eviction order at the time of its first row, or of the first that was set aside.
pub fn requeue(pages: &mut impl PagesMut, number: u32, head: Head) -> Result<(), SeriesError> {
    let oldest = Full::beside(pages, head).map_or(head, Full::head);
    let first = (oldest.rows(pages) > 0).then(|| oldest.time(pages, 0));
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
