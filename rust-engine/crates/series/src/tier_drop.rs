use crate::TREE;
use crate::keys::{self, TIMES};
use crate::tier::Tier;
use crate::tier_keys::{self, Name};
use paged::{Pages, PagesMut};
use std::ops::Range;

/// Drops the blocks of a group up to a time, and with them what the hour tier has only there; how many.
pub fn drop_blocks(pages: &mut impl PagesMut, group: u32, last: i64) -> u64 {
    drop_up_to(pages, &tier_keys::blocks_of(group), last)
}

/// Drops the chunks that a tier has up to a time of some columns of a group, and what is being merged to one. What all
/// columns share goes with the first column, so that nobody reads the rest. The entry in the eviction order is the caller's.
/// How many entries were dropped.
pub fn drop_columns(pages: &mut impl PagesMut, group: u32, tier: Tier, columns: Range<usize>, last: i64) -> u64 {
    let mut dropped = 0;
    if columns.start == 0 {
        dropped += drop_up_to(pages, &tier_keys::column_of(group, tier, TIMES), last);
    }
    for column in columns {
        dropped += drop_up_to(pages, &tier_keys::column_of(group, tier, column as u16), last);
    }
    dropped
}

fn drop_up_to(pages: &mut impl PagesMut, prefix: &[u8], last: i64) -> u64 {
    let mut dropped = 0;
    loop {
        let key = TREE.seek(pages, prefix).peek_key(pages).map(<[u8]>::to_vec);
        match key.filter(|key| Name::after(key, prefix).is_some_and(|name| name.last <= last)) {
            Some(key) => dropped += u64::from(TREE.remove(pages, &key)),
            None => return dropped,
        }
    }
}

/// Whether a group has any piece of a tier.
pub fn has_pieces(pages: &impl Pages, group: u32) -> bool {
    [tier_keys::blocks_of(group), tier_keys::tiers_of(group)]
        .iter()
        .any(|prefix| TREE.seek(pages, prefix).peek_key(pages).is_some_and(|key| key.starts_with(prefix)))
}

/// Takes a piece's entry out of the eviction order.
pub fn unlist(pages: &mut impl PagesMut, group: u32, tier: Tier, last: i64) {
    TREE.remove(pages, &keys::order(last, tier.kind(), group));
}
