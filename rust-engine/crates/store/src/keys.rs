//! Keys of the trees: one tag byte for each table and index, then parts that sort as bytes.

use paged::{ordered, unordered};
use sha2::{Digest, Sha256};

pub use paged::text_part;

/// Tables and indexes. A record and the indexes over it lie in the same tree; its past lies with what is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Table {
    Change = b'c',
    Deployment = b'd',
    DeploymentPast = b'e',
    DeploymentByTime = b'D',
    DeploymentByService = b'E',
    Incident = b'i',
    IncidentPast = b'j',
    IncidentByTime = b'I',
    IncidentByService = b'J',
    Resource = b'q',
    ResourceByService = b'Q',
    Rolling = b'r',
    Buckets = b'b',
    Service = b's',
    Score = b'p',
    Timings = b'x',
    /// What goes first when the region is full: class, time, table, key.
    Value = b'V',
}

/// What names a record of a source.
pub type OwnedPart = [u8; 20];
const KEY_BYTES: usize = 8;
const OWNER_BYTES: usize = 12;

/// A text part with its length before it, so that no key is the prefix of another service's.
fn sized_part(text: &str) -> Vec<u8> {
    let part = text_part(text);
    let mut sized = vec![part.len() as u8];
    sized.extend_from_slice(&part);
    sized
}

pub fn record_key(table: Table, key: &str) -> Vec<u8> {
    join(&[&[table as u8], &text_part(key)])
}

/// Names a record of a source: by its key and within its service. Sources count each on their own, so several services may
/// have the same key; their records lie together. Digests, as each of the record's index entries repeats them.
pub fn owned_part(key: &str, service: &str) -> OwnedPart {
    let mut part = [0; KEY_BYTES + OWNER_BYTES];
    part[..KEY_BYTES].copy_from_slice(&short_digest::<KEY_BYTES>(&[key.as_bytes()]));
    let owner = short_digest::<OWNER_BYTES>(&[&(key.len() as u64).to_le_bytes(), key.as_bytes(), service.as_bytes()]);
    part[KEY_BYTES..].copy_from_slice(&owner);
    part
}

/// Names a record of a source that counts them: its service and the beginning of its key by a digest, then the number at the
/// key's end. So those of a service lie in the order in which they began, which keeps pages full.
pub fn counted_part(key: &str, service: &str) -> OwnedPart {
    let beginning = key.trim_end_matches(|end: char| end.is_ascii_digit());
    // Zeros in front would be lost in a number, and so would digits that it has no room for.
    let zeros = key[beginning.len()..].bytes().take_while(|digit| *digit == b'0').count();
    let fits = key.len().saturating_sub(beginning.len() + zeros) <= NUMBER_DIGITS_MAX;
    let (beginning, number) = if fits { key.split_at(beginning.len() + zeros) } else { (key, "") };
    let mut part = [0; OWNER_BYTES + KEY_BYTES];
    let owner =
        [&(beginning.len() as u64).to_le_bytes(), beginning.as_bytes(), &[number.len() as u8], service.as_bytes()];
    part[..OWNER_BYTES].copy_from_slice(&short_digest::<OWNER_BYTES>(&owner));
    part[OWNER_BYTES..].copy_from_slice(&number.parse().unwrap_or(0u64).to_be_bytes());
    part
}

/// Digits that every number of 64 bits has room for.
const NUMBER_DIGITS_MAX: usize = 19;

/// Prefix of the records with a key, whatever their service; and of few others.
pub fn key_prefix(table: Table, key: &str) -> Vec<u8> {
    join(&[&[table as u8], &short_digest::<KEY_BYTES>(&[key.as_bytes()])])
}

/// Prefix of what belongs to a service in an index of names by service.
pub fn service_prefix(table: Table, service: &str) -> Vec<u8> {
    join(&[&[table as u8], &sized_part(service)])
}

/// First bytes of the digest of some parts.
pub fn short_digest<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut short = [0; N];
    short.copy_from_slice(&hash.finalize()[..N]);
    short
}

/// A time that sorts newest first.
pub fn newest_first(time: i64) -> [u8; 8] {
    (!ordered(time)).to_be_bytes()
}

/// The time of `newest_first`.
pub fn time_of(newest_first: [u8; 8]) -> i64 {
    unordered(!u64::from_be_bytes(newest_first))
}

/// An entry of the eviction order; the smallest goes first.
pub fn value_key(class: u8, time: i64, table: Table, part: &[u8]) -> Vec<u8> {
    join(&[&[Table::Value as u8, class], &ordered(time).to_be_bytes(), &[table as u8], part])
}

/// Time of an entry of the eviction order.
pub fn value_time(key: &[u8]) -> Option<i64> {
    Some(unordered(u64::from_be_bytes(*key.get(2..)?.first_chunk()?)))
}

/// Record key (table and part) of an entry of the eviction order.
pub fn split_value_key(key: &[u8]) -> Option<&[u8]> {
    key.get(10..)
}

pub fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}
