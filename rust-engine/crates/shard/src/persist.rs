//! Snapshots of a shard. Writing and finding need no engine and may run on another thread.

use crate::digest;
use crate::engine::{Engine, Handle};
use crate::error::EngineError;
use paged::PageImage;
use pool::PoolError;
use snapshot::{Found, SnapshotInfo, SnapshotKey, Wanted};
use std::path::Path;

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

/// Writes a copy of a shard's pages; fills in the digest of its state.
pub fn write_snapshot(mut wanted: Wanted, key_file: &Path, image: &PageImage) -> Result<SnapshotInfo, EngineError> {
    let key = SnapshotKey::load_or_create(key_file)?;
    wanted.state_hash = format!("{:032x}", digest(image));
    Ok(snapshot::write(&wanted, &key, image)?)
}

/// Finds the newest usable snapshot; its state must have the digest that it says.
pub fn find_snapshot(
    folder: &Path,
    shard: u16,
    committed: &snapshot::Offsets,
    key_file: &Path,
) -> Result<Searched, EngineError> {
    let key = SnapshotKey::load_or_create(key_file)?;
    let (found, refused) = snapshot::find(folder, shard, committed, &key, |image, said| {
        let hash = format!("{:032x}", digest(image));
        if hash == said { Ok(()) } else { Err(format!("digest {hash}, not {said}")) }
    })?;
    Ok(Searched { found, refused })
}

impl Engine {
    /// Loads what was found. A snapshot that does not fit is refused like a damaged one: the log can give the shard back,
    /// in as much room as there is.
    pub fn restore(&mut self, shard: u16, searched: Searched) -> Result<Restored, EngineError> {
        let Searched { found, mut refused } = searched;
        let Some(Found { image, info }) = found else { return Ok(Restored { loaded: None, refused }) };
        match self.load(shard, &image) {
            Ok(handle) => Ok(Restored { loaded: Some((handle, info)), refused }),
            Err(error @ (EngineError::ImageTooLarge { .. } | EngineError::Pool(PoolError::PoolFull { .. }))) => {
                refused.push(format!("{}: {error}", info.file));
                Ok(Restored { loaded: None, refused })
            }
            Err(error) => Err(error),
        }
    }
}
