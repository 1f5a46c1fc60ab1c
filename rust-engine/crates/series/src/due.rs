//! Which groups have chunks to merge: entries of the tree, so that a shard that is loaded goes on where it was. Value: the
//! first column that is not merged yet, u16, while a merger is under way; else 0.

use crate::head::Head;
use crate::{SeriesError, TREE, keys};
use paged::{Pages, PagesMut};
use std::ops::Range;

/// Chunks sealed before it is looked whether some are to be merged.
const UNMERGED_MAX: u8 = 2;
/// Rows that neighbouring chunks with fewer are merged to, once they have as many together.
const MERGED_ROWS: [usize; 6] = [8192, 4096, 2048, 1024, 512, 256];

/// Counts a sealed chunk; every second one queues the group, and late samples do.
pub fn sealed(pages: &mut impl PagesMut, group: u32, head: Head) -> Result<(), SeriesError> {
    let unmerged = head.unmerged(pages) + 1;
    if unmerged < UNMERGED_MAX && !head.has_late(pages) {
        head.set_unmerged(pages, unmerged);
        return Ok(());
    }
    queue(pages, group)?;
    head.set_unmerged(pages, 0);
    Ok(())
}

/// Queues a group unless it is; a merger that is under way goes on.
pub fn queue(pages: &mut impl PagesMut, group: u32) -> Result<(), SeriesError> {
    if !TREE.contains(pages, &keys::work(group)) {
        TREE.insert(pages, &keys::work(group), &0u16.to_le_bytes())?;
    }
    Ok(())
}

/// The group that is next.
pub fn first(pages: &impl Pages) -> Option<u32> {
    let (key, _) = TREE.seek(pages, &keys::WORK_START).next(pages)?;
    keys::split_work(key)
}

/// Takes a group out of the queue.
pub fn done(pages: &mut impl PagesMut, group: u32) {
    TREE.remove(pages, &keys::work(group));
}

/// The first column that is not merged yet.
pub fn next_column(pages: &impl Pages, group: u32) -> u16 {
    let entry = TREE.get(pages, &keys::work(group));
    entry.and_then(|next| next.first_chunk().copied()).map_or(0, u16::from_le_bytes)
}

/// Keeps how far a merger has come, with a queued group. Needs no page: the entry keeps its length.
pub fn set_next_column(pages: &mut impl PagesMut, group: u32, column: u16) {
    if TREE.contains(pages, &keys::work(group)) {
        let kept = TREE.insert(pages, &keys::work(group), &column.to_le_bytes());
        assert!(kept.is_ok(), "an entry of the same length needs no page");
    }
}

/// Which of a group's neighbouring chunks are to be merged, by their rows.
pub fn window(rows: &[usize]) -> Option<Range<usize>> {
    MERGED_ROWS.iter().find_map(|enough| {
        let (mut start, mut sum) = (0, 0);
        for (at, rows) in rows.iter().enumerate() {
            if rows >= enough {
                (start, sum) = (at + 1, 0);
                continue;
            }
            sum += rows;
            if sum >= *enough {
                return Some(start..at + 1);
            }
        }
        None
    })
}
