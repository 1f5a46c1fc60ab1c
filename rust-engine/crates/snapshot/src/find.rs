//! Finds the newest usable snapshot of a shard and reads its pages, twice: once to know that all of them are what was
//! written, before anybody makes room for them, and once to hand them out. Nothing here holds more than one page.

use crate::SnapshotError;
use crate::key::SnapshotKeys;
use crate::manifest::{Manifest, Offsets, SnapshotInfo, parse_offsets};
use crate::name::{Name, failed, list};
use crate::segment::SegmentReader;
use crate::storage::Storage;
use crate::unusable::Unusable;
use crate::write::{info, segment_name};
use paged::{Page, PageNo, Region};
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// A snapshot of which every page was read and is what was written.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it says.
    pub info: SnapshotInfo,
    /// Its writer may build on it.
    pub manifest: Arc<Manifest>,
    folder: PathBuf,
    keys: SnapshotKeys,
}

impl Found {
    /// Reads the pages once more, each of them once, and checks them again; what came before an error is not to be used.
    /// False: `take` broke off.
    pub fn read(
        &self,
        storage: &dyn Storage,
        take: &mut dyn FnMut(PageNo, Region, &Page) -> ControlFlow<()>,
    ) -> Result<bool, SnapshotError> {
        read_pages(storage, &self.folder, &self.manifest, &self.keys, take).map_err(|(file, unusable)| {
            SnapshotError::Changed { file: self.folder.join(file).display().to_string(), reason: unusable.to_string() }
        })
    }
}

/// The newest usable snapshot of a shard of which no offset is above `committed`, and what was skipped with its reason.
///
/// When nothing is usable and a file is sealed with another key, that is an error: starting empty would look like a loss.
pub fn find(
    storage: &dyn Storage,
    folder: &Path,
    shard: u16,
    committed: &Offsets,
    keys: &SnapshotKeys,
) -> Result<(Option<Found>, Vec<String>), SnapshotError> {
    let committed = parse_offsets(committed)?;
    let mut refused = Vec::new();
    let mut foreign = None;
    let mut candidates = Vec::new();
    for name in list(storage, folder, shard)?.into_iter().filter(Name::is_manifest) {
        match candidate(storage, folder, &name, &committed, keys) {
            Ok((sum, manifest)) => candidates.push((sum, manifest, name)),
            Err(Refusal { reason, is_foreign }) => {
                if is_foreign {
                    foreign.get_or_insert_with(|| name.in_folder(folder).display().to_string());
                }
                refused.push(format!("{}: {reason}", name.text()));
            }
        }
    }
    candidates.sort_by(|(sum, one, name), (other_sum, other, other_name)| {
        let by_clock = other.head.clock.total_cmp(&one.head.clock);
        other_sum.cmp(sum).then(by_clock).then(other_name.sequence.cmp(&name.sequence))
    });
    for (_, manifest, name) in candidates {
        match read_pages(storage, folder, &manifest, keys, &mut |_, _, _| ControlFlow::Continue(())) {
            Ok(_) => {
                let path = name.in_folder(folder);
                let info = info(&manifest, storage.bytes(&path).map_err(failed("read", &path))?, &path);
                let (manifest, folder) = (Arc::new(manifest), folder.to_owned());
                return Ok((Some(Found { info, manifest, folder, keys: keys.clone() }), refused));
            }
            Err((file, unusable)) => {
                if matches!(unusable, Unusable::ForeignKey) {
                    foreign.get_or_insert_with(|| folder.join(&file).display().to_string());
                }
                refused.push(format!("{}: {file}: {unusable}", name.text()));
            }
        }
    }
    match foreign {
        Some(file) => Err(SnapshotError::KeyWrong { file }),
        None => Ok((None, refused)),
    }
}

struct Refusal {
    reason: String,
    is_foreign: bool,
}

impl From<Unusable> for Refusal {
    fn from(unusable: Unusable) -> Self {
        Self { reason: unusable.to_string(), is_foreign: matches!(unusable, Unusable::ForeignKey) }
    }
}

/// A manifest that may be used by what it says, and how far it is.
fn candidate(
    storage: &dyn Storage,
    folder: &Path,
    name: &Name,
    committed: &std::collections::BTreeMap<&str, u64>,
    keys: &SnapshotKeys,
) -> Result<(u128, Manifest), Refusal> {
    let refuse = |reason: String| Refusal { reason, is_foreign: false };
    let mut input = storage.open(&name.in_folder(folder)).map_err(Unusable::from)?;
    let manifest = Manifest::open(&mut input, keys)?;
    let head = &manifest.head;
    if (head.shard, head.sequence) != (name.shard, name.sequence) || head.writer != name.writer {
        return Err(refuse(format!("is snapshot {} of shard {} by {}", head.sequence, head.shard, head.writer)));
    }
    let offsets = parse_offsets(&head.offsets).map_err(|error| refuse(error.to_string()))?;
    let ahead = offsets.iter().find(|(topic, offset)| committed.get(*topic).copied().unwrap_or(0) < **offset);
    if let Some((topic, offset)) = ahead {
        return Err(refuse(format!("{topic} at {offset} is ahead of what is committed")));
    }
    let sum = offsets.values().map(|offset| u128::from(*offset)).sum();
    Ok((sum, manifest))
}

type Take<'a> = &'a mut dyn FnMut(PageNo, Region, &Page) -> ControlFlow<()>;

/// Reads every page from where the manifest says that it stands. False: `take` broke off.
fn read_pages(
    storage: &dyn Storage,
    folder: &Path,
    manifest: &Manifest,
    keys: &SnapshotKeys,
    take: Take<'_>,
) -> Result<bool, (String, Unusable)> {
    let mut read = 0;
    for index in 0..manifest.head.segments.len() {
        let name = segment_name(&manifest.head, manifest.head.segments[index].sequence);
        let pages = read_segment(storage, &name.in_folder(folder), manifest, index, keys, take);
        match pages.map_err(|unusable| (name.text(), unusable))? {
            ControlFlow::Continue(pages) => read += pages,
            ControlFlow::Break(()) => return Ok(false),
        }
    }
    if read != manifest.used() {
        return Err(("its segments".to_owned(), Unusable::Damaged("a page is missing")));
    }
    Ok(true)
}

/// Reads what the manifest needs of a segment; how many pages.
fn read_segment(
    storage: &dyn Storage,
    path: &Path,
    manifest: &Manifest,
    index: usize,
    keys: &SnapshotKeys,
    take: Take<'_>,
) -> Result<ControlFlow<(), u32>, Unusable> {
    let input = BufReader::with_capacity(1 << 20, storage.open(path)?);
    let mut reader = SegmentReader::open(input, &manifest.head.segments[index], keys)?;
    let mut read = 0;
    while let Some(slot) = reader.next()? {
        let Some(place) = manifest.places.get(slot.n as usize) else { continue };
        if place.tag == 0 || usize::from(place.segment) != index || place.slot != slot.slot {
            continue;
        }
        let page = reader.page(&slot)?;
        if place.region() != Some(slot.region) || xxh3_64(page) != place.digest {
            return Err(Unusable::Damaged("not the page of the manifest"));
        }
        if take(slot.n, slot.region, page).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        read += 1;
    }
    Ok(ControlFlow::Continue(read))
}
