//! Writes a snapshot: the pages that come through the ring as a segment, then the manifest, which makes it count.

use crate::SnapshotError;
use crate::key::SnapshotKeys;
use crate::manifest::{FORMAT, Head, Manifest, Offsets, Place, SnapshotInfo, hash_of, parse_offsets};
use crate::name::{Kind, Name, check_writer, failed, list};
use crate::plan::Plan;
use crate::prune::prune;
use crate::segment::{self, SegmentWriter};
use crate::storage::Storage;
use paged::{Copies, PageSet, Ring, Taken, Waits};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Nobody copies pages any more: the thread of the engine ended or hangs.
const SLICE_WAIT_MAX: Duration = Duration::from_secs(60);

/// What to write.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where.
    pub folder: PathBuf,
    /// The shard.
    pub shard: u16,
    /// Names the process that writes.
    pub writer: String,
    /// The place in the logs that the state is at.
    pub offsets: Offsets,
    /// The shard's clock.
    pub clock: f64,
}

/// A snapshot that is durable.
#[derive(Clone, Debug)]
pub struct Written {
    /// What it says.
    pub info: SnapshotInfo,
    /// The next one may build on it.
    pub manifest: Arc<Manifest>,
    /// Pages written, the others stood in older segments.
    pub pages: u32,
    /// Bytes written.
    pub bytes: u64,
    /// Changes that waited for the writer.
    pub waits: Waits,
    /// A segment is sealed with a key that is no longer the first: the next snapshot should write everything.
    pub key_changed: bool,
}

/// Gives the ring up when the writer ends before its time, so that nobody waits for it.
struct LetGo<'a>(&'a Ring);

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Writes what comes through the ring and what the plan says; `ask` is called when another slice of pages may be copied.
///
/// It is there whole or not at all, and durable when this returns; then what is superfluous is removed.
pub fn write(
    storage: &dyn Storage,
    wanted: &Wanted,
    keys: &SnapshotKeys,
    plan: &Plan,
    ring: &Ring,
    ask: &mut dyn FnMut(),
) -> Result<Written, SnapshotError> {
    let _let_go = LetGo(ring);
    check_writer(&wanted.writer)?;
    parse_offsets(&wanted.offsets)?;
    let folder = &wanted.folder;
    storage.make_folder(folder).map_err(failed("make", folder))?;
    let names = list(storage, folder, wanted.shard)?;
    let own = names.iter().filter(|name| name.writer == wanted.writer);
    let sequence = own.map(|name| name.sequence + 1).max().unwrap_or(0);
    let name = |kind| Name { shard: wanted.shard, writer: wanted.writer.clone(), sequence, kind, draft: false };

    let mut manifest = inherit(wanted, plan, sequence);
    let key_changed = check_inherited(storage, folder, &manifest, keys)?;
    let mut bytes = 0;
    if plan.copies.count() > 0 {
        let path = name(Kind::Segment).in_folder(folder);
        let segment =
            write_whole(storage, &path, |out| write_pages(out, keys, &mut manifest, &plan.copies, ring, ask))?;
        bytes += segment::bytes_of(segment);
        // A manifest must never be durable before what it names.
        storage.sync_folder(folder).map_err(failed("sync", folder))?;
    }
    manifest.head.pages_hash = hash_of(&manifest.places);
    manifest.count_live();
    let path = name(Kind::Manifest).in_folder(folder);
    bytes += write_whole(storage, &path, |out| {
        let sealed = manifest.seal(keys.first())?;
        out.write_all(&sealed)?;
        Ok(sealed.len() as u64)
    })?;
    storage.sync_folder(folder).map_err(failed("sync", folder))?;
    // It counts now. What can't be removed is removed by the next one.
    let _ = prune(storage, folder, &names, &manifest, keys);
    let info = info(&manifest, storage.bytes(&path).unwrap_or_default(), &path);
    let pages = plan.copies.count();
    Ok(Written { info, manifest: Arc::new(manifest), pages, bytes, waits: ring.waits(), key_changed })
}

/// The manifest before its own segment: what stands where it stood.
fn inherit(wanted: &Wanted, plan: &Plan, sequence: u64) -> Manifest {
    let mut segments = Vec::new();
    let mut places = vec![Place::default(); plan.numbers as usize];
    if let Some(base) = &plan.base {
        let mut moved = vec![0; base.head.segments.len()];
        for (i, segment) in base.head.segments.iter().enumerate().filter(|(i, _)| plan.kept[*i]) {
            moved[i] = segments.len() as u16;
            segments.push(segment.clone());
        }
        for (place, old) in places.iter_mut().zip(&base.places).filter(|(_, old)| old.tag != 0) {
            if plan.kept[usize::from(old.segment)] {
                *place = Place { segment: moved[usize::from(old.segment)], ..*old };
            }
        }
        plan.changed.iter().for_each(|n| places[n as usize] = Place::default());
    }
    let head = Head {
        format: FORMAT,
        shard: wanted.shard,
        writer: wanted.writer.clone(),
        sequence,
        offsets: wanted.offsets.clone(),
        clock: wanted.clock,
        pages_hash: String::new(),
        segments,
    };
    Manifest { head, places, live: Vec::new() }
}

/// The segments that go on must still be there whole. True when one of them is sealed with another key than the first.
fn check_inherited(
    storage: &dyn Storage,
    folder: &Path,
    manifest: &Manifest,
    keys: &SnapshotKeys,
) -> Result<bool, SnapshotError> {
    let mut key_changed = false;
    for said in &manifest.head.segments {
        let path = segment_name(&manifest.head, said.sequence).in_folder(folder);
        let gone = |reason: String| SnapshotError::BaseGone { file: path.display().to_string(), reason };
        let bytes = storage.bytes(&path).map_err(|error| gone(error.to_string()))?;
        let expected = segment::bytes_of(said.pages);
        if bytes != expected {
            return Err(gone(format!("{bytes} bytes, not {expected}")));
        }
        let mut input = storage.open(&path).map_err(|error| gone(error.to_string()))?;
        key_changed |= !segment::is_sealed_with(&mut input, keys.first()).map_err(|error| gone(error.to_string()))?;
    }
    Ok(key_changed)
}

pub fn segment_name(head: &Head, sequence: u64) -> Name {
    Name { shard: head.shard, writer: head.writer.clone(), sequence, kind: Kind::Segment, draft: false }
}

/// Takes all pages of the cut out of the ring; how many.
fn write_pages(
    out: &mut dyn Write,
    keys: &SnapshotKeys,
    manifest: &mut Manifest,
    copies: &PageSet,
    ring: &Ring,
    ask: &mut dyn FnMut(),
) -> io::Result<u32> {
    let index = manifest.head.segments.len() as u16;
    let mut writer = SegmentWriter::create(out, keys.first())?;
    let mut block = Copies::default();
    let mut copied = 0;
    loop {
        while ring.wants_slice() {
            ask();
        }
        match ring.take(&mut block, SLICE_WAIT_MAX) {
            Taken::Some => {}
            Taken::Complete => break,
            Taken::Aborted => return Err(io::Error::other("the shard was dropped meanwhile")),
            Taken::Late => return Err(io::Error::other("no page was copied for a minute")),
        }
        writer.append(&mut block, |n, region, slot, page| {
            let place = Place::of(region, index, slot, page);
            let before = std::mem::replace(&mut manifest.places[n as usize], place);
            assert!(before.tag == 0, "page {n} was copied twice");
            copied += 1;
        })?;
    }
    assert!(copied == copies.count(), "{copied} pages of {}", copies.count());
    let (_, segment) = writer.finish(manifest.head.sequence);
    manifest.head.segments.push(segment);
    Ok(copied)
}

/// Temporary name → content → fsync → rename. The folder is for the caller to sync.
fn write_whole<T>(
    storage: &dyn Storage,
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<T>,
) -> Result<T, SnapshotError> {
    let draft = PathBuf::from(format!("{}{}", path.display(), crate::name::DRAFT));
    let write = || {
        let mut out = storage.create(&draft)?;
        let result = content(&mut out)?;
        out.sync()?;
        Ok(result)
    };
    let result = write().map_err(failed("write", &draft))?;
    storage.rename(&draft, path).map_err(failed("rename", &draft))?;
    Ok(result)
}

/// `bytes` of the manifest, to which its segments are added.
pub fn info(manifest: &Manifest, bytes: u64, path: &Path) -> SnapshotInfo {
    let Head { shard, offsets, clock, pages_hash, segments, .. } = manifest.head.clone();
    let bytes = bytes + segments.iter().map(|segment| segment::bytes_of(segment.pages)).sum::<u64>();
    SnapshotInfo { shard, offsets, clock, pages_hash, pages: manifest.used(), bytes, file: path.display().to_string() }
}
