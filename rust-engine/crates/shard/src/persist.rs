//! Snapshots of a shard. Both functions need no engine and may run on another thread.

use crate::digest;
use crate::error::EngineError;
use paged::PageImage;
use snapshot::{Found, SnapshotInfo, SnapshotKey, Wanted};
use std::path::Path;

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
) -> Result<(Option<Found>, Vec<String>), EngineError> {
    let key = SnapshotKey::load_or_create(key_file)?;
    let (found, mut refused) = snapshot::find(folder, shard, committed, &key)?;
    let Some(found) = found else { return Ok((None, refused)) };
    let hash = format!("{:032x}", digest(&found.image));
    if hash != found.info.state_hash {
        refused.push(format!("{}: digest {hash}, not {}", found.info.file, found.info.state_hash));
        return Ok((None, refused));
    }
    Ok((Some(found), refused))
}
