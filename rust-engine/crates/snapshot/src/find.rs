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
use std::io::{BufReader, ErrorKind};
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
/// When nothing is usable and a file is sealed with another key, that is an error: starting empty would look like a loss. When
/// another file could not be read, that is the error: it may be sealed with this key, and readable the next time.
pub fn find(
    storage: &dyn Storage,
    folder: &Path,
    shard: u16,
    committed: &Offsets,
    keys: &SnapshotKeys,
) -> Result<(Option<Found>, Vec<String>), SnapshotError> {
    find_that(storage, folder, shard, committed, keys, &|_, _| Ok(()))
}

/// The same among those whose every page is accepted; else the reason why not.
pub fn find_that(
    storage: &dyn Storage,
    folder: &Path,
    shard: u16,
    committed: &Offsets,
    keys: &SnapshotKeys,
    accept: &dyn Fn(PageNo, &Page) -> Result<(), String>,
) -> Result<(Option<Found>, Vec<String>), SnapshotError> {
    let committed = parse_offsets(committed)?;
    let mut refused = Refused::default();
    let mut candidates = Vec::new();
    for name in list(storage, folder, shard)?.into_iter().filter(Name::is_manifest) {
        match candidate(storage, folder, &name, &committed, keys) {
            Ok((sum, manifest)) => candidates.push((sum, manifest, name)),
            Err(refusal) => refused.note(&name.in_folder(folder), name.text(), refusal),
        }
    }
    candidates.sort_by(|(sum, one, name), (other_sum, other, other_name)| {
        let by_clock = other.head.clock.total_cmp(&one.head.clock);
        other_sum.cmp(sum).then(by_clock).then(other_name.sequence.cmp(&name.sequence))
    });
    for (_, manifest, name) in candidates {
        let mut reason = None;
        let mut take = |n: PageNo, _: Region, page: &Page| {
            reason = accept(n, page).err();
            if reason.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let read = read_pages(storage, folder, &manifest, keys, &mut take);
        if let Some(reason) = reason {
            refused.note(&name.in_folder(folder), name.text(), Refusal::Said(reason));
            continue;
        }
        match read {
            Ok(_) => {
                let path = name.in_folder(folder);
                let info = info(&manifest, storage.bytes(&path).map_err(failed("read", &path))?, &path);
                let (manifest, folder) = (Arc::new(manifest), folder.to_owned());
                return Ok((Some(Found { info, manifest, folder, keys: keys.clone() }), refused.reasons));
            }
            Err((file, unusable)) => {
                refused.note(&folder.join(&file), format!("{}: {file}", name.text()), Refusal::File(unusable));
            }
        }
    }
    match (refused.foreign, refused.unread) {
        (Some(_), Some(error)) => Err(error),
        (Some(file), None) => Err(SnapshotError::KeyWrong { file }),
        (None, _) => Ok((None, refused.reasons)),
    }
}

/// What was skipped.
#[derive(Default)]
struct Refused {
    reasons: Vec<String>,
    /// The first file that is sealed with another key.
    foreign: Option<String>,
    /// The first file that is there and could not be read.
    unread: Option<SnapshotError>,
}

impl Refused {
    fn note(&mut self, path: &Path, what: String, refusal: Refusal) {
        match refusal {
            Refusal::File(unusable) => {
                self.reasons.push(format!("{what}: {unusable}"));
                match unusable {
                    Unusable::ForeignKey => _ = self.foreign.get_or_insert_with(|| path.display().to_string()),
                    Unusable::Io(error) if error.kind() != ErrorKind::NotFound => {
                        self.unread.get_or_insert_with(|| failed("read", path)(error));
                    }
                    Unusable::Io(_) | Unusable::Damaged(_) => {}
                }
            }
            Refusal::Said(reason) => self.reasons.push(format!("{what}: {reason}")),
        }
    }
}

enum Refusal {
    /// By the state of the file.
    File(Unusable),
    /// By what the manifest says.
    Said(String),
}

impl From<Unusable> for Refusal {
    fn from(unusable: Unusable) -> Self {
        Self::File(unusable)
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
    let mut input = storage.open(&name.in_folder(folder)).map_err(Unusable::from)?;
    let manifest = Manifest::open(&mut input, keys)?;
    let head = &manifest.head;
    if (head.shard, head.sequence) != (name.shard, name.sequence) || head.writer != name.writer {
        return Err(Refusal::Said(format!("is snapshot {} of shard {} by {}", head.sequence, head.shard, head.writer)));
    }
    let offsets = parse_offsets(&head.offsets).map_err(|error| Refusal::Said(error.to_string()))?;
    let ahead = offsets.iter().find(|(topic, offset)| committed.get(*topic).copied().unwrap_or(0) < **offset);
    if let Some((topic, offset)) = ahead {
        return Err(Refusal::Said(format!("{topic} at {offset} is ahead of what is committed")));
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
