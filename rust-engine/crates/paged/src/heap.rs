use crate::{Page, PageNo, Pages, PagesMut, ROOT_PAGE};
use pool::{PageId, Pool, PoolError, REGIONS, Region};

const UNUSED: u32 = u32::MAX;

/// Which pool page stands behind each page of a shard. Bounded by the pages of the pool.
#[derive(Debug)]
pub struct Heap {
    shard: u16,
    table: Vec<u32>,
    unused: Vec<PageNo>,
}

impl Heap {
    /// A heap with its root page.
    pub fn create(pool: &mut Pool, shard: u16) -> Result<Self, PoolError> {
        let root = pool.allocate(shard, Region::ActiveOperations)?;
        Ok(Self { shard, table: vec![root.0], unused: Vec::new() })
    }

    /// The heap of an image before its pages are taken, which `take_region` does.
    pub fn of_image(shard: u16, image: &PageImage) -> Self {
        let free = |(n, region): (usize, &Option<Region>)| region.is_none().then_some(n as PageNo);
        let unused = image.regions.iter().enumerate().rev().filter_map(free).collect();
        Self { shard, table: vec![UNUSED; image.regions.len()], unused }
    }

    /// Takes pages for those of an image that lie in a region, and fills them. After a refusal drop them all.
    pub fn take_region(&mut self, pool: &mut Pool, image: &PageImage, region: Region) -> Result<(), PoolError> {
        for (n, _) in image.regions.iter().enumerate().filter(|(_, of)| **of == Some(region)) {
            let id = pool.allocate(self.shard, region)?;
            self.table[n] = id.0;
            pool.page_mut(id).copy_from_slice(image.page(n as PageNo));
        }
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

    /// Gives every page back to the pool.
    pub fn drop_pages(&mut self, pool: &mut Pool) {
        self.table.drain(..).filter(|id| *id != UNUSED).for_each(|id| pool.free(PageId(id)));
        self.unused.clear();
    }

    /// The shard that owns the pages.
    pub fn shard(&self) -> u16 {
        self.shard
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

impl Pages for Space<'_> {
    fn page(&self, n: PageNo) -> &Page {
        self.pool.page(PageId(self.heap.table[n as usize]))
    }
}

impl PagesMut for Space<'_> {
    fn page_mut(&mut self, n: PageNo) -> &mut Page {
        self.pool.page_mut(PageId(self.heap.table[n as usize]))
    }

    fn require(&self, region: Region, pages: u32) -> Result<(), PoolError> {
        self.pool.require(region, pages)
    }

    fn allocate(&mut self, region: Region) -> Result<PageNo, PoolError> {
        let id = self.pool.allocate(self.heap.shard, region)?;
        if let Some(n) = self.heap.unused.pop() {
            self.heap.table[n as usize] = id.0;
            return Ok(n);
        }
        self.heap.table.push(id.0);
        Ok((self.heap.table.len() - 1) as PageNo)
    }

    fn free(&mut self, n: PageNo) {
        assert!(n != ROOT_PAGE, "the root page is never freed");
        let id = std::mem::replace(&mut self.heap.table[n as usize], UNUSED);
        self.pool.free(PageId(id));
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
    fn page(&self, n: PageNo) -> &Page {
        self.pool.page(PageId(self.heap.table[n as usize]))
    }
}

/// A copy of a shard's pages outside of the pool.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PageImage {
    regions: Vec<Option<Region>>,
    slots: Vec<u32>,
    pages: Vec<u8>,
}

impl PageImage {
    /// An empty image with room for `pages` pages.
    pub fn with_capacity(pages: usize) -> Self {
        let bytes = Vec::with_capacity(pages * pool::PAGE_BYTES);
        Self { regions: Vec::with_capacity(pages), slots: Vec::with_capacity(pages), pages: bytes }
    }

    /// Appends the next page; `None` for a number that is not in use.
    pub fn push(&mut self, page: Option<(Region, &Page)>) {
        self.slots.push((self.pages.len() / pool::PAGE_BYTES) as u32);
        self.regions.push(page.map(|(region, _)| region));
        if let Some((_, bytes)) = page {
            self.pages.extend_from_slice(bytes);
        }
    }

    /// One byte for each page number: 0 unused, else 1 + region.
    pub fn region_tags(&self) -> Vec<u8> {
        self.regions.iter().map(|region| region.map_or(0, |region| region.index() as u8 + 1)).collect()
    }

    /// The image of these tags and the bytes of the used pages in order; none when they do not fit together.
    pub fn from_parts(tags: &[u8], pages: Vec<u8>) -> Option<Self> {
        let mut image = Self { pages, ..Self::default() };
        let mut slot = 0;
        for tag in tags {
            image.slots.push(slot);
            match tag {
                0 => image.regions.push(None),
                n => {
                    image.regions.push(Some(*REGIONS.get(usize::from(n - 1))?));
                    slot += 1;
                }
            }
        }
        (image.pages.len() == slot as usize * pool::PAGE_BYTES && image.regions.first()?.is_some()).then_some(image)
    }

    /// The bytes of the used pages in order.
    pub fn bytes(&self) -> &[u8] {
        &self.pages
    }

    /// Number of used pages.
    pub fn used(&self) -> usize {
        self.pages.len() / pool::PAGE_BYTES
    }

    /// Number of pages that lie in a region.
    pub fn used_in(&self, region: Region) -> u32 {
        self.regions.iter().filter(|of| **of == Some(region)).count() as u32
    }
}

impl Pages for PageImage {
    fn page(&self, n: PageNo) -> &Page {
        let start = self.slots[n as usize] as usize * pool::PAGE_BYTES;
        let page = self.pages[start..].first_chunk();
        assert!(page.is_some() && self.regions[n as usize].is_some(), "page {n} is not in the image");
        page.unwrap_or(&[0; pool::PAGE_BYTES])
    }
}
