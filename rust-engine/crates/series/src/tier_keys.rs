//! Keys of what tiers consist of.

use crate::keys::{BLOCK, Kind, TIER};
use crate::tier::Tier;
use paged::{ordered, unordered};

/// A chunk among those of its column: its last time, and how often it was merged. While chunks are merged, those of some
/// columns are still the former ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    pub last: i64,
    pub level: u8,
}

impl Name {
    /// Of a chunk that tells no level.
    pub fn of_last(last: i64) -> Self {
        Self { last, level: 0 }
    }

    /// The one at the end of a key that begins with the prefix of a column's chunks and has nothing between.
    pub fn after(key: &[u8], prefix: &[u8]) -> Option<Self> {
        let (last, level) = key.strip_prefix(prefix)?.split_first_chunk()?;
        let last = unordered(u64::from_be_bytes(*last));
        match level {
            [] => Some(Self::of_last(last)),
            [level] => Some(Self { last, level: *level }),
            _ => None,
        }
    }
}

impl Tier {
    /// What its pieces are in the eviction order.
    pub const fn kind(self) -> Kind {
        match self {
            Tier::Five => Kind::FiveMinutes,
            Tier::Hour => Kind::Hour,
        }
    }
}

/// Prefix of the blocks of a group.
pub fn blocks_of(group: u32) -> [u8; 5] {
    let mut key = [BLOCK; 5];
    key[1..].copy_from_slice(&group.to_be_bytes());
    key
}

/// A block by its last time.
pub fn block(group: u32, last: i64) -> Vec<u8> {
    [blocks_of(group).as_slice(), &ordered(last).to_be_bytes()].concat()
}

/// Prefix of the chunks of a group's tiers.
pub fn tiers_of(group: u32) -> [u8; 5] {
    let mut key = [TIER; 5];
    key[1..].copy_from_slice(&group.to_be_bytes());
    key
}

/// Prefix of the chunks of a column in a tier; `TIMES` is the shared one of the buckets.
pub fn column_of(group: u32, tier: Tier, column: u16) -> Vec<u8> {
    [tiers_of(group).as_slice(), &[tier as u8], &column.to_be_bytes()].concat()
}

/// A column's chunk of a tier.
pub fn chunk(group: u32, tier: Tier, column: u16, name: Name) -> Vec<u8> {
    let mut key = column_of(group, tier, column);
    key.extend_from_slice(&ordered(name.last).to_be_bytes());
    key.push(name.level);
    key
}
