use codec::SeriesId;
use foldhash::fast::RandomState;
use std::hash::BuildHasher;

/// Positions of ids in lists that are kept elsewhere: 4 bytes for each, so that thousands stay in the cache.
pub struct Index {
    state: RandomState,
    /// 1 + position below 12 bits of the hash, 0 where there is none; at most half of them are taken.
    slots: Vec<u32>,
}

/// Bits of a position; more ids than that are not indexed.
const POSITION_BITS: u32 = 20;
/// Ids of an index at most.
pub const IDS_MAX: usize = (1 << POSITION_BITS) - 1;

impl Index {
    /// An empty index with room for so many ids, and no more.
    pub fn for_ids(ids: usize) -> Self {
        Self { state: RandomState::default(), slots: vec![0; (ids * 2).next_power_of_two()] }
    }

    /// Adds an id that is not in the index.
    pub fn insert(&mut self, id: SeriesId, position: usize) {
        let (mut slot, tag) = self.start(id);
        while self.slots[slot] != 0 {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = tag | (position as u32 + 1);
    }

    /// The position of an id; `is` says whether it is the one at a position.
    pub fn find(&self, id: SeriesId, is: impl Fn(usize) -> bool) -> Option<usize> {
        let (mut slot, tag) = self.start(id);
        while self.slots[slot] != 0 {
            // Most that are not it differ in the bits of the hash: their ids need not be looked at.
            let found = self.slots[slot];
            let position = (found & IDS_MAX as u32) as usize - 1;
            if found & !(IDS_MAX as u32) == tag && is(position) {
                return Some(position);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        None
    }

    fn start(&self, id: SeriesId) -> (usize, u32) {
        let hash = self.state.hash_one(id);
        (hash as usize & (self.slots.len() - 1), (hash >> 32) as u32 & !(IDS_MAX as u32))
    }
}
