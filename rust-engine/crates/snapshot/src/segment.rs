//! A segment: pages of one snapshot in the order in which they were copied. docs/snapshot-format.md

use crate::key::{SnapshotKey, SnapshotKeys};
use crate::manifest::{Segment, hex};
use crate::seal::{HEADER_BYTES, Magic, Sealer, TAG_BYTES};
use crate::unusable::Unusable;
use aws_lc_rs::digest::{Context, SHA256};
use paged::{COPY_AFTER, COPY_BEFORE, Copies, PAGE_BYTES, Page, PageNo, Region};
use pool::REGIONS;
use std::io::{self, Read, Write};

pub const MAGIC: &Magic = b"dmsseg01";
/// Page number u32, region u8, three zeros.
const PLACE_BYTES: usize = 8;
const SLOT_BYTES: usize = PLACE_BYTES + PAGE_BYTES + TAG_BYTES;
const _: () =
    assert!(PLACE_BYTES == COPY_BEFORE && TAG_BYTES == COPY_AFTER, "pages are written as they lie in the ring");

/// Bytes of a segment of this many pages.
pub fn bytes_of(pages: u32) -> u64 {
    HEADER_BYTES as u64 + u64::from(pages) * SLOT_BYTES as u64
}

/// Writes a segment page by page.
pub struct SegmentWriter<W> {
    out: W,
    sealer: Sealer,
    tags: Context,
    pages: u32,
}

impl<W: Write> SegmentWriter<W> {
    pub fn create(mut out: W, key: &SnapshotKey) -> io::Result<Self> {
        let sealer = Sealer::create(MAGIC, key)?;
        out.write_all(sealer.header())?;
        Ok(Self { out, sealer, tags: Context::new(&SHA256), pages: 0 })
    }

    /// Seals the pages of a block where they are and appends them; `placed` is told the slot of each, and the page before
    /// it is sealed.
    pub fn append(
        &mut self,
        copies: &mut Copies,
        mut placed: impl FnMut(PageNo, Region, u32, &[u8]),
    ) -> io::Result<()> {
        for ((n, region), slot) in copies.places.iter().zip(copies.slots.chunks_exact_mut(SLOT_BYTES)) {
            let (before, page) = slot.split_at_mut(PLACE_BYTES);
            let (page, after) = page.split_at_mut(PAGE_BYTES);
            placed(*n, *region, self.pages, page);
            before.copy_from_slice(&place(*n, *region));
            let tag = self.sealer.seal(self.pages, before, page);
            after.copy_from_slice(&tag);
            self.tags.update(&tag);
            self.pages += 1;
        }
        self.out.write_all(&copies.slots)
    }

    pub fn finish(self, sequence: u64) -> (W, Segment) {
        let digest = hex(self.tags.finish().as_ref());
        (self.out, Segment { sequence, id: hex(&self.sealer.id()), pages: self.pages, digest })
    }
}

/// Reads the slots of a segment one after the other.
pub struct SegmentReader<R> {
    input: R,
    sealer: Sealer,
    tags: Context,
    said: Segment,
    slot: u32,
    buffer: Vec<u8>,
}

/// What a slot says of its page.
pub struct Slot {
    pub slot: u32,
    pub n: PageNo,
    pub region: Region,
}

impl<R: Read> SegmentReader<R> {
    /// Refuses a file that is not the segment which the manifest means.
    pub fn open(mut input: R, said: &Segment, keys: &SnapshotKeys) -> Result<Self, Unusable> {
        let mut header = [0; HEADER_BYTES];
        input.read_exact(&mut header)?;
        let sealer = Sealer::of_file(header, MAGIC, keys)?;
        if hex(&sealer.id()) != said.id {
            return Err(Unusable::Damaged("another segment under this name"));
        }
        let said = said.clone();
        Ok(Self { input, sealer, tags: Context::new(&SHA256), said, slot: 0, buffer: vec![0; SLOT_BYTES] })
    }

    /// The next slot; none after the last one, when all of the segment is what was written.
    pub fn next(&mut self) -> Result<Option<Slot>, Unusable> {
        if self.slot == self.said.pages {
            let digest = hex(std::mem::replace(&mut self.tags, Context::new(&SHA256)).finish().as_ref());
            if digest != self.said.digest {
                return Err(Unusable::Damaged("segment digest"));
            }
            return match self.input.read(&mut [0])? {
                0 => Ok(None),
                _ => Err(Unusable::Damaged("bytes after its end")),
            };
        }
        self.input.read_exact(&mut self.buffer)?;
        self.tags.update(&self.buffer[SLOT_BYTES - TAG_BYTES..]);
        let slot = self.slot;
        self.slot += 1;
        let n = u32::from_le_bytes([self.buffer[0], self.buffer[1], self.buffer[2], self.buffer[3]]);
        let region = REGIONS.get(usize::from(self.buffer[4])).ok_or(Unusable::Damaged("region of a page"))?;
        Ok(Some(Slot { slot, n, region: *region }))
    }

    /// The page of the slot just read.
    pub fn page(&mut self, slot: &Slot) -> Result<&Page, Unusable> {
        let (place, sealed) = self.buffer.split_at_mut(PLACE_BYTES);
        let page = self.sealer.open(slot.slot, place, sealed);
        page.and_then(|page| page.first_chunk()).ok_or(Unusable::Damaged("page seal"))
    }
}

fn place(n: PageNo, region: Region) -> [u8; PLACE_BYTES] {
    let mut place = [0; PLACE_BYTES];
    place[..4].copy_from_slice(&n.to_le_bytes());
    place[4] = region.index() as u8;
    place
}

/// True when a file names this key as the one that seals it.
pub fn is_sealed_with(input: &mut impl Read, key: &SnapshotKey) -> io::Result<bool> {
    let mut header = [0; HEADER_BYTES];
    input.read_exact(&mut header)?;
    Ok(header[MAGIC.len()..].starts_with(&key.id()))
}
