//! Sets of groups in the tree: under a prefix, one entry for each 256 groups of which some are in it.

use crate::byte_set::ByteSet;
use crate::keys::{push_ordered, split_ordered};
use crate::{SeriesError, TREE};
use paged::{Pages, PagesMut};
use std::collections::BTreeMap;

/// Groups of a shard.
#[derive(Clone, Debug, Default)]
pub struct GroupSet {
    /// The lower bytes of the groups by the rest of their numbers.
    blocks: BTreeMap<u32, ByteSet>,
}

impl GroupSet {
    /// The set under a prefix.
    pub fn read(pages: &impl Pages, prefix: &[u8]) -> Self {
        let mut set = Self::default();
        set.add_all(pages, prefix);
        set
    }

    /// Adds those under a prefix.
    pub fn add_all(&mut self, pages: &impl Pages, prefix: &[u8]) {
        let mut cursor = TREE.seek(pages, prefix);
        while let Some((key, value)) = cursor.next(pages) {
            let Some((block, _)) = key.strip_prefix(prefix).and_then(split_ordered) else { return };
            let known = self.blocks.entry(block).or_default();
            *known = known.or(ByteSet::of_shrinking(&value));
        }
    }

    pub fn insert(&mut self, group: u32) {
        self.blocks.entry(group >> 8).or_default().insert(group as u8);
    }

    pub fn and(&mut self, other: &Self) {
        self.blocks.retain(|block, own| {
            *own = own.and(other.blocks.get(block).copied().unwrap_or_default());
            !own.is_empty()
        });
    }

    pub fn len(&self) -> usize {
        self.blocks.values().map(|set| set.count()).sum()
    }

    /// The groups in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.blocks.iter().flat_map(|(block, set)| set.iter().map(move |low| block << 8 | u32::from(low)))
    }
}

/// Puts a group into the set under a prefix.
pub fn add(pages: &mut impl PagesMut, prefix: &[u8], group: u32) -> Result<(), SeriesError> {
    let key = key_of(prefix, group);
    let mut set = TREE.get(pages, &key).map_or_else(ByteSet::default, |bytes| ByteSet::of_shrinking(&bytes));
    set.insert(group as u8);
    TREE.insert(pages, &key, &set.to_shrinking())?;
    Ok(())
}

/// Takes a group out of the set under a prefix. Needs no page.
pub fn remove(pages: &mut impl PagesMut, prefix: &[u8], group: u32) {
    let key = key_of(prefix, group);
    let Some(mut set) = TREE.get(pages, &key).map(|bytes| ByteSet::of_shrinking(&bytes)) else { return };
    set.remove(group as u8);
    if set.is_empty() {
        TREE.remove(pages, &key);
    } else {
        TREE.insert(pages, &key, &set.to_shrinking()).expect("a value that does not grow needs no page");
    }
}

/// True when no group is in the set under a prefix.
pub fn is_empty(pages: &impl Pages, prefix: &[u8]) -> bool {
    !TREE.seek(pages, prefix).peek_key(pages).is_some_and(|key| key.starts_with(prefix))
}

fn key_of(prefix: &[u8], group: u32) -> Vec<u8> {
    let mut key = prefix.to_vec();
    push_ordered(&mut key, group >> 8);
    key
}
