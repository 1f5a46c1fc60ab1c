use crate::changes::Changes;
use crate::{Page, PageImage, PageNo, PageSet, Pages, PagesMut, ROOT_PAGE, Ring};
use pool::{PageId, Pool, PoolError, Region};
use std::sync::Arc;

const UNUSED: u32 = u32::MAX;

/// Which pool page stands behind each page of a shard. Bounded by the pages of the pool.
#[derive(Debug)]
pub struct Heap {
    shard: u16,
    table: Vec<u32>,
    unused: Vec<PageNo>,
    changes: Changes,
}

impl Heap {
    /// A heap with its root page.
    pub fn create(pool: &mut Pool, shard: u16) -> Result<Self, PoolError> {
        let root = pool.allocate(shard, Region::ActiveOperations)?;
        Ok(Self { shard, table: vec![root.0], unused: Vec::new(), changes: Changes::default() })
    }

    /// A heap whose pages are still to come, by what is in use of its numbers: `install` brings them.
    pub fn vacant(shard: u16, used: impl ExactSizeIterator<Item = bool>) -> Self {
        let table = vec![UNUSED; used.len()];
        let free = used.enumerate().filter(|(_, used)| !used).map(|(n, _)| n as PageNo);
        let unused = free.collect::<Vec<_>>().into_iter().rev().collect();
        Self { shard, table, unused, changes: Changes::default() }
    }

    /// Takes a page for a number of a vacant heap that has none yet, and fills it.
    pub fn install(&mut self, pool: &mut Pool, n: PageNo, region: Region, page: &Page) -> Result<(), PoolError> {
        assert!(!self.is_used(n), "page {n} comes twice");
        let id = pool.allocate_uncleared(self.shard, region)?;
        pool.page_mut(id).copy_from_slice(page);
        self.table[n as usize] = id.0;
        Ok(())
    }

    /// Copies every page in use.
    pub fn image(&self, pool: &Pool) -> PageImage {
        let mut image = PageImage::with_capacity(self.table.len());
        for id in &self.table {
            if *id == UNUSED {
                image.push(None);
            } else {
                let (_, region) = pool.owner_of(PageId(*id));
                image.push(Some((region, pool.page(PageId(*id)))));
            }
        }
        image
    }

    /// Gives every page back to the pool; a running cut is given up.
    pub fn drop_pages(&mut self, pool: &mut Pool) {
        self.changes = Changes::default();
        self.table.drain(..).filter(|id| *id != UNUSED).for_each(|id| pool.free(PageId(id)));
        self.unused.clear();
    }

    /// The shard that owns the pages.
    pub fn shard(&self) -> u16 {
        self.shard
    }

    /// Page numbers ever given: those in use are below.
    pub fn len(&self) -> u32 {
        self.table.len() as u32
    }

    /// False: there is always the root page.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// True for a page in use.
    pub fn is_used(&self, n: PageNo) -> bool {
        self.table.get(n as usize).is_some_and(|id| *id != UNUSED)
    }

    /// Pages changed, taken or given back since the last cut, or since the image that the heap was made of.
    pub fn changed(&self) -> &PageSet {
        self.changes.since_cut()
    }

    /// Makes a cut: these pages, as they are now, come through the ring. Whoever changes one of them first copies it there;
    /// the others are copied by `copy_some`. One cut at a time, until `end_cut`.
    pub fn cut(&mut self, pages: PageSet, ring: Arc<Ring>) {
        debug_assert!(pages.iter().all(|n| self.is_used(n)));
        self.changes.begin(pages, ring);
    }

    /// Copies some pages of the running cut, without waiting.
    pub fn copy_some(&mut self, pool: &Pool, most: u32) {
        let table = &self.table;
        self.changes.copy_some(most, |n| {
            let id = PageId(table[n as usize]);
            (pool.owner_of(id).1, pool.page(id))
        });
    }

    /// Ends the running cut; when nothing was written, its pages count as changed again.
    pub fn end_cut(&mut self, written: bool) {
        self.changes.end(written);
    }

    /// What must happen before a page changes or goes.
    fn before_change(&mut self, pool: &Pool, n: PageNo, id: PageId) {
        if let Some(ring) = self.changes.note(n) {
            ring.push(n, pool.owner_of(id).1, pool.page(id));
        }
    }
}

/// A heap together with its pool, to change.
#[derive(Debug)]
pub struct Space<'a> {
    /// The pool.
    pub pool: &'a mut Pool,
    /// The shard's page table.
    pub heap: &'a mut Heap,
}

impl Space<'_> {
    /// A number of the shard for a page just taken.
    fn number(&mut self, id: PageId) -> PageNo {
        let n = self.heap.unused.pop().unwrap_or_else(|| {
            self.heap.table.push(UNUSED);
            (self.heap.table.len() - 1) as PageNo
        });
        self.heap.table[n as usize] = id.0;
        self.heap.before_change(self.pool, n, id);
        n
    }
}

impl Pages for Space<'_> {
    #[inline]
    fn page(&self, n: PageNo) -> &Page {
        self.pool.page(PageId(self.heap.table[n as usize]))
    }
}

impl PagesMut for Space<'_> {
    #[inline]
    fn page_mut(&mut self, n: PageNo) -> &mut Page {
        let id = PageId(self.heap.table[n as usize]);
        self.heap.before_change(self.pool, n, id);
        self.pool.page_mut(id)
    }

    fn require(&self, region: Region, pages: u32) -> Result<(), PoolError> {
        self.pool.require(region, pages)
    }

    fn allocate(&mut self, region: Region) -> Result<PageNo, PoolError> {
        let id = self.pool.allocate(self.heap.shard, region)?;
        Ok(self.number(id))
    }

    fn allocate_uncleared(&mut self, region: Region) -> Result<PageNo, PoolError> {
        let id = self.pool.allocate_uncleared(self.heap.shard, region)?;
        // Who reads what it did not write fails its tests.
        #[cfg(debug_assertions)]
        self.pool.page_mut(id).fill(0xa5);
        Ok(self.number(id))
    }

    fn free(&mut self, n: PageNo) {
        assert!(n != ROOT_PAGE, "the root page is never freed");
        let id = PageId(std::mem::replace(&mut self.heap.table[n as usize], UNUSED));
        self.heap.before_change(self.pool, n, id);
        self.pool.free(id);
        self.heap.unused.push(n);
    }
}

/// A heap together with its pool, to read.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The pool.
    pub pool: &'a Pool,
    /// The shard's page table.
    pub heap: &'a Heap,
}

impl Pages for View<'_> {
    #[inline]
    fn page(&self, n: PageNo) -> &Page {
        self.pool.page(PageId(self.heap.table[n as usize]))
    }
}
