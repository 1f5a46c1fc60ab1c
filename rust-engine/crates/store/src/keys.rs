//! Keys of the trees: one tag byte for each table and index, then parts that sort as bytes.

use paged::{ordered, unordered};

pub use paged::text_part;

/// Tables and indexes. A record and the indexes over it lie in the same tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Table {
    Change = b'c',
    Deployment = b'd',
    DeploymentByTime = b'D',
    DeploymentByService = b'E',
    Incident = b'i',
    IncidentByTime = b'I',
    IncidentByService = b'J',
    Resource = b'q',
    ResourceByService = b'Q',
    Rolling = b'r',
    Service = b's',
    /// What goes first when the region is full: class, time, table, key.
    Value = b'V',
}

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
/// have the same key; their records lie together.
pub fn owned_part(key: &str, service: &str) -> Vec<u8> {
    join(&[&sized_part(key), &text_part(service)])
}

pub fn owned_key(table: Table, key: &str, service: &str) -> Vec<u8> {
    join(&[&[table as u8], &owned_part(key, service)])
}

/// Prefix of the records with a key, whatever their service.
pub fn key_prefix(table: Table, key: &str) -> Vec<u8> {
    join(&[&[table as u8], &sized_part(key)])
}

/// Prefix of what belongs to a service in an index by service.
pub fn service_prefix(table: Table, service: &str) -> Vec<u8> {
    join(&[&[table as u8], &sized_part(service)])
}

/// An entry of a time index, newest first. `part`: that of the record's key which follows.
fn newest_first(prefix: &[u8], time: i64, part: &[u8]) -> Vec<u8> {
    join(&[prefix, &(!ordered(time)).to_be_bytes(), part])
}

/// The entries of a record in the index of a table by time and in the one by service, which names the service up front.
pub fn time_entries(by_time: Table, by_service: Table, time: i64, key: &str, service: &str) -> [Vec<u8>; 2] {
    let of_service = service_prefix(by_service, service);
    [newest_first(&[by_time as u8], time, &owned_part(key, service)), newest_first(&of_service, time, &sized_part(key))]
}

/// The first suffix of a time index at or before `time`.
pub fn newest_first_start(time: i64) -> [u8; 8] {
    (!ordered(time)).to_be_bytes()
}

/// Time and key part of a suffix.
pub fn split_newest_first(suffix: &[u8]) -> Option<(i64, &[u8])> {
    let (time, key) = suffix.split_first_chunk()?;
    Some((unordered(!u64::from_be_bytes(*time)), key))
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
