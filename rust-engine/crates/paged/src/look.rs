//! What the pages of a tree hold, leaf by leaf: for figures that are gathered in small steps between other work.

use crate::node::{self, BRANCH};
use crate::tree::{CHAINED, child_of};
use crate::{Pages, Tree, overflow};

/// An entry as it lies in its leaf.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// The value, or as much of it as lies in the first page of its chain.
    pub beginning: &'a [u8],
    /// Bytes in the leaf.
    pub bytes: usize,
    /// Pages that hold a long value, and their bytes in use.
    pub chain: (u32, usize),
}

/// One leaf, and the branches above it that begin with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Branches, and their bytes in use.
    pub branches: (u32, usize),
    /// The first key of the leaf after it; none after the last one.
    pub next: Option<Vec<u8>>,
}

impl Tree {
    /// Looks at the leaf where a key stands or would stand; none while the tree is empty. Looking again from `next` comes by
    /// every page of the tree once, when nothing changes meanwhile.
    pub fn look(self, pages: &impl Pages, from: &[u8], see: &mut dyn FnMut(Entry<'_>)) -> Option<Looked> {
        let path = self.descend(pages, from)?;
        let leaf = pages.page(path.leaf);
        for i in 0..node::count(leaf) {
            see(entry(pages, node::key(leaf, i), node::payload(leaf, i)));
        }
        let begun = path.steps.iter().rev().take_while(|(_, at)| *at == 0);
        let used = begun.map(|(n, _)| pages.page(*n)).inspect(|page| debug_assert!(node::kind(page) == BRANCH));
        let branches = used.fold((0, 0), |(count, bytes), page| (count + 1, bytes + node::used(page)));
        let mut after = node::link(leaf);
        while after != 0 && node::count(pages.page(after)) == 0 {
            after = node::link(pages.page(after));
        }
        let next = (after != 0).then(|| node::key(pages.page(after), 0).to_vec());
        Some(Looked { branches, next })
    }
}

fn entry<'a>(pages: &'a impl Pages, key: &'a [u8], payload: &'a [u8]) -> Entry<'a> {
    let bytes = node::cell_bytes(key, payload);
    match payload.split_first() {
        Some((&CHAINED, first)) => {
            let first = child_of(first);
            Entry { key, beginning: overflow::beginning(pages, first), bytes, chain: overflow::size(pages, first) }
        }
        Some((_, value)) => Entry { key, beginning: value, bytes, chain: (0, 0) },
        None => Entry { key, beginning: &[], bytes, chain: (0, 0) },
    }
}
