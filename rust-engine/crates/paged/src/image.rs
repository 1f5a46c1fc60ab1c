use crate::{Page, PageNo, Pages};
use pool::Region;

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

    /// An image of these pages, all of them zero, to be filled.
    pub fn zeroed(regions: impl Iterator<Item = Option<Region>>) -> Self {
        let mut image = Self::default();
        let mut slot = 0;
        for region in regions {
            image.slots.push(slot);
            image.regions.push(region);
            slot += u32::from(region.is_some());
        }
        image.pages = vec![0; slot as usize * pool::PAGE_BYTES];
        image
    }

    /// The bytes of a used page, to fill.
    pub fn page_mut(&mut self, n: PageNo) -> &mut [u8] {
        assert!(self.regions[n as usize].is_some(), "page {n} is not in the image");
        let start = self.slots[n as usize] as usize * pool::PAGE_BYTES;
        &mut self.pages[start..start + pool::PAGE_BYTES]
    }

    /// The region of each page number, none for one not in use.
    pub fn regions(&self) -> impl Iterator<Item = Option<Region>> + '_ {
        self.regions.iter().copied()
    }

    /// Page numbers, used or not.
    pub fn len(&self) -> usize {
        self.regions.len()
    }

    /// True when there is no page.
    pub fn is_empty(&self) -> bool {
        self.regions.is_empty()
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
