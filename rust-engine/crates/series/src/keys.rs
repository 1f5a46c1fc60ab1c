//! Keys in the tree of the region; the store uses other tags of the same tree.

use codec::SeriesId;
use paged::{ordered, text_part, unordered};

pub const TARGET: u8 = b'T';
pub const SERIES: u8 = b'S';
pub const BY_SERVICE: u8 = b'N';
pub const GROUP: u8 = b'G';
pub const NEXT_GROUP: [u8; 1] = [b'g'];
const CHUNK: u8 = b'C';
/// What goes first when the region is full.
const ORDER: u8 = b'O';
/// Groups whose chunks are to be merged.
const WORK: u8 = b'W';
/// The tags of this crate. What the digest says of them comes from `describe`, not from their bytes: a tag that is missing
/// here would make the digest depend on how samples are kept.
const TAGS: [u8; 8] = [TARGET, SERIES, BY_SERVICE, GROUP, NEXT_GROUP[0], CHUNK, ORDER, WORK];
/// The column number of a group's timestamps.
pub const TIMES: u16 = u16::MAX;

/// What an entry of the eviction order names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Head = b'h',
    Chunk = b'c',
}

pub fn target(target: &str) -> Vec<u8> {
    [&[TARGET], text_part(target).as_slice()].concat()
}

pub fn series(id: SeriesId) -> [u8; 17] {
    let mut key = [SERIES; 17];
    key[1..].copy_from_slice(&id.to_be_bytes());
    key
}

pub fn by_service_prefix(service: &str) -> Vec<u8> {
    let part = text_part(service);
    [&[BY_SERVICE, part.len() as u8], part.as_slice()].concat()
}

pub fn by_service(service: &str, id: SeriesId) -> Vec<u8> {
    [by_service_prefix(service).as_slice(), &id.to_be_bytes()].concat()
}

pub fn group(group: u32) -> [u8; 5] {
    let mut key = [GROUP; 5];
    key[1..].copy_from_slice(&group.to_be_bytes());
    key
}

pub const CHUNKS_START: [u8; 1] = [CHUNK];

/// Prefix of all chunks of a group.
pub fn chunks_of(group: u32) -> [u8; 5] {
    let mut key = [CHUNK; 5];
    key[1..].copy_from_slice(&group.to_be_bytes());
    key
}

/// Prefix of the chunks of a column.
pub fn column_chunks(group: u32, column: u16) -> Vec<u8> {
    [chunks_of(group).as_slice(), &column.to_be_bytes()].concat()
}

/// A column's chunk by its last time, so that a scan from a time starts at the first chunk that reaches it.
pub fn chunk(group: u32, column: u16, last: i64) -> Vec<u8> {
    [column_chunks(group, column).as_slice(), &ordered(last).to_be_bytes()].concat()
}

/// Group, column and last time of a chunk's key.
pub fn split_chunk(key: &[u8]) -> Option<(u32, u16, i64)> {
    let (group, rest) = key.strip_prefix(&CHUNKS_START)?.split_first_chunk()?;
    let (column, last) = rest.split_first_chunk()?;
    let last = unordered(u64::from_be_bytes(*last.first_chunk()?));
    Some((u32::from_be_bytes(*group), u16::from_be_bytes(*column), last))
}

/// True for a key of this crate, in the tree that it shares.
pub fn is_own(key: &[u8]) -> bool {
    key.first().is_some_and(|tag| TAGS.contains(tag))
}

pub const WORK_START: [u8; 1] = [WORK];

pub fn work(group: u32) -> [u8; 5] {
    let mut key = [WORK; 5];
    key[1..].copy_from_slice(&group.to_be_bytes());
    key
}

/// The group of a work entry's key.
pub fn split_work(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*key.strip_prefix(&WORK_START)?.first_chunk()?))
}

pub fn order(time: i64, kind: Kind, group: u32) -> Vec<u8> {
    [&[ORDER], ordered(time).to_be_bytes().as_slice(), &[kind as u8], &group.to_be_bytes()].concat()
}

pub const ORDER_START: [u8; 1] = [ORDER];

/// Time, kind and group of an entry of the eviction order.
pub fn split_order(key: &[u8]) -> Option<(i64, Kind, u32)> {
    let (time, rest) = key.strip_prefix(&ORDER_START)?.split_first_chunk()?;
    let (kind, group) = rest.split_first_chunk::<1>()?;
    let kind = if *kind == [Kind::Head as u8] { Kind::Head } else { Kind::Chunk };
    Some((unordered(u64::from_be_bytes(*time)), kind, u32::from_be_bytes(*group.first_chunk()?)))
}
