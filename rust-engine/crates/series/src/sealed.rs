use crate::TREE;
use crate::keys::{self, TIMES};
use crate::values::Values;
use paged::Pages;

/// What the sealed chunks of a shard hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Chunks, those of timestamps among them.
    pub chunks: u64,
    /// Their bytes, without keys.
    pub bytes: u64,
    /// Samples.
    pub samples: u64,
}

/// Counts the sealed chunks. Reads all of them.
pub fn sealed(pages: &impl Pages) -> Sealed {
    let mut found = Sealed::default();
    let mut cursor = TREE.seek(pages, &keys::CHUNKS_START);
    while let Some((key, value)) = cursor.next(pages) {
        let Some((_, column, _)) = keys::split_chunk(key) else { break };
        found.chunks += 1;
        found.bytes += value.len() as u64;
        found.samples += if column == TIMES { 0 } else { Values::of(&value).count() as u64 };
    }
    found
}
