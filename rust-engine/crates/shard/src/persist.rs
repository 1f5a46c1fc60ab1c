//! Snapshots of a shard. The engine makes the cut and copies pages in slices; writing runs on another thread.

use crate::engine::{Engine, Handle};
use crate::error::EngineError;
use paged::Ring;
use serde::Serialize;
use snapshot::{Disk, Manifest, Plan, SnapshotError, SnapshotInfo, SnapshotKeys, Wanted, Written};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Pages copied in one slice: 512 KiB, some 0.1 ms.
const SLICE_PAGES: u32 = 128;

/// The snapshot that a shard's next one may build on: the last one written of it, by whom and where.
#[derive(Debug)]
pub(crate) struct Base {
    pub folder: PathBuf,
    pub writer: String,
    pub manifest: Arc<Manifest>,
}

/// A snapshot whose cut is made.
#[derive(Debug)]
pub struct Writing {
    wanted: Wanted,
    plan: Plan,
    ring: Arc<Ring>,
}

/// A snapshot that is durable; the shape of `SnapshotWritten` in records.ts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct SnapshotWritten {
    #[serde(flatten)]
    pub info: SnapshotInfo,
    pub written_pages: u32,
    pub written_bytes: u64,
    pub waits: u64,
    pub waited_ms: f64,
    pub waited_ms_max: f64,
}

impl Writing {
    /// Writes it; `ask` is called when `Engine::copy_slice` should be, and need not wait for that.
    pub fn run(&self, key_file: &Path, ask: &mut dyn FnMut()) -> Result<Written, EngineError> {
        let keys = SnapshotKeys::load_or_create(key_file).inspect_err(|_| self.ring.abort())?;
        Ok(snapshot::write(&Disk, &self.wanted, &keys, &self.plan, &self.ring, ask)?)
    }
}

impl Engine {
    /// Makes the cut of a snapshot: the state is that of this call. One at a time, so that one ring is beside the pool;
    /// `finish_snapshot` must follow.
    pub fn begin_snapshot(&mut self, handle: Handle, wanted: Wanted) -> Result<Writing, EngineError> {
        if let Some(shard) = self.snapshotting {
            return Err(EngineError::SnapshotRunning { shard });
        }
        let (loaded, _) = self.loaded(handle)?;
        let builds = |base: &&Base| base.folder == wanted.folder && base.writer == wanted.writer;
        let plan = Plan::of(&loaded.heap, loaded.base.as_ref().filter(builds).map(|base| Arc::clone(&base.manifest)));
        let ring = Arc::new(Ring::new(plan.copies.count()));
        loaded.heap.cut(plan.copies.clone(), Arc::clone(&ring));
        self.snapshotting = Some(handle.shard);
        Ok(Writing { wanted, plan, ring })
    }

    /// Copies the next pages of a running snapshot; nothing when its shard was dropped.
    pub fn copy_slice(&mut self, handle: Handle) {
        if let Ok((loaded, pool)) = self.loaded(handle) {
            loaded.heap.copy_some(pool, SLICE_PAGES);
        }
    }

    /// Ends a snapshot. When it came to nothing, the next one writes what this one should have.
    pub fn finish_snapshot(
        &mut self,
        handle: Handle,
        writing: Writing,
        result: Result<Written, EngineError>,
    ) -> Result<SnapshotWritten, EngineError> {
        self.snapshotting = None;
        let base_gone = matches!(result, Err(EngineError::Snapshot(SnapshotError::BaseGone { .. })));
        if let Ok((loaded, _)) = self.loaded(handle) {
            loaded.heap.end_cut(result.is_ok());
            if base_gone {
                loaded.base = None;
            }
            if let Ok(written) = &result {
                let Wanted { folder, writer, .. } = writing.wanted;
                let base = Base { folder, writer, manifest: Arc::clone(&written.manifest) };
                loaded.base = (!written.key_changed).then_some(base);
            }
        }
        let Written { info, pages, bytes, waits, .. } = result?;
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
        Ok(SnapshotWritten {
            info,
            written_pages: pages,
            written_bytes: bytes,
            waits: waits.count,
            waited_ms: ms(waits.total),
            waited_ms_max: ms(waits.longest),
        })
    }
}
