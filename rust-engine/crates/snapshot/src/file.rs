//! The bytes of one snapshot file.

use crate::key::{KEY_ID_BYTES, SnapshotKey};
use crate::manifest::Manifest;
use crate::seal::{Sealer, TAG_BYTES};
use aws_lc_rs::rand;
use paged::{PAGE_BYTES, PageImage};
use std::io::{self, Read, Write};

const MAGIC: &[u8; 8] = b"dmssnap1";
const HEADER_BYTES: usize = 8 + KEY_ID_BYTES + 16;
/// Version of manifest and page formats.
pub const FORMAT: u32 = 4;
const SEGMENT_PAGES: usize = 256;
/// A manifest has one byte for each page of the shard, and pages are counted in 32 bits.
const MANIFEST_BYTES_MAX: usize = 1 << 26;
const MANIFEST_PART: u32 = u32::MAX;

/// Why a file is not used.
#[derive(Debug)]
pub enum Unusable {
    ForeignKey,
    Damaged(&'static str),
    Io(io::Error),
}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("truncated"),
            _ => Self::Io(error),
        }
    }
}

/// Writes a snapshot; its number of bytes.
pub fn write(out: &mut impl Write, key: &SnapshotKey, manifest: &Manifest, image: &PageImage) -> io::Result<u64> {
    let mut id = [0; 16];
    rand::fill(&mut id).map_err(|_| io::Error::other("no randomness"))?;
    let header = [MAGIC.as_slice(), &key.id(), &id].concat();
    let sealer = Sealer::new(key, &id, &header);
    let manifest = sealer.seal(MANIFEST_PART, &serde_json::to_vec(manifest)?);
    out.write_all(&header)?;
    out.write_all(&(manifest.len() as u32).to_le_bytes())?;
    out.write_all(&manifest)?;
    let mut bytes = header.len() + 4 + manifest.len();
    for (i, segment) in image.bytes().chunks(SEGMENT_PAGES * PAGE_BYTES).enumerate() {
        let sealed = sealer.seal((i * SEGMENT_PAGES) as u32, segment);
        out.write_all(&sealed)?;
        bytes += sealed.len();
    }
    Ok(bytes as u64)
}

/// Reads and opens the manifest; the reader then stands at the segments.
pub fn read_manifest(input: &mut impl Read, key: &SnapshotKey) -> Result<(Manifest, Sealer), Unusable> {
    let mut header = [0; HEADER_BYTES];
    input.read_exact(&mut header)?;
    if header[..8] != *MAGIC {
        return Err(Unusable::Damaged("not a snapshot of this format"));
    }
    if header[8..8 + KEY_ID_BYTES] != key.id() {
        return Err(Unusable::ForeignKey);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&header[8 + KEY_ID_BYTES..]);
    let sealer = Sealer::new(key, &id, &header);
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MANIFEST_BYTES_MAX {
        return Err(Unusable::Damaged("manifest length"));
    }
    let sealed = read_part(input, length)?;
    let plain = sealer.open(MANIFEST_PART, sealed).ok_or(Unusable::Damaged("manifest seal"))?;
    let manifest: Manifest = serde_json::from_slice(&plain).map_err(|_| Unusable::Damaged("manifest fields"))?;
    if manifest.format != FORMAT {
        return Err(Unusable::Damaged("written by another version"));
    }
    Ok((manifest, sealer))
}

/// Reads and opens the pages that follow a manifest.
pub fn read_pages(input: &mut impl Read, manifest: &Manifest, sealer: &Sealer) -> Result<PageImage, Unusable> {
    let used = manifest.region_tags.iter().filter(|tag| **tag != 0).count();
    let mut pages = Vec::with_capacity(used * PAGE_BYTES);
    for first in (0..used).step_by(SEGMENT_PAGES) {
        let count = SEGMENT_PAGES.min(used - first);
        let sealed = read_part(input, count * PAGE_BYTES + TAG_BYTES)?;
        pages.extend(sealer.open(first as u32, sealed).ok_or(Unusable::Damaged("page seal"))?);
    }
    if input.read(&mut [0])? != 0 {
        return Err(Unusable::Damaged("bytes after its end"));
    }
    PageImage::from_parts(&manifest.region_tags, pages).ok_or(Unusable::Damaged("page table"))
}

/// Reads exactly this many bytes, without taking memory for more than there are.
fn read_part(input: &mut impl Read, bytes: usize) -> Result<Vec<u8>, Unusable> {
    let mut part = Vec::new();
    input.take(bytes as u64).read_to_end(&mut part)?;
    if part.len() == bytes { Ok(part) } else { Err(Unusable::Damaged("truncated")) }
}
