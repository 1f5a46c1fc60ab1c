use crate::{Page, PageNo, Pages};
use pool::Region;

/// A copy of all pages of a shard outside of the pool: to look at and to compare, as large as the shard.
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

    /// The region of each page number, none for one not in use.
    pub fn regions(&self) -> &[Option<Region>] {
        &self.regions
    }

    /// Number, region and bytes of each used page.
    pub fn iter(&self) -> impl Iterator<Item = (PageNo, Region, &Page)> {
        let used = self.regions.iter().enumerate().filter_map(|(n, region)| Some((n as PageNo, (*region)?)));
        used.map(|(n, region)| (n, region, self.page(n)))
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
