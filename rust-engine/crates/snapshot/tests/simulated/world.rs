//! A shard of arbitrary pages and its snapshots, without an engine.

use super::simulated::{Random, Simulated};
use paged::{Heap, PageImage, PageNo, Pages, PagesMut, Ring, Space};
use pool::{Pool, PoolOptions, REGIONS};
use snapshot::{Found, Manifest, Offsets, Plan, SnapshotError, SnapshotInfo, SnapshotKeys, Wanted, Written};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

pub const FOLDER: &str = "snapshots";
const PAGES: u64 = 256;

#[allow(dead_code)]
pub fn keys(n: u8) -> SnapshotKeys {
    SnapshotKeys::from_bytes([n; 32])
}

pub fn wanted(shard: u16, at: u64) -> Wanted {
    Wanted {
        folder: FOLDER.into(),
        shard,
        writer: "w".to_owned(),
        offsets: Offsets::from([("topic".to_owned(), at.to_string())]),
        clock: at as f64,
    }
}

/// A snapshot that was found and read.
#[allow(dead_code)]
pub struct Whole {
    pub image: PageImage,
    pub info: SnapshotInfo,
    pub manifest: Arc<Manifest>,
}

pub fn find(disk: &Simulated, shard: u16, keys: &SnapshotKeys) -> Result<(Option<Whole>, Vec<String>), SnapshotError> {
    let committed = Offsets::from([("topic".to_owned(), u64::MAX.to_string())]);
    let (found, refused) = snapshot::find(disk, Path::new(FOLDER), shard, &committed, keys)?;
    Ok((found.map(|found| read(disk, found)).transpose()?, refused))
}

fn read(disk: &Simulated, found: Found) -> Result<Whole, SnapshotError> {
    let mut pages = BTreeMap::new();
    let whole = found.read(disk, &mut |n, region, page| {
        assert!(pages.insert(n, (region, *page)).is_none(), "page {n} came twice");
        ControlFlow::Continue(())
    })?;
    assert!(whole);
    let Found { info, manifest, .. } = found;
    let mut image = PageImage::default();
    for (n, region) in manifest.regions().into_iter().enumerate() {
        image.push(region.map(|region| {
            let (of, page) = &pages[&(n as PageNo)];
            assert_eq!(*of, region);
            (region, page)
        }));
    }
    assert_eq!(image.used(), pages.len());
    Ok(Whole { image, info, manifest })
}

pub struct World {
    pool: Pool,
    heap: Heap,
    used: Vec<PageNo>,
    pub base: Option<Arc<Manifest>>,
}

impl World {
    pub fn new(shard: u16) -> Self {
        let mut pool = open_pool();
        let heap = Heap::create(&mut pool, shard).expect("room");
        Self { pool, heap, used: Vec::new(), base: None }
    }

    #[allow(dead_code)]
    pub fn of(shard: u16, found: Whole) -> Self {
        let mut pool = open_pool();
        let mut heap = Heap::vacant(shard, found.image.regions().iter().map(Option::is_some));
        for (n, region, page) in found.image.iter() {
            heap.install(&mut pool, n, region, page).expect("room");
        }
        let used = (1..heap.len()).filter(|n| heap.is_used(*n)).collect();
        Self { pool, heap, used, base: Some(found.manifest) }
    }

    pub fn image(&self) -> PageImage {
        self.heap.image(&self.pool)
    }

    /// Takes, gives back and changes pages.
    pub fn change(&mut self, random: &mut Random, steps: u64) {
        let mut space = Space { pool: &mut self.pool, heap: &mut self.heap };
        for _ in 0..steps {
            let kind = random.below(10);
            if kind < 3 && self.used.len() < 100 {
                let region = REGIONS[random.below(4) as usize];
                let n = space.allocate(region).expect("room");
                space.page_mut(n).fill(random.next() as u8);
                self.used.push(n);
            } else if kind < 5 && !self.used.is_empty() {
                let i = random.below(self.used.len() as u64) as usize;
                space.free(self.used.swap_remove(i));
            } else {
                let i = random.below(self.used.len() as u64 + 1) as usize;
                let n = self.used.get(i).copied().unwrap_or(0);
                let at = random.below(4096) as usize;
                space.page_mut(n)[at] = random.next() as u8;
                let _ = space.page(n);
            }
        }
    }

    /// A snapshot; the shard changes between the cut and its end.
    pub fn snapshot(
        &mut self,
        disk: &Simulated,
        wanted: &Wanted,
        keys: &SnapshotKeys,
        random: &mut Random,
    ) -> Result<Written, SnapshotError> {
        let plan = Plan::of(&self.heap, self.base.clone());
        let ring = Arc::new(Ring::new(plan.copies.count()));
        self.heap.cut(plan.copies.clone(), Arc::clone(&ring));
        let changes = random.below(20);
        self.change(random, changes);
        let slice = 1 + random.below(5) as u32;
        self.heap.copy_some(&self.pool, slice);
        self.change(random, changes);
        self.heap.copy_some(&self.pool, u32::MAX);
        let written = snapshot::write(disk, wanted, keys, &plan, &ring, &mut || {});
        self.heap.end_cut(written.is_ok());
        match &written {
            // As the engine does: what is sealed with an older key is not built on.
            Ok(written) => self.base = (!written.key_changed).then(|| Arc::clone(&written.manifest)),
            Err(SnapshotError::BaseGone { .. }) => self.base = None,
            Err(_) => {}
        }
        written
    }
}

fn open_pool() -> Pool {
    let bytes = PAGES * 4096;
    let options =
        PoolOptions { pool_bytes: bytes, quota_bytes: [bytes / 4; 4], borrow_bytes_max: [bytes; 4], shards: 9 };
    Pool::open(&options).expect("options are valid")
}
