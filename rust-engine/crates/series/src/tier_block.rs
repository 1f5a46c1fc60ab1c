//! A block: the five-minute buckets of rows that were sealed just now, all columns in one entry. Little-endian: 0 columns u16 ·
//! 2 buckets u16 · 4 first time i64 · lists of the buckets' numbers and of their rows, each after its length as varint · width
//! of an offset u8 (2 or 4) · for each column where it ends behind the offsets · the columns (see `tier_column`), empty ones
//! without a sample.

use crate::keys::{self, Kind};
use crate::tier::{Buckets, Column, Tier};
use crate::tier_column::encode;
use crate::tier_keys;
use crate::tier_numbers::{read_whole, write_whole};
use crate::varint::{read_varint, write_varint};
use crate::{SeriesError, TREE};
use paged::{PagesMut, Tree};
use std::borrow::Cow;

/// Buckets with fewer rows than this on average are cut into single rows.
pub const ROWS_A_BUCKET: usize = 4;
/// Keeps a block of a whole group of fractions below half of what an entry of the tree may hold.
const BUCKETS_MAX: usize = 32;

/// The blocks of rows, each by its last time: their times, and the cells of each column.
pub fn encode_blocks(times: &[i64], columns: &[Vec<u64>]) -> Vec<(i64, Vec<u8>)> {
    let all = Buckets::of(Tier::Five, times);
    let mut blocks = Vec::new();
    let mut from = 0;
    for rows in all.rows.chunks(BUCKETS_MAX) {
        let to = from + rows.iter().sum::<i64>() as usize;
        let buckets = Buckets::of(Tier::Five, &times[from..to]);
        blocks.push((times[to - 1], encode_block(&buckets, columns, from..to)));
        from = to;
    }
    blocks
}

/// Puts blocks into the tree, and into the eviction order; all or nothing.
pub fn insert(pages: &mut impl PagesMut, number: u32, blocks: &[(i64, Vec<u8>)]) -> Result<(), SeriesError> {
    pages.require(TREE.region(), pages_needed(blocks))?;
    for (last, block) in blocks {
        TREE.insert(pages, &tier_keys::block(number, *last), block)?;
        TREE.insert(pages, &keys::order(*last, Kind::FiveMinutes, number), &[])?;
    }
    Ok(())
}

/// Pages that inserting blocks can need.
pub fn pages_needed(blocks: &[(i64, Vec<u8>)]) -> u32 {
    blocks.iter().map(|(_, block)| Tree::pages_needed(block.len()) + Tree::pages_needed(0)).sum()
}

fn encode_block(buckets: &Buckets, columns: &[Vec<u64>], rows: std::ops::Range<usize>) -> Vec<u8> {
    let mut data = Vec::new();
    let mut ends = Vec::with_capacity(columns.len());
    for cells in columns {
        if let Some(column) = Column::of(buckets, &cells[rows.clone()]) {
            data.extend_from_slice(&encode(buckets, &column));
        }
        ends.push(data.len() as u32);
    }
    let mut bytes = (columns.len() as u16).to_le_bytes().to_vec();
    bytes.extend_from_slice(&encode_buckets(buckets));
    let wide = data.len() > usize::from(u16::MAX);
    bytes.push(if wide { 4 } else { 2 });
    ends.iter().for_each(|end| bytes.extend_from_slice(&end.to_le_bytes()[..if wide { 4 } else { 2 }]));
    bytes.extend_from_slice(&data);
    bytes
}

/// Buckets: number u16 · first time i64 · the lists.
pub fn encode_buckets(buckets: &Buckets) -> Vec<u8> {
    let mut bytes = (buckets.numbers.len() as u16).to_le_bytes().to_vec();
    bytes.extend_from_slice(&buckets.first.to_le_bytes());
    for numbers in [&buckets.numbers, &buckets.rows] {
        let mut list = Vec::new();
        write_whole(&mut list, numbers);
        write_varint(&mut bytes, list.len() as u64);
        bytes.extend_from_slice(&list);
    }
    bytes
}

/// Buckets at the front of some bytes, and how many bytes they take.
pub fn decode_buckets(bytes: &[u8]) -> (Buckets, usize) {
    let count = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    let mut at = 10;
    let mut list = || {
        let length = read_varint(bytes, &mut at) as usize;
        at += length;
        read_whole(&bytes[at - length..at], count)
    };
    let (numbers, rows) = (list(), list());
    (Buckets { first: first_time(bytes), numbers, rows }, at)
}

/// Time of the first row of encoded buckets.
pub fn first_time(bytes: &[u8]) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&bytes[2..10]);
    i64::from_le_bytes(first)
}

/// A block, taken apart.
pub struct Block<'a> {
    pub buckets: Buckets,
    bytes: Cow<'a, [u8]>,
    /// Where the width of an offset stands.
    at: usize,
}

impl<'a> Block<'a> {
    pub fn of(bytes: Cow<'a, [u8]>) -> Self {
        let (buckets, length) = decode_buckets(&bytes[2..]);
        Self { buckets, bytes, at: 2 + length }
    }

    /// The first time of an encoded block.
    pub fn first(bytes: &[u8]) -> i64 {
        first_time(&bytes[2..])
    }

    pub fn columns(&self) -> usize {
        usize::from(u16::from_le_bytes([self.bytes[0], self.bytes[1]]))
    }

    pub fn column(&self, column: usize) -> Option<&[u8]> {
        let columns = self.columns();
        if column >= columns {
            return None;
        }
        let width = usize::from(self.bytes[self.at]);
        let ends = &self.bytes[self.at + 1..];
        let end = |column: usize| {
            let mut word = [0; 4];
            word[..width].copy_from_slice(&ends[column * width..(column + 1) * width]);
            u32::from_le_bytes(word) as usize
        };
        let start = if column == 0 { 0 } else { end(column - 1) };
        Some(&ends[columns * width..][start..end(column)]).filter(|bytes| !bytes.is_empty())
    }

    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn into_owned(self) -> Block<'static> {
        Block { buckets: self.buckets, bytes: Cow::Owned(self.bytes.into_owned()), at: self.at }
    }
}
