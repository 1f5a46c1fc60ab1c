//! Chunks of timestamps, little-endian: 0 kind u8 · 1 rows u16 · 3 first i64 · where they are equally far apart, how far (i64);
//! else all of them compressed by pco. While chunks are merged, that of the last one is: 0 kind u8 (2) · 1 how many are merged
//! with it u16 · their last times, i64 each · bytes of its own chunk u32 · its own chunk · the merged one.

use crate::keys::{self, TIMES};
use crate::packed::{Effort, pack, unpack};
use crate::{TREE, due};
use paged::{Cursor, Pages};
use std::borrow::Cow;

/// Bytes before what the kind says.
const HEAD_BYTES: usize = 3;
const REGULAR: u8 = 0;
const LISTED: u8 = 1;
const MERGING: u8 = 2;

/// The timestamp chunks of a group that a query has come by, in the order of time. Its series share them, so each is found
/// and unpacked once.
pub struct GroupTimes<'a> {
    group: u32,
    ahead: Cursor,
    found: Vec<Found<'a>>,
}

/// Timestamps by the last of them.
pub struct Found<'a> {
    pub last: i64,
    times: Times<'a>,
    /// While it is being merged: the first column whose values are not merged yet, and the timestamps of those.
    former: Option<(u16, Times<'a>)>,
}

impl<'a> GroupTimes<'a> {
    /// Those that reach a time.
    pub fn since(pages: &impl Pages, group: u32, from: i64) -> Self {
        Self { group, ahead: TREE.seek(pages, &keys::chunk(group, TIMES, from)), found: Vec::new() }
    }

    /// Those of the values of a column with this last time.
    pub fn with_last(&mut self, pages: &'a impl Pages, last: i64, column: u16) -> Option<&mut Times<'a>> {
        while self.found.last().is_none_or(|found| found.last < last) {
            let (key, entry) = self.ahead.next(pages)?;
            match keys::split_chunk(key) {
                Some((group, TIMES, last)) if group == self.group => {
                    self.found.push(Found::of(pages, group, last, entry));
                }
                _ => return None,
            }
        }
        let at = self.found.binary_search_by_key(&last, |found| found.last).ok()?;
        Some(self.found[at].of_column(column))
    }
}

/// The first time of an entry, also while it is being merged.
pub fn first_of(entry: &[u8]) -> i64 {
    let times = Merging::read(entry).map_or(entry, |merging| merging.merged);
    i64_at(times, HEAD_BYTES)
}

impl<'a> Found<'a> {
    /// Those of the values of a column.
    pub fn of_column(&mut self, column: u16) -> &mut Times<'a> {
        match &mut self.former {
            Some((next, former)) if column >= *next => former,
            _ => &mut self.times,
        }
    }

    /// Rows and first time of those of a column.
    pub fn extent(&self, column: u16) -> (usize, i64) {
        let times = match &self.former {
            Some((next, former)) if column >= *next => former,
            _ => &self.times,
        };
        (times.rows(), times.first())
    }

    /// True for the last chunk of those that a merger is under way for.
    pub fn is_being_merged(&self) -> bool {
        self.former.is_some()
    }

    /// The first of all.
    pub fn first(&self) -> i64 {
        self.times.first()
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.times.bytes.len() + self.former.as_ref().map_or(0, |(_, former)| former.bytes.len())
    }

    pub fn into_owned(self) -> Found<'static> {
        let Self { last, times, former } = self;
        let former = former.map(|(next, former)| (next, former.into_owned()));
        Found { last, times: times.into_owned(), former }
    }

    pub fn of(pages: &impl Pages, group: u32, last: i64, entry: Cow<'a, [u8]>) -> Self {
        let Some(merging) = Merging::read(&entry) else { return Self { last, times: Times::of(entry), former: None } };
        let [former, merged] = [merging.former, merging.merged].map(|chunk| Times::of(Cow::Owned(chunk.to_vec())));
        Self { last, times: merged, former: Some((due::next_column(pages, group), former)) }
    }
}

/// Timestamps while chunks are merged, taken apart. They lie where the last of the chunks does.
pub struct Merging<'a> {
    /// Last times of the chunks that are merged with it.
    pub others: Vec<i64>,
    /// Its own timestamps.
    pub former: &'a [u8],
    /// The timestamps of all.
    pub merged: &'a [u8],
}

impl<'a> Merging<'a> {
    /// None when the timestamps are those of one chunk.
    pub fn read(entry: &'a [u8]) -> Option<Self> {
        let (head, rest) = entry.split_first_chunk::<HEAD_BYTES>()?;
        if head[0] != MERGING {
            return None;
        }
        let (others, rest) = rest.split_at(rows_of(head) * 8);
        let (length, rest) = rest.split_first_chunk()?;
        let (former, merged) = rest.split_at(u32::from_le_bytes(*length) as usize);
        Some(Self {
            others: others.as_chunks().0.iter().map(|last| i64::from_le_bytes(*last)).collect(),
            former,
            merged,
        })
    }

    pub fn write(&self) -> Vec<u8> {
        let mut entry = vec![MERGING];
        entry.extend_from_slice(&(self.others.len() as u16).to_le_bytes());
        self.others.iter().for_each(|last| entry.extend_from_slice(&last.to_le_bytes()));
        entry.extend_from_slice(&(self.former.len() as u32).to_le_bytes());
        entry.extend_from_slice(self.former);
        entry.extend_from_slice(self.merged);
        entry
    }
}

/// The timestamps of a chunk, unpacked when they are asked for.
#[derive(Debug)]
pub struct Times<'a> {
    bytes: Cow<'a, [u8]>,
    unpacked: Vec<i64>,
}

impl<'a> Times<'a> {
    /// Of a chunk that is not being merged.
    pub fn of(bytes: Cow<'a, [u8]>) -> Self {
        Self { bytes, unpacked: Vec::new() }
    }

    pub fn into_owned(self) -> Times<'static> {
        Times { bytes: Cow::Owned(self.bytes.into_owned()), unpacked: self.unpacked }
    }

    pub fn rows(&self) -> usize {
        rows_of(&self.bytes)
    }

    pub fn first(&self) -> i64 {
        i64_at(&self.bytes, HEAD_BYTES)
    }

    pub fn all(&mut self) -> &[i64] {
        if self.unpacked.is_empty() {
            let (first, rows) = (self.first(), self.rows());
            self.unpacked = if self.bytes[0] == REGULAR {
                let apart = i64_at(&self.bytes, HEAD_BYTES + 8);
                (0..rows as i64).map(|row| first + row * apart).collect()
            } else {
                unpack(&self.bytes[HEAD_BYTES + 8..], rows)
            };
        }
        &self.unpacked
    }
}

/// A chunk of these timestamps.
pub fn encode_times(times: &[i64]) -> Vec<u8> {
    let apart = times.get(1).map_or(0, |second| second - times[0]);
    let regular = times.windows(2).all(|pair| pair[1] - pair[0] == apart);
    let mut chunk = vec![if regular { REGULAR } else { LISTED }];
    chunk.extend_from_slice(&(times.len() as u16).to_le_bytes());
    chunk.extend_from_slice(&times[0].to_le_bytes());
    if regular {
        chunk.extend_from_slice(&apart.to_le_bytes());
    } else {
        chunk.extend_from_slice(&pack(times, Effort::Thorough));
    }
    chunk
}

fn rows_of(chunk: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([chunk[1], chunk[2]]))
}

pub fn i64_at(bytes: &[u8], at: usize) -> i64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    i64::from_le_bytes(word)
}
