//! Keys in the tree of the region; the store uses other tags of the same tree.

use codec::SeriesId;
use paged::{ordered, text_part, unordered};

pub const TARGET: u8 = b'T';
pub const SERIES: u8 = b'S';
pub const BY_SERVICE: u8 = b'N';
pub const GROUP: u8 = b'G';
pub const NEXT_GROUP: [u8; 1] = [b'g'];
const CHUNK: u8 = b'C';
pub const BLOCK: u8 = b'B';
pub const TIER: u8 = b'M';
/// What goes first when the region is full.
pub const ORDER: u8 = b'O';
/// Groups whose chunks are to be merged.
const WORK: u8 = b'W';
/// Groups with rows whose columns are being sealed.
const FULL: u8 = b'F';
/// Groups that are being forgotten.
pub const GONE: u8 = b'Z';
/// Samples that came when their rows were sealed.
pub const LATE: u8 = b'L';
/// The tags of this crate. What the digest says of them comes from `describe`, not from their bytes: a tag that is missing
/// here would make the digest depend on how samples are kept.
const TAGS: [u8; 13] =
    [TARGET, SERIES, BY_SERVICE, GROUP, GONE, NEXT_GROUP[0], CHUNK, ORDER, WORK, FULL, LATE, BLOCK, TIER];
/// The same for labels: symbols by their text, texts by their symbol, labels of a group, groups with a label. Numbers of
/// symbols hang on the order in which labels came, so that the digest must not see them either.
const LABEL_TAGS: [u8; 5] = [SYMBOL, TEXT, NEXT_SYMBOL[0], LABELS, POSTING];
pub const SYMBOL: u8 = b'K';
pub const TEXT: u8 = b'P';
pub const NEXT_SYMBOL: [u8; 1] = [b'p'];
pub const LABELS: u8 = b'A';
pub const POSTING: u8 = b'X';
/// The column number of a group's timestamps, and of the buckets of its tiers.
pub const TIMES: u16 = u16::MAX;

/// What an entry of the eviction order names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Head = b'h',
    Chunk = b'c',
    /// A block, or a chunk of the tier of five minutes.
    FiveMinutes = b'm',
    /// A chunk of the tier of an hour.
    Hour = b't',
}

impl Kind {
    /// How fine the samples are, which is their class in the eviction order.
    pub const fn resolution(self) -> Resolution {
        match self {
            Self::Head | Self::Chunk => Resolution::Raw,
            Self::FiveMinutes => Resolution::FiveMinutes,
            Self::Hour => Resolution::Hour,
        }
    }
}

/// How fine samples are; the finest are worth least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Resolution {
    /// As they came.
    Raw = 0,
    /// Five minutes together.
    FiveMinutes = 1,
    /// An hour together.
    Hour = 2,
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

pub fn group(group: u32) -> [u8; 5] {
    let mut key = [GROUP; 5];
    key[1..].copy_from_slice(&group.to_be_bytes());
    key
}

pub fn gone(group: u32) -> [u8; 5] {
    let mut key = [GONE; 5];
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
    key.first().is_some_and(|tag| TAGS.contains(tag) || LABEL_TAGS.contains(tag))
}

/// Late samples of a time, in parts of columns.
pub fn late(group: u32, time: i64, part: u8) -> [u8; 14] {
    let mut key = [LATE; 14];
    key[1..5].copy_from_slice(&group.to_be_bytes());
    key[5..13].copy_from_slice(&ordered(time).to_be_bytes());
    key[13] = part;
    key
}

/// Group, time and part of a key of late samples.
pub fn split_late(key: &[u8]) -> Option<(u32, i64, u8)> {
    let (group, rest) = key.strip_prefix(&[LATE])?.split_first_chunk()?;
    let (time, part) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*group), unordered(u64::from_be_bytes(*time)), *part.first()?))
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

pub const FULL_START: [u8; 1] = [FULL];

pub fn full(group: u32) -> [u8; 5] {
    let mut key = [FULL; 5];
    key[1..].copy_from_slice(&group.to_be_bytes());
    key
}

/// The group of a key of those that are being sealed.
pub fn split_full(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*key.strip_prefix(&FULL_START)?.first_chunk()?))
}

/// An entry of the eviction order: by class, then by time.
pub fn order(time: i64, kind: Kind, group: u32) -> Vec<u8> {
    let class = kind.resolution() as u8;
    [&[ORDER, class], ordered(time).to_be_bytes().as_slice(), &[kind as u8], &group.to_be_bytes()].concat()
}

/// Prefix of the entries of a class.
pub fn order_of(resolution: Resolution) -> [u8; 2] {
    [ORDER, resolution as u8]
}

/// Time, kind and group of an entry of the eviction order.
pub fn split_order(key: &[u8]) -> Option<(i64, Kind, u32)> {
    let (time, rest) = key.strip_prefix(&[ORDER])?.get(1..)?.split_first_chunk()?;
    let (kind, group) = rest.split_first_chunk::<1>()?;
    let kind = [Kind::Head, Kind::FiveMinutes, Kind::Hour].into_iter().find(|known| *kind == [*known as u8]);
    let kind = kind.unwrap_or(Kind::Chunk);
    Some((unordered(u64::from_be_bytes(*time)), kind, u32::from_be_bytes(*group.first_chunk()?)))
}

/// The text of a symbol.
pub fn text_of(symbol: u32) -> Vec<u8> {
    numbered(TEXT, symbol)
}

/// Prefix of the groups that have a value of a label.
pub fn posting(value: u32) -> Vec<u8> {
    numbered(POSTING, value)
}

/// Prefix of the labels of a group.
pub fn labels_of(group: u32) -> Vec<u8> {
    numbered(LABELS, group)
}

/// The values that the series of a group have for a name.
pub fn labels(group: u32, name: u32) -> Vec<u8> {
    let mut key = labels_of(group);
    push_ordered(&mut key, name);
    key
}

/// The name of a key of `labels` behind the prefix of its group.
pub fn split_labels(key: &[u8], prefix: &[u8]) -> Option<u32> {
    split_ordered(key.strip_prefix(prefix)?).map(|(name, _)| name)
}

fn numbered(tag: u8, number: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(16);
    key.push(tag);
    push_ordered(&mut key, number);
    key
}

/// Largest numbers that take one, two and three bytes of a key.
const ONE_MAX: u32 = 240;
const TWO_MAX: u32 = ONE_MAX + 8 * 256 - 1;
const THREE_MAX: u32 = TWO_MAX + 65_536;

/// Appends a number as few bytes that sort like it, none of them the beginning of those of another: up to 240 one byte, up to
/// 2,287 two (241 to 248, then a byte), up to 67,823 three (249 before two bytes), else 250 before four.
pub fn push_ordered(key: &mut Vec<u8>, number: u32) {
    if number <= ONE_MAX {
        key.push(number as u8);
    } else if number <= TWO_MAX {
        let above = number - ONE_MAX;
        key.extend_from_slice(&[241 + (above >> 8) as u8, above as u8]);
    } else if number <= THREE_MAX {
        key.push(249);
        key.extend_from_slice(&((number - TWO_MAX - 1) as u16).to_be_bytes());
    } else {
        key.push(250);
        key.extend_from_slice(&number.to_be_bytes());
    }
}

/// The number of `push_ordered`, and what follows.
pub fn split_ordered(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..=240 => Some((u32::from(*first), rest)),
        241..=248 => {
            let (low, rest) = rest.split_first()?;
            Some((ONE_MAX + (u32::from(first - 241) << 8) + u32::from(*low), rest))
        }
        249 => {
            let (number, rest) = rest.split_first_chunk()?;
            Some((TWO_MAX + 1 + u32::from(u16::from_be_bytes(*number)), rest))
        }
        _ => {
            let (number, rest) = rest.split_first_chunk()?;
            Some((u32::from_be_bytes(*number), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{push_ordered, split_ordered};

    #[test]
    fn numbers_in_keys_sort_and_read_back() {
        let edges = [240, 241, 495, 496, 2_287, 2_288, 67_823, 67_824, 1 << 24, u32::MAX];
        let numbers = (0..3_000).chain(edges.iter().flat_map(|n| [n - 1, *n]));
        let mut keys: Vec<(u32, Vec<u8>)> = Vec::new();
        for number in numbers {
            let mut key = Vec::new();
            push_ordered(&mut key, number);
            key.push(9);
            assert_eq!(split_ordered(&key), Some((number, [9].as_slice())));
            keys.push((number, key));
        }
        keys.sort();
        assert!(keys.is_sorted_by(|(a, low), (b, high)| a == b || low < high));
    }
}
