//! What an entry of the tree is, for the figures of the memory.

use crate::full::Full;
use crate::group::{Group, decode};
use crate::head::Head;
use crate::{gone, keys};
use paged::Pages;

/// The kind of an entry of this crate; none for those of others in the same tree.
pub fn component(key: &[u8]) -> Option<&'static str> {
    Some(match *key.first()? {
        keys::GROUP | keys::GONE => "series_heads",
        tag if tag == keys::CHUNKS_START[0] => "chunks",
        keys::SERIES | keys::TARGET => "series_places",
        keys::LABELS | keys::SYMBOL | keys::TEXT => "series_labels",
        keys::POSTING | keys::BY_SERVICE => "series_indexes",
        tag if tag == keys::NEXT_SYMBOL[0] => "series_labels",
        tag if tag == keys::NEXT_GROUP[0] => "series_heads",
        keys::ORDER => "eviction_order",
        tag if tag == keys::WORK_START[0] => "repack_queue",
        keys::BLOCK | keys::TIER => "tiers",
        tag if tag == keys::FULL_START[0] => "repack_queue",
        keys::LATE => "late_samples",
        _ => return None,
    })
}

/// Pages that an entry names beside the tree, and their bytes in use.
pub fn pages_named(pages: &impl Pages, key: &[u8], value: &[u8]) -> (u32, usize) {
    if key.first() == Some(&keys::GONE) {
        return (1, gone::series_of(value) * 16);
    }
    if key.first() != Some(&keys::GROUP) {
        return (0, 0);
    }
    let group: Group = decode(value);
    let head = Head::at(group.head);
    let (count, bytes) = head.extent(pages);
    let (set_aside, of_them) = Full::of(pages, &group).map_or((0, 0), |full| full.head().extent(pages));
    // And the page of the ids of its columns.
    (count + set_aside + 1, bytes + of_them + head.columns(pages) * 16)
}
