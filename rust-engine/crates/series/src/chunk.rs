//! Sealed chunks of a group come and go: timestamps (see `times`) and the values of each column (see `values`).

use crate::full::Full;
use crate::head::Head;
use crate::keys::{self, Kind, TIMES};
use crate::times::Merging;
use crate::values::Values;
use crate::{SeriesError, TREE, due};
use paged::{Pages, PagesMut};
use std::borrow::Cow;

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
