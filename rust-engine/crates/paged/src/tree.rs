use crate::node::{self, BRANCH, CAPACITY, LEAF};
use crate::{PageNo, Pages, PagesMut, PoolError, ROOT_PAGE, Region, overflow, read_u32, write};
use std::borrow::Cow;

/// Longest key.
pub const KEY_BYTES_MAX: usize = 512;
/// Longest value.
pub const VALUE_BYTES_MAX: usize = 1 << 20;
/// Longest value that is kept in its leaf: two cells of this size and the longest key always fit a page.
const INLINE_BYTES_MAX: usize = 1024;
/// With keys of at most 512 bytes a branch has at least 7 children: deeper than this is a broken tree.
const DEPTH_MAX: usize = 16;
/// Where the roots of the trees stand in the root page.
const ROOTS_AT: usize = 16;

const INLINE: u8 = 0;
pub(crate) const CHAINED: u8 = 1;

/// An ordered map of bytes to bytes (a B+ tree) in the pages of one region; one for each region of a shard.
///
/// Its root is found through the root page. An operation that is refused (pool full) leaves the map as it was.
#[derive(Clone, Copy, Debug)]
pub struct Tree {
    region: Region,
}

/// The way down to a leaf: branch pages with the position of the child taken.
pub(crate) struct Path {
    pub steps: Vec<(PageNo, usize)>,
    pub leaf: PageNo,
}

impl Tree {
    /// The tree of a region.
    pub const fn of(region: Region) -> Self {
        Self { region }
    }

    /// The region whose pages it uses.
    pub fn region(self) -> Region {
        self.region
    }

    /// The value of a key.
    pub fn get<'a>(self, pages: &'a impl Pages, key: &[u8]) -> Option<Cow<'a, [u8]>> {
        let leaf = pages.page(self.leaf_of(pages, key)?);
        let i = node::search(leaf, key).ok()?;
        Some(read_payload(pages, node::payload(leaf, i)))
    }

    /// True when the key is there.
    pub fn contains(self, pages: &impl Pages, key: &[u8]) -> bool {
        self.leaf_of(pages, key).is_some_and(|leaf| node::search(pages.page(leaf), key).is_ok())
    }

    /// Pages that one insert of a value of this size can need at most.
    pub fn pages_needed(value_bytes: usize) -> u32 {
        let chain = if value_bytes > INLINE_BYTES_MAX { overflow::pages_for(value_bytes) } else { 0 };
        chain + 8
    }

    /// Sets the value of a key; true when the key is new.
    pub fn insert(self, pages: &mut impl PagesMut, key: &[u8], value: &[u8]) -> Result<bool, PoolError> {
        assert!(key.len() <= KEY_BYTES_MAX, "key of {} bytes", key.len());
        assert!(value.len() <= VALUE_BYTES_MAX, "value of {} bytes", value.len());
        let known = self.descend(pages, key);
        // All that may be refused is asked for first: from here on the map changes whole.
        if !known.as_ref().is_some_and(|path| shrinks(pages.page(path.leaf), key, value)) {
            pages.require(self.region, Self::pages_needed(value.len()))?;
        }
        let path = match known {
            Some(path) => path,
            None => self.plant(pages)?,
        };
        let found = node::search(pages.page(path.leaf), key);
        if let Ok(i) = found {
            if overwrite(pages.page_mut(path.leaf), i, value) {
                return Ok(false);
            }
            free_chain(pages, path.leaf, i);
            node::remove(pages.page_mut(path.leaf), i);
        }
        let payload = self.write_payload(pages, value)?;
        let (Ok(at) | Err(at)) = found;
        let leaf = pages.page_mut(path.leaf);
        if node::insert(leaf, at, key, &payload) {
            node::note_insert(leaf, at);
        } else {
            self.split_upwards(pages, path, at, key, &payload)?;
        }
        Ok(found.is_err())
    }

    /// Removes a key; true when it was there.
    pub fn remove(self, pages: &mut impl PagesMut, key: &[u8]) -> bool {
        let Some(path) = self.descend(pages, key) else { return false };
        let Ok(i) = node::search(pages.page(path.leaf), key) else { return false };
        free_chain(pages, path.leaf, i);
        node::remove(pages.page_mut(path.leaf), i);
        self.merge_upwards(pages, path);
        true
    }

    /// A cursor at the first key ≥ `from`.
    pub fn seek(self, pages: &impl Pages, from: &[u8]) -> Cursor {
        let Some(leaf) = self.leaf_of(pages, from) else { return Cursor { leaf: 0, at: 0 } };
        let (Ok(at) | Err(at)) = node::search(pages.page(leaf), from);
        Cursor { leaf, at }
    }

    fn root(self, pages: &impl Pages) -> PageNo {
        read_u32(pages.page(ROOT_PAGE), ROOTS_AT + self.region.index() * 4)
    }

    fn set_root(self, pages: &mut impl PagesMut, root: PageNo) {
        write(pages.page_mut(ROOT_PAGE), ROOTS_AT + self.region.index() * 4, &root.to_le_bytes());
    }

    fn plant(self, pages: &mut impl PagesMut) -> Result<Path, PoolError> {
        let root = pages.allocate_uncleared(self.region)?;
        node::init(pages.page_mut(root), LEAF, 0);
        self.set_root(pages, root);
        Ok(Path { steps: Vec::new(), leaf: root })
    }

    /// The leaf where the key stands or would stand; none while the tree has no page.
    fn leaf_of(self, pages: &impl Pages, key: &[u8]) -> Option<PageNo> {
        let mut n = self.root(pages);
        if n == 0 {
            return None;
        }
        for _ in 0..=DEPTH_MAX {
            let page = pages.page(n);
            if node::kind(page) == LEAF {
                return Some(n);
            }
            assert!(node::kind(page) == BRANCH, "page {n} is no tree page");
            let at = match node::search(page, key) {
                Ok(i) => i + 1,
                Err(i) => i,
            };
            n = node::child(page, at);
        }
        unreachable!("deeper than {DEPTH_MAX} pages")
    }

    /// The way to the leaf where the key stands or would stand; none while the tree has no page.
    pub(crate) fn descend(self, pages: &impl Pages, key: &[u8]) -> Option<Path> {
        let mut n = self.root(pages);
        if n == 0 {
            return None;
        }
        let mut steps = Vec::with_capacity(4);
        loop {
            let page = pages.page(n);
            if node::kind(page) == LEAF {
                return Some(Path { steps, leaf: n });
            }
            assert!(node::kind(page) == BRANCH && steps.len() < DEPTH_MAX, "page {n} is no tree page");
            let at = match node::search(page, key) {
                Ok(i) => i + 1,
                Err(i) => i,
            };
            steps.push((n, at));
            n = node::child(page, at);
        }
    }

    fn write_payload(self, pages: &mut impl PagesMut, value: &[u8]) -> Result<Vec<u8>, PoolError> {
        let mut payload = Vec::with_capacity(1 + value.len().min(INLINE_BYTES_MAX));
        if value.len() <= INLINE_BYTES_MAX {
            payload.push(INLINE);
            payload.extend_from_slice(value);
        } else {
            payload.push(CHAINED);
            payload.extend_from_slice(&overflow::store(pages, self.region, value)?.to_le_bytes());
        }
        Ok(payload)
    }

    /// Puts a cell into a full leaf: splits it and every full branch above.
    fn split_upwards(
        self,
        pages: &mut impl PagesMut,
        path: Path,
        at: usize,
        key: &[u8],
        payload: &[u8],
    ) -> Result<(), PoolError> {
        let (mut separator, mut right) = self.split(pages, path.leaf, at, key, payload)?;
        let mut left = path.leaf;
        for (n, at) in path.steps.into_iter().rev() {
            if node::insert(pages.page_mut(n), at, &separator, &right.to_le_bytes()) {
                return Ok(());
            }
            (separator, right) = self.split(pages, n, at, &separator, &right.to_le_bytes())?;
            left = n;
        }
        let root = pages.allocate_uncleared(self.region)?;
        node::init(pages.page_mut(root), BRANCH, left);
        node::insert(pages.page_mut(root), 0, &separator, &right.to_le_bytes());
        self.set_root(pages, root);
        Ok(())
    }

    /// Divides a full page and a new cell over it and a new right sibling; gives the separator and the sibling.
    fn split(
        self,
        pages: &mut impl PagesMut,
        n: PageNo,
        at: usize,
        key: &[u8],
        payload: &[u8],
    ) -> Result<(Vec<u8>, PageNo), PoolError> {
        let right = pages.allocate_uncleared(self.region)?;
        let old = *pages.page(n);
        let mut cells: Vec<(&[u8], &[u8])> =
            (0..node::count(&old)).map(|i| (node::key(&old, i), node::payload(&old, i))).collect();
        cells.insert(at, (key, payload));
        let middle =
            node::hot_split(&old, at).filter(|middle| fit(&cells, *middle)).unwrap_or_else(|| split_point(&cells, at));
        let (lower, upper) = cells.split_at(middle);
        let is_leaf = node::kind(&old) == LEAF;
        // The first upper cell of a branch moves up: its child becomes the leftmost of the new page.
        let (separator, right_link, left_link, upper) = if is_leaf {
            (shortest_between(lower[middle - 1].0, upper[0].0), node::link(&old), right, upper)
        } else {
            (upper[0].0.to_vec(), child_of(upper[0].1), node::link(&old), &upper[1..])
        };
        fill(pages.page_mut(n), node::kind(&old), left_link, lower);
        fill(pages.page_mut(right), node::kind(&old), right_link, upper);
        if is_leaf {
            let (page, i) = if at < middle { (n, at) } else { (right, at - middle) };
            node::set_note(pages.page_mut(page), i, node::counters_after(&old, at));
        }
        Ok((separator, right))
    }

    /// After a removal: joins nearly empty pages with a neighbour, from the leaf up.
    fn merge_upwards(self, pages: &mut impl PagesMut, path: Path) {
        let mut n = path.leaf;
        for (parent, at) in path.steps.into_iter().rev() {
            if node::used(pages.page(n)) > CAPACITY / 3 {
                return;
            }
            let merged = merge(pages, parent, at) || (at > 0 && merge(pages, parent, at - 1));
            if !merged {
                return;
            }
            n = parent;
        }
        self.lower_root(pages);
    }

    fn lower_root(self, pages: &mut impl PagesMut) {
        let root = self.root(pages);
        let page = pages.page(root);
        if node::count(page) == 0 {
            let below = if node::kind(page) == BRANCH { node::link(page) } else { 0 };
            self.set_root(pages, below);
            pages.free(root);
        }
    }
}

/// Walks the entries in order of their keys. Valid until the map changes.
#[derive(Clone, Debug)]
pub struct Cursor {
    leaf: PageNo,
    at: usize,
}

impl Cursor {
    /// The entry under the cursor, which moves on.
    pub fn next<'a, P: Pages>(&mut self, pages: &'a P) -> Option<(&'a [u8], Cow<'a, [u8]>)> {
        while self.leaf != 0 {
            let page = pages.page(self.leaf);
            if self.at < node::count(page) {
                let i = self.at;
                self.at += 1;
                return Some((node::key(page, i), read_payload(pages, node::payload(page, i))));
            }
            (self.leaf, self.at) = (node::link(page), 0);
        }
        None
    }

    /// The key under the cursor, which stays.
    pub fn peek_key<'a, P: Pages>(&mut self, pages: &'a P) -> Option<&'a [u8]> {
        let mut ahead = self.clone();
        let (key, _) = ahead.next(pages)?;
        Some(key)
    }
}

fn read_payload<'a>(pages: &'a impl Pages, payload: &'a [u8]) -> Cow<'a, [u8]> {
    match payload.split_first() {
        Some((&INLINE, value)) => Cow::Borrowed(value),
        Some((_, first)) => Cow::Owned(overflow::load(pages, child_of(first))),
        None => Cow::Borrowed(&[]),
    }
}

/// True when the key's value is replaced by one that is no longer: that needs no page, even when the pool is full.
fn shrinks(leaf: &crate::Page, key: &[u8], value: &[u8]) -> bool {
    let Ok(i) = node::search(leaf, key) else { return false };
    let payload = node::payload(leaf, i);
    payload.first() == Some(&INLINE) && value.len() < payload.len()
}

/// Replaces an inline value by one of the same length where it stands.
fn overwrite(leaf: &mut crate::Page, i: usize, value: &[u8]) -> bool {
    let payload = node::payload_mut(leaf, i);
    let same = payload.len() == value.len() + 1 && payload[0] == INLINE && value.len() <= INLINE_BYTES_MAX;
    if same {
        payload[1..].copy_from_slice(value);
    }
    same
}

fn free_chain(pages: &mut impl PagesMut, leaf: PageNo, i: usize) {
    let payload = node::payload(pages.page(leaf), i);
    if payload.first() == Some(&CHAINED) {
        let first = child_of(&payload[1..]);
        overflow::release(pages, first);
    }
}

pub(crate) fn child_of(payload: &[u8]) -> PageNo {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(payload);
    PageNo::from_le_bytes(bytes)
}

fn fill(page: &mut crate::Page, kind: u8, link: PageNo, cells: &[(&[u8], &[u8])]) {
    node::init(page, kind, link);
    for (i, (key, payload)) in cells.iter().enumerate() {
        let fits = node::insert(page, i, key, payload);
        assert!(fits, "half of a split page does not fit");
    }
}

/// Where to divide: in the middle by bytes; for a cell put at the end (ascending keys) right before it.
fn split_point(cells: &[(&[u8], &[u8])], inserted_at: usize) -> usize {
    if inserted_at == cells.len() - 1 {
        return inserted_at;
    }
    let total: usize = cells.iter().map(|(key, payload)| node::cell_bytes(key, payload)).sum();
    let mut left = 0;
    let mut best = (usize::MAX, 1);
    for (i, (key, payload)) in cells.iter().enumerate().take(cells.len() - 1) {
        left += node::cell_bytes(key, payload);
        best = best.min((left.max(total - left), i + 1));
    }
    best.1
}

/// True when both sides of a division fit a page.
fn fit(cells: &[(&[u8], &[u8])], middle: usize) -> bool {
    let bytes =
        |cells: &[(&[u8], &[u8])]| cells.iter().map(|(key, payload)| node::cell_bytes(key, payload)).sum::<usize>();
    let (lower, upper) = cells.split_at(middle);
    bytes(lower) <= CAPACITY && bytes(upper) <= CAPACITY
}

/// A short key that is > `low` and ≤ `high`.
fn shortest_between(low: &[u8], high: &[u8]) -> Vec<u8> {
    let shared = low.iter().zip(high).take_while(|(a, b)| a == b).count();
    high[..(shared + 1).min(high.len())].to_vec()
}

/// Joins the children at `i` and `i + 1` of a branch when they fit into one page.
fn merge(pages: &mut impl PagesMut, parent: PageNo, i: usize) -> bool {
    if i >= node::count(pages.page(parent)) {
        return false;
    }
    let left = node::child(pages.page(parent), i);
    let right = node::child(pages.page(parent), i + 1);
    let source = *pages.page(right);
    let is_branch = node::kind(&source) == BRANCH;
    let separator = node::key(pages.page(parent), i).to_vec();
    let pulled = if is_branch { node::cell_bytes(&separator, &[0; 4]) } else { 0 };
    if node::used(pages.page(left)) + node::used(&source) + pulled > CAPACITY {
        return false;
    }
    let target = pages.page_mut(left);
    if is_branch {
        let end = node::count(target);
        node::insert(target, end, &separator, &node::link(&source).to_le_bytes());
    } else {
        node::set_link(target, node::link(&source));
    }
    node::append(target, &source, 0, node::count(&source));
    node::remove(pages.page_mut(parent), i);
    pages.free(right);
    true
}
