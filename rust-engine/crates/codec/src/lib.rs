//! Prometheus remote write in, column blocks out; column blocks in the engine. The block format is docs/column-block.md.

mod announce;
mod block;
mod known;
mod protobuf;
mod remote_write;
mod time_series;

pub use announce::{Announced, announced, encode_announced};
pub use block::{Block, Encoded, encode_blocks};
pub use remote_write::{Batch, Decoded, Limits, RemoteWriteDecoder};

use thiserror::Error;

/// 128-bit hash of a series' labels.
pub type SeriesId = u128;

/// Labels of a series, sorted by name.
pub type Labels<'a> = Vec<(&'a str, &'a str)>;

/// Bytes that do not follow their format.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field}: {reason}")]
pub struct Malformed {
    /// Where.
    pub field: &'static str,
    /// What is wrong.
    pub reason: String,
    /// True where a limit was passed: less of the same would be taken.
    pub above_limit: bool,
}

impl Malformed {
    pub(crate) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into(), above_limit: false }
    }

    pub(crate) fn above(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into(), above_limit: true }
    }
}

/// Hash of a series by its sorted labels: xxh3-128 over each name and value with their lengths as u32 before them.
pub fn series_id(labels: &[(&str, &str)]) -> SeriesId {
    let mut bytes = Vec::with_capacity(512);
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    xxhash_rust::xxh3::xxh3_128(&bytes)
}

/// Reads fields off the front of a slice.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn left(&self) -> usize {
        self.rest.len()
    }

    pub fn take(&mut self, field: &'static str, bytes: usize) -> Result<&'a [u8], Malformed> {
        let Some((taken, rest)) = self.rest.split_at_checked(bytes) else {
            return Err(Malformed::new(field, format!("{bytes} bytes wanted, {} left", self.rest.len())));
        };
        self.rest = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(field, N)?);
        Ok(array)
    }

    pub fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        Ok(self.array::<1>(field)?[0])
    }

    pub fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.array(field)?))
    }

    pub fn u32(&mut self, field: &'static str) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array(field)?))
    }

    pub fn text(&mut self, field: &'static str, bytes: usize) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.take(field, bytes)?).map_err(|error| Malformed::new(field, error.to_string()))
    }
}
