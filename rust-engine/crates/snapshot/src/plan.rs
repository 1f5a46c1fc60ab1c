//! Which pages a snapshot writes, and which segments of the one before it still serves.

use crate::manifest::Manifest;
use paged::{Heap, PageSet};
use std::sync::Arc;

/// Segments that one manifest may name.
const SEGMENTS_MAX: usize = 16;

/// What the next snapshot of a shard is built of.
#[derive(Debug)]
pub struct Plan {
    /// The snapshot that it builds on, when it does not write everything.
    pub(crate) base: Option<Arc<Manifest>>,
    /// Which segments of it go on.
    pub(crate) kept: Vec<bool>,
    /// Numbers that do not stand where the base says any more.
    pub(crate) changed: PageSet,
    /// Pages to copy.
    pub copies: PageSet,
    /// Page numbers of the shard, used or not.
    pub(crate) numbers: u32,
}

impl Plan {
    /// Everything when there is no base; else what changed since, and what is left of segments that are rewritten.
    ///
    /// The segments named hold at most twice as many pages as are in use, and there are at most 16 of them.
    pub fn of(heap: &Heap, base: Option<Arc<Manifest>>) -> Self {
        let numbers = heap.len();
        let used = |n: &u32| heap.is_used(*n);
        let Some(manifest) = base else {
            let copies = (0..numbers).filter(used).collect();
            return Self { base: None, kept: Vec::new(), changed: PageSet::default(), copies, numbers };
        };
        let changed = heap.changed().clone();
        let mut copies: PageSet = changed.iter().filter(used).collect();
        let mut live = manifest.live.clone();
        for place in changed.iter().filter_map(|n| manifest.places.get(n as usize)).filter(|place| place.tag != 0) {
            live[usize::from(place.segment)] -= 1;
        }
        let kept = keep(&manifest, &live, copies.count());
        if live.iter().zip(&kept).any(|(live, kept)| *live > 0 && !kept) {
            for (n, place) in manifest.places.iter().enumerate().filter(|(_, place)| place.tag != 0) {
                // A number in use of a segment that goes: the pool still holds the same page.
                if !kept[usize::from(place.segment)] && heap.is_used(n as u32) {
                    copies.insert(n as u32);
                }
            }
        }
        Self { base: Some(manifest), kept, changed, copies, numbers }
    }
}

/// Which segments stay: those most superseded go until the bound holds, then the smallest until few enough are left.
fn keep(manifest: &Manifest, live: &[u32], written: u32) -> Vec<bool> {
    let pages = |i: usize| u64::from(manifest.head.segments[i].pages);
    let mut kept: Vec<bool> = live.iter().map(|live| *live > 0).collect();
    let in_use = u64::from(written) + live.iter().map(|live| u64::from(*live)).sum::<u64>();
    let mut named = u64::from(written) + (0..live.len()).filter(|i| kept[*i]).map(pages).sum::<u64>();
    let mut by_use: Vec<usize> = (0..live.len()).filter(|i| kept[*i]).collect();
    by_use.sort_by_key(|i| u64::from(live[*i]) * 1024 / pages(*i));
    for i in by_use {
        if named <= in_use * 2 {
            break;
        }
        kept[i] = false;
        named -= pages(i) - u64::from(live[i]);
    }
    let mut by_size: Vec<usize> = (0..live.len()).filter(|i| kept[*i]).collect();
    if by_size.len() >= SEGMENTS_MAX {
        by_size.sort_by_key(|i| live[*i]);
        by_size.truncate(SEGMENTS_MAX / 2);
        by_size.into_iter().for_each(|i| kept[i] = false);
    }
    kept
}
