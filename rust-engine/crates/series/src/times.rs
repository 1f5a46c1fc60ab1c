//! Chunks of timestamps, little-endian: 0 kind u8 · 1 rows u16 · 3 first i64 · where they are equally far apart, how far (i64);
//! else all of them compressed by pco.

use crate::TREE;
use crate::chunk::{HEAD_BYTES, i64_at, rows_of};
use crate::keys::{self, TIMES};
use crate::packed::{pack, unpack};
use paged::{Cursor, Pages};
use std::borrow::Cow;

const REGULAR: u8 = 0;
const LISTED: u8 = 1;

/// The timestamp chunks of a group that a query has come by, in the order of time. Its series share them, so each is found
/// and unpacked once.
pub struct GroupTimes<'a> {
    group: u32,
    ahead: Cursor,
    found: Vec<(i64, Times<'a>)>,
}

impl<'a> GroupTimes<'a> {
    /// Those that reach a time.
    pub fn since(pages: &impl Pages, group: u32, from: i64) -> Self {
        Self { group, ahead: TREE.seek(pages, &keys::chunk(group, TIMES, from)), found: Vec::new() }
    }

    pub fn group(&self) -> u32 {
        self.group
    }

    /// The chunk with this last time.
    pub fn with_last(&mut self, pages: &'a impl Pages, last: i64) -> Option<&mut Times<'a>> {
        while self.found.last().is_none_or(|(found, _)| *found < last) {
            let (key, bytes) = self.ahead.next(pages)?;
            match keys::split_chunk(key) {
                Some((group, TIMES, last)) if group == self.group => {
                    self.found.push((last, Times { bytes, unpacked: Vec::new() }));
                }
                _ => return None,
            }
        }
        let at = self.found.binary_search_by_key(&last, |(last, _)| *last).ok()?;
        Some(&mut self.found[at].1)
    }
}

/// The timestamps of a chunk, unpacked when they are asked for.
#[derive(Debug)]
pub struct Times<'a> {
    bytes: Cow<'a, [u8]>,
    unpacked: Vec<i64>,
}

impl<'a> Times<'a> {
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
        chunk.extend_from_slice(&pack(times));
    }
    chunk
}
