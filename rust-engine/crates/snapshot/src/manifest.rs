//! A manifest: what a snapshot is and where each of its pages stands. docs/snapshot-format.md

use crate::SnapshotError;
use crate::key::{SnapshotKey, SnapshotKeys};
use crate::seal::{HEADER_BYTES, Magic, Sealer, TAG_BYTES};
use crate::unusable::Unusable;
use paged::Region;
use pool::REGIONS;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Read};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Version of the manifest and of what the pages mean.
pub const FORMAT: u32 = 7;
pub const MAGIC: &Magic = b"dmsman01";
const PLACE_BYTES: usize = 15;
/// A place for each page number of a full pool of 16 GiB.
const BYTES_MAX: u64 = 1 << 26;

/// Topic to the offset of the next record to apply, as decimal text.
pub type Offsets = BTreeMap<String, String>;

/// What a snapshot says of itself; the shape of `SnapshotInfo` in records.ts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct SnapshotInfo {
    pub shard: u16,
    pub offsets: Offsets,
    pub clock: f64,
    pub pages_hash: String,
    pub pages: u32,
    pub bytes: u64,
    pub file: String,
}

/// The part of a manifest that is JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Head {
    pub format: u32,
    pub shard: u16,
    pub writer: String,
    pub sequence: u64,
    pub offsets: Offsets,
    pub clock: f64,
    /// Digest of the places, which hold a digest of each page.
    pub pages_hash: String,
    pub segments: Vec<Segment>,
}

/// A segment of the manifest's writer and shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Segment {
    pub sequence: u64,
    pub id: String,
    pub pages: u32,
    /// SHA-256 over the tags of its pages, in their order.
    pub digest: String,
}

/// Where a page stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// 0 for a number not in use, else 1 + region.
    pub tag: u8,
    /// Which of the manifest's segments.
    pub segment: u16,
    pub slot: u32,
    /// XXH3 of the page.
    pub digest: u64,
}

impl Place {
    pub fn of(region: Region, segment: u16, slot: u32, page: &[u8]) -> Self {
        Self { tag: region.index() as u8 + 1, segment, slot, digest: xxh3_64(page) }
    }

    pub fn region(&self) -> Option<Region> {
        REGIONS.get(usize::from(self.tag).wrapping_sub(1)).copied()
    }

    fn bytes(&self) -> [u8; PLACE_BYTES] {
        let mut bytes = [0; PLACE_BYTES];
        bytes[0] = self.tag;
        bytes[1..3].copy_from_slice(&self.segment.to_le_bytes());
        bytes[3..7].copy_from_slice(&self.slot.to_le_bytes());
        bytes[7..].copy_from_slice(&self.digest.to_le_bytes());
        bytes
    }

    fn parse(bytes: &[u8; PLACE_BYTES]) -> Self {
        let mut digest = [0; 8];
        digest.copy_from_slice(&bytes[7..]);
        Self {
            tag: bytes[0],
            segment: u16::from_le_bytes([bytes[1], bytes[2]]),
            slot: u32::from_le_bytes([bytes[3], bytes[4], bytes[5], bytes[6]]),
            digest: u64::from_le_bytes(digest),
        }
    }
}

/// What a snapshot is, and the place of each page number.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    pub(crate) head: Head,
    pub(crate) places: Vec<Place>,
    /// Pages in use that stand in each segment; counted where time is, for the next cut.
    pub(crate) live: Vec<u32>,
}

impl Manifest {
    /// Who wrote it, and alone may build on it.
    pub fn writer(&self) -> &str {
        &self.head.writer
    }

    /// Pages in use.
    pub fn used(&self) -> u32 {
        self.places.iter().filter(|place| place.tag != 0).count() as u32
    }

    /// The region of each page number, none for one not in use.
    pub fn regions(&self) -> Vec<Option<Region>> {
        self.places.iter().map(Place::region).collect()
    }

    /// To be called when the places are all there.
    pub(crate) fn count_live(&mut self) {
        self.live = vec![0; self.head.segments.len()];
        for place in self.places.iter().filter(|place| place.tag != 0) {
            self.live[usize::from(place.segment)] += 1;
        }
    }

    /// What the file's seal guards.
    pub fn plain(&self) -> io::Result<Vec<u8>> {
        let head = serde_json::to_vec(&self.head)?;
        let mut plain = Vec::with_capacity(8 + head.len() + self.places.len() * PLACE_BYTES);
        plain.extend_from_slice(&(head.len() as u32).to_le_bytes());
        plain.extend_from_slice(&head);
        plain.extend_from_slice(&(self.places.len() as u32).to_le_bytes());
        self.places.iter().for_each(|place| plain.extend_from_slice(&place.bytes()));
        Ok(plain)
    }

    /// The manifest that a seal guarded; else what is wrong with it.
    pub fn of_plain(plain: &[u8]) -> Result<Self, &'static str> {
        let mut manifest = Self::parse(plain).ok_or("manifest fields")?;
        if manifest.head.format != FORMAT {
            return Err("written by another version");
        }
        manifest.check()?;
        manifest.count_live();
        Ok(manifest)
    }

    /// The digest that the head must say for the places that follow it.
    pub fn hash_of_plain(plain: &[u8]) -> Option<String> {
        Self::parse(plain).map(|manifest| hash_of(&manifest.places))
    }

    /// The file's bytes.
    pub(crate) fn seal(&self, key: &SnapshotKey) -> io::Result<Vec<u8>> {
        let mut plain = self.plain()?;
        let sealer = Sealer::create(MAGIC, key)?;
        let tag = sealer.seal(0, &[], &mut plain);
        Ok([sealer.header().as_slice(), &plain, &tag].concat())
    }

    /// Reads and opens a whole file.
    pub(crate) fn open(input: &mut impl Read, keys: &SnapshotKeys) -> Result<Self, Unusable> {
        let mut header = [0; HEADER_BYTES];
        input.read_exact(&mut header)?;
        let sealer = Sealer::of_file(header, MAGIC, keys)?;
        let mut sealed = Vec::new();
        input.take(BYTES_MAX).read_to_end(&mut sealed)?;
        if sealed.len() < TAG_BYTES {
            return Err(Unusable::Damaged("truncated"));
        }
        let plain = sealer.open(0, &[], &mut sealed).ok_or(Unusable::Damaged("manifest seal"))?;
        Self::of_plain(plain).map_err(Unusable::Damaged)
    }

    fn parse(plain: &[u8]) -> Option<Self> {
        let (head, rest) = with_length(plain, 1)?;
        let (places, rest) = with_length(rest, PLACE_BYTES)?;
        let head = serde_json::from_slice(head).ok()?;
        let places = places.as_chunks::<PLACE_BYTES>().0.iter().map(Place::parse).collect();
        rest.is_empty().then_some(Self { head, places, live: Vec::new() })
    }

    /// What was written by this crate is always so; other bytes must not get further than here.
    fn check(&self) -> Result<(), &'static str> {
        let inside = |place: &Place| match place.region() {
            None => place.tag == 0,
            Some(_) => {
                let segment = self.head.segments.get(usize::from(place.segment));
                segment.is_some_and(|segment| place.slot < segment.pages)
            }
        };
        if !self.places.iter().all(inside) || self.places.first().is_none_or(|root| root.tag == 0) {
            return Err("page table");
        }
        if hash_of(&self.places) != self.head.pages_hash {
            return Err("digest of the pages");
        }
        Ok(())
    }
}

/// Digest of a state as its pages: equal for equal pages in equal places of the shard, whatever segment they stand in.
pub fn hash_of(places: &[Place]) -> String {
    let mut hash = Xxh3::new();
    for (n, place) in places.iter().enumerate().filter(|(_, place)| place.tag != 0) {
        hash.update(&(n as u32).to_le_bytes());
        hash.update(&[place.tag]);
        hash.update(&place.digest.to_le_bytes());
    }
    format!("{:032x}", hash.digest128())
}

/// Offsets as numbers.
pub fn parse_offsets(offsets: &Offsets) -> Result<BTreeMap<&str, u64>, SnapshotError> {
    let parsed = offsets.iter().map(|(topic, offset)| {
        let invalid = || SnapshotError::ArgumentInvalid { field: "offsets", reason: format!("{topic}: {offset}") };
        Ok((topic.as_str(), offset.parse::<u64>().map_err(|_| invalid())?))
    });
    parsed.collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A count in four bytes and that many items; what follows them.
fn with_length(bytes: &[u8], item: usize) -> Option<(&[u8], &[u8])> {
    let (count, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked((u32::from_le_bytes(*count) as usize).checked_mul(item)?)
}
