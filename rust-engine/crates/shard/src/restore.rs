//! A shard from its snapshot. Files are read and checked on another thread; the engine takes the pages in batches between
//! other work, and the shard is there when all of them have come. Nothing holds a second copy of it.

use crate::engine::{Engine, Handle};
use crate::error::EngineError;
use crate::persist::Base;
use crate::records;
use paged::{Heap, PAGE_BYTES, PageImage, PageNo, Region};
use pool::{PoolError, REGIONS};
use snapshot::{Disk, Found, Offsets, SnapshotError, SnapshotInfo, SnapshotKeys};
use std::ops::ControlFlow;
use std::path::Path;

/// Pages of a batch: 512 KiB, some 0.3 ms to install.
const BATCH_PAGES: usize = 128;
/// Pages kept free in each region for events while a shard is restored.
const HEADROOM_PAGES: u32 = 256;
/// Searches for a snapshot, when what was found changes while it is read.
const TRIES: usize = 3;

/// A shard of which pages are still to come. It is not visible: what makes room can't be what was just installed.
#[derive(Debug)]
pub(crate) struct Restoring {
    pub handle: Handle,
    pub heap: Heap,
    /// Pages that have not come yet.
    missing: u32,
}

/// Pages that were read and checked.
#[derive(Debug, Default)]
pub struct Incoming {
    /// Number and region of each page.
    pub places: Vec<(PageNo, Region)>,
    /// The pages, one after the other.
    pub pages: Vec<u8>,
}

/// What the reader of a snapshot asks of the engine, in this order; `Engine::restore_step` does it.
#[derive(Debug)]
pub enum RestoreStep {
    /// Begins a shard; refused when its size alone does not fit.
    Begin {
        /// The shard.
        shard: u16,
        /// The region of each page number, none for one not in use.
        regions: Vec<Option<Region>>,
    },
    /// Brings some pages.
    Install(Handle, Incoming),
    /// All have come and were what was written.
    Finish(Handle, Found),
    /// They are not to be used: the pages are given back.
    Abandon(Handle),
}

/// A search for a snapshot.
#[derive(Debug)]
pub struct Searched {
    /// The newest usable one.
    pub found: Option<Found>,
    /// What was skipped, with its reason.
    pub refused: Vec<String>,
}

/// What became of a shard that was to be restored.
#[derive(Debug)]
pub struct Restored {
    /// The shard and what its snapshot says; none when nothing was usable.
    pub loaded: Option<(Handle, SnapshotInfo)>,
    /// What was skipped, with its reason.
    pub refused: Vec<String>,
}

/// Finds the newest usable snapshot: all of it is read and checked, nothing of it is kept.
pub fn find_snapshot(folder: &Path, shard: u16, committed: &Offsets, key_file: &Path) -> Result<Searched, EngineError> {
    let keys = SnapshotKeys::load_or_create(key_file)?;
    let (found, refused) = snapshot::find_that(&Disk, folder, shard, committed, &keys, &records::accept)?;
    Ok(Searched { found, refused })
}

/// Finds the newest usable snapshot and brings it into the engine, which `step` reaches. A snapshot that does not fit is
/// refused like a damaged one: the log can give the shard back, in as much room as there is.
pub fn restore(
    folder: &Path,
    shard: u16,
    committed: &Offsets,
    key_file: &Path,
    step: &mut dyn FnMut(RestoreStep) -> Result<Handle, EngineError>,
) -> Result<Restored, EngineError> {
    let mut changed = Vec::new();
    for _ in 0..TRIES {
        let Searched { found, refused } = find_snapshot(folder, shard, committed, key_file)?;
        changed.extend(refused);
        let Some(found) = found else { break };
        match bring(shard, &found, step) {
            Ok(handle) => return Ok(Restored { loaded: Some((handle, found.info)), refused: changed }),
            Err(EngineError::Snapshot(error @ SnapshotError::Changed { .. })) => changed.push(error.to_string()),
            Err(error) if error.is_want_of_room() => {
                changed.push(format!("{}: {error}", found.info.file));
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Restored { loaded: None, refused: changed })
}

/// Reads what was found, once more, into the engine.
fn bring(
    shard: u16,
    found: &Found,
    step: &mut dyn FnMut(RestoreStep) -> Result<Handle, EngineError>,
) -> Result<Handle, EngineError> {
    let handle = step(RestoreStep::Begin { shard, regions: found.manifest.regions() })?;
    let mut batch = Incoming::default();
    let mut refusal = None;
    let read = found.read(&Disk, &mut |n, region, page| {
        batch.places.push((n, region));
        batch.pages.extend_from_slice(page);
        if batch.places.len() < BATCH_PAGES {
            return ControlFlow::Continue(());
        }
        match step(RestoreStep::Install(handle, std::mem::take(&mut batch))) {
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => {
                refusal = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    let whole = match (read, refusal) {
        (_, Some(refusal)) => Err(refusal),
        (Err(error), None) => Err(error.into()),
        (Ok(_), None) => step(RestoreStep::Install(handle, batch)),
    };
    match whole.and_then(|_| step(RestoreStep::Finish(handle, found.clone()))) {
        Ok(handle) => Ok(handle),
        Err(error) => {
            step(RestoreStep::Abandon(handle))?;
            Err(error)
        }
    }
}

impl Engine {
    /// Brings a snapshot in, reading it in this call.
    pub fn restore(
        &mut self,
        folder: &Path,
        shard: u16,
        committed: &Offsets,
        key_file: &Path,
    ) -> Result<Restored, EngineError> {
        restore(folder, shard, committed, key_file, &mut |step| self.restore_step(step))
    }

    /// A shard from a copy of its pages.
    pub fn load(&mut self, shard: u16, image: &PageImage) -> Result<Handle, EngineError> {
        let handle = self.begin(shard, image.regions())?;
        let mut pages = image.iter().peekable();
        while pages.peek().is_some() {
            let mut batch = Incoming::default();
            for (n, region, page) in pages.by_ref().take(BATCH_PAGES) {
                batch.places.push((n, region));
                batch.pages.extend_from_slice(page);
            }
            if let Err(error) = self.install_batch(handle, &batch) {
                self.abandon(handle);
                return Err(error);
            }
        }
        self.finish(handle, None)
    }

    /// One step of a restore. Other shards make room for the pages as for an event; a refusal because of the size alone
    /// costs them nothing. After an error `Abandon` must follow.
    pub fn restore_step(&mut self, step: RestoreStep) -> Result<Handle, EngineError> {
        match step {
            RestoreStep::Begin { shard, regions } => self.begin(shard, &regions),
            RestoreStep::Install(handle, batch) => self.install_batch(handle, &batch),
            RestoreStep::Finish(handle, found) => {
                let folder = Path::new(&found.info.file).parent().unwrap_or(Path::new("")).to_owned();
                let writer = found.manifest.writer().to_owned();
                self.finish(handle, Some(Base { folder, writer, manifest: found.manifest }))
            }
            RestoreStep::Abandon(handle) => {
                self.abandon(handle);
                Ok(handle)
            }
        }
    }

    fn begin(&mut self, shard: u16, regions: &[Option<Region>]) -> Result<Handle, EngineError> {
        self.check_free(shard)?;
        self.check_size(regions)?;
        let heap = Heap::vacant(shard, regions.iter().map(Option::is_some));
        let missing = regions.iter().flatten().count() as u32;
        let handle = self.next_handle(shard);
        self.restoring.push(Restoring { handle, heap, missing });
        Ok(handle)
    }

    fn install_batch(&mut self, handle: Handle, batch: &Incoming) -> Result<Handle, EngineError> {
        self.restoring_at(handle)?;
        // Events of the others can drop nothing of what is not visible yet. Where there is too little for this as well, the
        // restore still goes on, and gives way when one of them needs it.
        for region in REGIONS {
            let headroom = HEADROOM_PAGES.min(self.pool.ledger().limit(region) / 64);
            let _ = self.make_room(region, headroom + batch.places.len() as u32);
        }
        for region in REGIONS {
            let of_region =
                || batch.places.iter().zip(batch.pages.chunks(PAGE_BYTES)).filter(|((_, of), _)| *of == region);
            // Taken before the next region asks, so that no free page is promised twice.
            self.make_room(region, of_region().count() as u32)?;
            let at = self.restoring_at(handle)?;
            let Restoring { heap, missing, .. } = &mut self.restoring[at];
            for ((n, _), page) in of_region() {
                let page = page.first_chunk().expect("a batch holds whole pages");
                heap.install(&mut self.pool, *n, region, page)?;
                *missing -= 1;
            }
        }
        Ok(handle)
    }

    fn finish(&mut self, handle: Handle, base: Option<Base>) -> Result<Handle, EngineError> {
        let Restoring { heap, missing, .. } = self.restoring.swap_remove(self.restoring_at(handle)?);
        assert!(missing == 0, "{missing} pages of shard {} never came", handle.shard);
        self.enter(handle, heap, base);
        Ok(handle)
    }

    fn abandon(&mut self, handle: Handle) {
        if let Ok(at) = self.restoring_at(handle) {
            self.restoring.swap_remove(at).heap.drop_pages(&mut self.pool);
            self.pool.release_stale();
        }
    }

    /// What is not visible yet gives way to events of the others, which have nowhere else to go. False when there is none.
    pub(crate) fn give_way(&mut self) -> bool {
        let last = self.restoring.last().map(|restoring| restoring.handle);
        last.is_some_and(|handle| {
            self.abandon(handle);
            true
        })
    }

    fn restoring_at(&self, handle: Handle) -> Result<usize, EngineError> {
        let at = self.restoring.iter().position(|restoring| restoring.handle == handle);
        at.ok_or(EngineError::RestoreGaveWay { shard: handle.shard })
    }

    /// Refuses a shard that an empty pool could not hold: it was cut under larger limits.
    fn check_size(&self, regions: &[Option<Region>]) -> Result<(), EngineError> {
        let ledger = self.pool.ledger();
        let bytes = |pages: u32| u64::from(pages) * PAGE_BYTES as u64;
        let check = |part, needed: u32, limit: u32| match needed <= limit {
            true => Ok(()),
            false => Err(EngineError::ImageTooLarge { part, needed: bytes(needed), limit: bytes(limit) }),
        };
        for region in REGIONS {
            let needed = regions.iter().filter(|of| **of == Some(region)).count() as u32;
            check(region.name(), needed, ledger.limit(region))?;
        }
        check("pool", regions.iter().flatten().count() as u32, ledger.total())
    }
}

impl EngineError {
    fn is_want_of_room(&self) -> bool {
        matches!(
            self,
            Self::ImageTooLarge { .. } | Self::RestoreGaveWay { .. } | Self::Pool(PoolError::PoolFull { .. })
        )
    }
}
