//! The pages of one shard, addressed by shard-relative numbers, and the ordered map that lives in them.
//!
//! All references between pages are shard-relative, so that pages copied elsewhere (a snapshot) mean the same.

mod changes;
mod heap;
mod image;
mod key;
mod look;
mod node;
mod overflow;
mod page_set;
mod ring;
mod tree;

pub use heap::{Heap, Space, View};
pub use image::PageImage;
pub use key::{ordered, text_part, unordered};
pub use look::{Entry, Looked};
pub use page_set::PageSet;
pub use ring::{COPY_AFTER, COPY_BEFORE, COPY_SLOT_BYTES, Copies, RING_PAGES_MAX, Ring, Taken, Waits};
pub use tree::{Cursor, KEY_BYTES_MAX, Tree, VALUE_BYTES_MAX};

pub use pool::{PAGE_BYTES, Page, PoolError, Region};

/// Shard-relative number of a page. 0 is the root page and thus "none" elsewhere.
pub type PageNo = u32;

/// The root page: roots of the trees and the counters of their owner.
pub const ROOT_PAGE: PageNo = 0;

/// Pages to read.
pub trait Pages {
    /// Bytes of a page in use; another number is a bug.
    fn page(&self, n: PageNo) -> &Page;
}

/// Pages to change.
pub trait PagesMut: Pages {
    /// Bytes of a page in use, to change.
    fn page_mut(&mut self, n: PageNo) -> &mut Page;
    /// Refuses when the region cannot get this many pages.
    fn require(&self, region: Region, pages: u32) -> Result<(), PoolError>;
    /// A new zeroed page of a region.
    fn allocate(&mut self, region: Region) -> Result<PageNo, PoolError>;
    /// The same for a caller that writes every byte which is read later: the others may be what the shard left there.
    fn allocate_uncleared(&mut self, region: Region) -> Result<PageNo, PoolError>;
    /// Gives a page back.
    fn free(&mut self, n: PageNo);
}

/// Reads a little-endian u16 of a page.
#[inline]
pub fn read_u16(page: &Page, at: usize) -> u16 {
    u16::from_le_bytes([page[at], page[at + 1]])
}

/// Reads a little-endian u32 of a page.
#[inline]
pub fn read_u32(page: &Page, at: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&page[at..at + 4]);
    u32::from_le_bytes(bytes)
}

/// Reads a little-endian u64 of a page.
#[inline]
pub fn read_u64(page: &Page, at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&page[at..at + 8]);
    u64::from_le_bytes(bytes)
}

/// Writes bytes into a page.
#[inline]
pub fn write(page: &mut Page, at: usize, bytes: &[u8]) {
    page[at..at + bytes.len()].copy_from_slice(bytes);
}
