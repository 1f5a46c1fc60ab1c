//! Removes what a new snapshot makes superfluous. What is sealed with an unknown key is somebody's, and stays.

use crate::SnapshotError;
use crate::key::SnapshotKeys;
use crate::manifest::Manifest;
use crate::name::{Kind, Name, failed};
use crate::seal::{HEADER_BYTES, Sealer};
use crate::storage::Storage;
use crate::unusable::Unusable;
use crate::{manifest, segment};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Files of writers that are gone are kept for this long after this writer has two snapshots of its own.
const OTHERS_KEPT: Duration = Duration::from_hours(24);

/// `names` are the files that were there before `new`.
pub fn prune(
    storage: &dyn Storage,
    folder: &Path,
    names: &[Name],
    new: &Manifest,
    keys: &SnapshotKeys,
) -> Result<(), SnapshotError> {
    let (own, others): (Vec<&Name>, Vec<&Name>) = names.iter().partition(|name| name.writer == new.head.writer);
    let mut manifests: Vec<&Name> = own.iter().copied().filter(|name| name.is_manifest()).collect();
    manifests.sort_by_key(|name| std::cmp::Reverse(name.sequence));
    // The one before: the newest that can be read. One that is damaged must not push out one that is not.
    let mut before = None;
    for name in manifests {
        match Manifest::open(&mut storage.open(&name.in_folder(folder)).map_err(failed("read", folder))?, keys) {
            Ok(manifest) => {
                before = Some(manifest);
                break;
            }
            Err(Unusable::Io(error)) => return Err(failed("read", &name.in_folder(folder))(error)),
            Err(Unusable::ForeignKey | Unusable::Damaged(_)) => {}
        }
    }
    let named: Vec<&Manifest> = std::iter::once(new).chain(&before).collect();
    let lives = |name: &Name| {
        !name.draft
            && named.iter().any(|manifest| match name.kind {
                Kind::Manifest => manifest.head.sequence == name.sequence,
                Kind::Segment => manifest.head.segments.iter().any(|segment| segment.sequence == name.sequence),
            })
    };
    for name in own.into_iter().filter(|name| !lives(name)) {
        remove(storage, folder, name, keys)?;
    }
    if before.is_some() {
        remove_left_behind(storage, folder, &others, keys)?;
    }
    Ok(())
}

/// The files of writers none of which has been written to for a day.
fn remove_left_behind(
    storage: &dyn Storage,
    folder: &Path,
    others: &[&Name],
    keys: &SnapshotKeys,
) -> Result<(), SnapshotError> {
    let is_young = |name: &Name| storage.age(&name.in_folder(folder)).is_ok_and(|age| age <= OTHERS_KEPT);
    let young: Vec<&Name> = others.iter().copied().filter(|name| is_young(name)).collect();
    for name in others.iter().filter(|name| young.iter().all(|young| young.writer != name.writer)) {
        remove(storage, folder, name, keys)?;
    }
    Ok(())
}

fn remove(storage: &dyn Storage, folder: &Path, name: &Name, keys: &SnapshotKeys) -> Result<(), SnapshotError> {
    let path = name.in_folder(folder);
    if !name.draft && is_foreign(storage, &path, name.kind, keys).map_err(failed("read", &path))? {
        return Ok(());
    }
    match storage.remove(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path)(error)),
        _ => Ok(()),
    }
}

fn is_foreign(storage: &dyn Storage, path: &Path, kind: Kind, keys: &SnapshotKeys) -> io::Result<bool> {
    let magic = match kind {
        Kind::Manifest => manifest::MAGIC,
        Kind::Segment => segment::MAGIC,
    };
    let mut header = [0; HEADER_BYTES];
    match storage.open(path)?.read_exact(&mut header) {
        Ok(()) => Ok(matches!(Sealer::of_file(header, magic, keys), Err(Unusable::ForeignKey))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
