//! Parts of keys that sort as bytes.

use sha2::{Digest, Sha256};

/// Longest text part taken as it is; a longer one ends in a digest of the whole.
const TEXT_BYTES_MAX: usize = 200;
const DIGEST_BYTES: usize = 32;

/// A text as a part of a key: bounded, and different for different texts.
pub fn text_part(text: &str) -> Vec<u8> {
    if text.len() <= TEXT_BYTES_MAX {
        return text.as_bytes().to_vec();
    }
    let mut part = text.as_bytes()[..TEXT_BYTES_MAX - DIGEST_BYTES].to_vec();
    part.extend_from_slice(&Sha256::digest(text.as_bytes()));
    part
}

/// A time as a number that sorts like it when written big-endian.
pub fn ordered(time: i64) -> u64 {
    (time as u64) ^ (1 << 63)
}

/// The time of `ordered`.
pub fn unordered(time: u64) -> i64 {
    (time ^ (1 << 63)) as i64
}
