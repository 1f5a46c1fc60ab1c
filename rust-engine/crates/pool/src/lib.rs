//! One anonymous map of fixed size, cut into 4 KiB pages, with a ledger of quotas for four regions.
//!
//! Nothing here grows with the data: every table is sized by the number of pages of the pool.

mod bitmap;
mod ledger;
mod map;
mod region;
mod stale;

pub use ledger::{Ledger, RegionUse};
pub use region::{REGIONS, Region};

use bitmap::Bitmap;
use map::Map;
use stale::Stale;
use thiserror::Error;

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;
/// Freed pages that may stay resident before they are given back to the system.
const RESIDENT_FREE_PAGES_MAX: u32 = 4096;

/// The bytes of one page.
pub type Page = [u8; PAGE_BYTES];

/// Index of a page in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageId(pub u32);

/// Why the pool refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PoolError {
    /// The region is at its quota and limit of borrowing, or no page is free.
    #[error("{} needs {needed} bytes, {free} are free", .region.name())]
    PoolFull {
        /// The region that asked.
        region: Region,
        /// Bytes asked for.
        needed: u64,
        /// Bytes that the region could still get.
        free: u64,
        /// Bytes of its quota that others hold.
        lent: u64,
    },
    /// The options contradict each other.
    #[error("{field}: {reason}")]
    OptionsInvalid {
        /// The option.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refused the map.
    #[error("cannot map {bytes} bytes: error {code}")]
    MapRefused {
        /// Size of the map.
        bytes: usize,
        /// errno
        code: i32,
    },
}

/// Size and limits of a pool.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// Bytes of the map: a multiple of the page size and the sum of the quotas.
    pub pool_bytes: u64,
    /// Quota of each region in bytes, in the order of `REGIONS`.
    pub quota_bytes: [u64; 4],
    /// Most bytes each region may borrow.
    pub borrow_bytes_max: [u64; 4],
    /// Number of shards that may own pages.
    pub shards: u16,
}

/// Owner of a page that holds no bytes of anybody.
const OWNER_NONE: u16 = u16::MAX;
/// Marks a free page; the rest then says whose bytes it still holds.
const FREE: u16 = 1 << 15;

/// The pool: pages, who owns each, and what each region may still take.
#[derive(Debug)]
pub struct Pool {
    map: Map,
    free: Bitmap,
    /// Free pages that still hold old bytes and resident memory.
    stale: Stale,
    owners: Vec<u16>,
    ledger: Ledger,
    shard_pages: Vec<[u32; 4]>,
}

impl Pool {
    /// Maps the pool; no page is resident yet.
    pub fn open(options: &PoolOptions) -> Result<Self, PoolError> {
        let pages = check(options)?;
        let in_pages = |bytes: u64| (bytes / PAGE_BYTES as u64) as u32;
        Ok(Self {
            map: Map::open(pages as usize * PAGE_BYTES)?,
            free: Bitmap::full(pages),
            stale: Stale::none(pages),
            owners: vec![OWNER_NONE; pages as usize],
            ledger: Ledger::new(options.quota_bytes.map(in_pages), options.borrow_bytes_max.map(in_pages)),
            shard_pages: vec![[0; 4]; usize::from(options.shards)],
        })
    }

    /// Takes the lowest free page, zeroed, for a shard and a region.
    pub fn allocate(&mut self, shard: u16, region: Region) -> Result<PageId, PoolError> {
        let (id, before) = self.take(shard, region)?;
        if before != OWNER_NONE {
            self.map.page_mut(id.0).fill(0);
        }
        Ok(id)
    }

    /// The same for a caller that writes all that anybody will read of the page. Its bytes are zero or what the same shard
    /// left there: a page that held another shard's is zeroed, so that none of them gets into this shard's snapshots.
    #[inline]
    pub fn allocate_uncleared(&mut self, shard: u16, region: Region) -> Result<PageId, PoolError> {
        let (id, before) = self.take(shard, region)?;
        if before != OWNER_NONE && (before & !FREE) >> 2 != shard {
            self.map.page_mut(id.0).fill(0);
        }
        Ok(id)
    }

    /// Takes the lowest free page; with it who left bytes there.
    #[inline]
    fn take(&mut self, shard: u16, region: Region) -> Result<(PageId, u16), PoolError> {
        self.require(region, 1)?;
        self.shard_pages[usize::from(shard)][region.index()] += 1;
        self.ledger.take(region);
        let id = PageId(self.free.take_first().expect("the ledger counts a free page, so the map has one"));
        let before = std::mem::replace(&mut self.owners[id.0 as usize], owner_tag(shard, region));
        if before != OWNER_NONE {
            self.stale.remove(id.0);
        }
        Ok((id, before))
    }

    /// Gives a page back; a page that is free already is a bug of the caller and stops the program.
    #[inline]
    pub fn free(&mut self, id: PageId) {
        let (shard, region) = self.owner_of(id);
        self.owners[id.0 as usize] |= FREE;
        self.shard_pages[usize::from(shard)][region.index()] -= 1;
        self.ledger.give(region);
        self.free.insert(id.0);
        self.stale.insert(id.0);
        if self.stale.count() > RESIDENT_FREE_PAGES_MAX {
            self.release_stale();
        }
    }

    /// Gives the memory of freed pages back to the system, in runs. Returns how many pages.
    #[cold]
    pub fn release_stale(&mut self) -> u32 {
        let released = self.stale.count();
        let (map, owners) = (&mut self.map, &mut self.owners);
        self.stale.drain_runs(|first, length| {
            map.release(first, length);
            owners[first as usize..(first + length) as usize].fill(OWNER_NONE);
        });
        released
    }

    /// Free pages that still take memory of the system.
    pub fn stale_pages(&self) -> u32 {
        self.stale.count()
    }

    /// Refuses when the region cannot get `pages` more pages.
    #[inline]
    pub fn require(&self, region: Region, pages: u32) -> Result<(), PoolError> {
        let free = self.ledger.available(region);
        if pages <= free {
            return Ok(());
        }
        Err(self.refusal(region, pages, free))
    }

    #[cold]
    fn refusal(&self, region: Region, pages: u32, free: u32) -> PoolError {
        let bytes = |pages: u32| u64::from(pages) * PAGE_BYTES as u64;
        let lent = self.ledger.usage(region).lent;
        PoolError::PoolFull { region, needed: bytes(pages), free: bytes(free), lent: bytes(lent) }
    }

    /// Shard and region that own a page; the page must be in use.
    #[inline]
    pub fn owner_of(&self, id: PageId) -> (u16, Region) {
        let tag = self.owners[id.0 as usize];
        assert!(tag & FREE == 0, "page {} is free", id.0);
        (tag >> 2, REGIONS[usize::from(tag & 3)])
    }

    /// Bytes of a page in use.
    #[inline]
    pub fn page(&self, id: PageId) -> &Page {
        debug_assert!(self.owners[id.0 as usize] & FREE == 0);
        self.map.page(id.0)
    }

    /// Bytes of a page in use, to change.
    #[inline]
    pub fn page_mut(&mut self, id: PageId) -> &mut Page {
        debug_assert!(self.owners[id.0 as usize] & FREE == 0);
        self.map.page_mut(id.0)
    }

    /// The ledger, to read.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Pages that a shard owns.
    pub fn pages_of(&self, shard: u16) -> u32 {
        self.shard_pages[usize::from(shard)].iter().sum()
    }

    /// Pages that a shard owns in a region.
    pub fn pages_of_region(&self, shard: u16, region: Region) -> u32 {
        self.shard_pages[usize::from(shard)][region.index()]
    }
}

#[inline]
fn owner_tag(shard: u16, region: Region) -> u16 {
    (shard << 2) | region.index() as u16
}

fn check(options: &PoolOptions) -> Result<u32, PoolError> {
    let invalid = |field, reason: String| Err(PoolError::OptionsInvalid { field, reason });
    let page = PAGE_BYTES as u64;
    if options.pool_bytes == 0 || !options.pool_bytes.is_multiple_of(page) {
        return invalid("poolBytes", format!("{} is no multiple of {page}", options.pool_bytes));
    }
    if options.pool_bytes / page > u64::from(u32::MAX) {
        return invalid("poolBytes", format!("{} is too large", options.pool_bytes));
    }
    if options.quota_bytes.iter().any(|quota| !quota.is_multiple_of(page)) {
        return invalid("quotaBytes", format!("a quota is no multiple of {page}"));
    }
    let sum = options.quota_bytes.iter().try_fold(0u64, |sum, quota| sum.checked_add(*quota));
    if sum != Some(options.pool_bytes) {
        return invalid("quotaBytes", format!("sum {sum:?} is not poolBytes {}", options.pool_bytes));
    }
    if options.borrow_bytes_max.iter().any(|limit| *limit > options.pool_bytes) {
        return invalid("borrowBytesMax", "more than the pool".to_owned());
    }
    if options.shards == 0 || options.shards >= FREE >> 2 {
        return invalid("shards", format!("{} is out of range", options.shards));
    }
    Ok((options.pool_bytes / page) as u32)
}
