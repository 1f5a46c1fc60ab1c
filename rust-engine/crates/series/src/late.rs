//! Samples that came when their rows were sealed already. They wait as they are, are read with the sealed chunks, and are merged
//! into these with the next work on their group.
//!
//! Key: `L`, group u32, time (ordered), columns / 64 u8. Value, for each sample: column % 64 u8, f64 bits, little-endian.

use crate::full::Full;
use crate::group::Group;
use crate::head::Head;
use crate::samples;
use crate::times::{GroupTimes, i64_at};
use crate::{SeriesError, TREE, keys};
use paged::{Pages, PagesMut};
use std::collections::BTreeMap;

/// How much older than the newest sample of its target a sample may be to be kept, unless the caller says otherwise.
pub const LATE_WINDOW_MS: i64 = 3_600_000;
/// Columns of one entry: its samples lie in the leaf.
const PART_COLUMNS: u16 = 64;
const SAMPLE_BYTES: usize = 9;

/// A late sample: time, column, f64 bits.
pub type Sample = (i64, u16, u64);

/// Keeps samples that have no sample at their place yet; how many.
pub fn add(
    pages: &mut impl PagesMut,
    number: u32,
    group: &Group,
    samples: &BTreeMap<(i64, u16), u64>,
) -> Result<u64, SeriesError> {
    let mut times = GroupTimes::since(pages, number, samples.keys().next().map_or(i64::MAX, |(time, _)| *time));
    let full = Full::of(pages, group);
    let mut new: Vec<Sample> = samples.iter().map(|((time, column), bits)| (*time, *column, *bits)).collect();
    let mut is_kept = |time, column| {
        full.is_some_and(|full| full.has(pages, column, time))
            || samples::has_sealed(pages, number, column, time, &mut times)
    };
    new.retain(|(time, column, _)| !is_kept(*time, *column));
    if let (Some((first, ..)), Some((last, ..))) = (new.first(), new.last()) {
        let head = Head::at(group.head);
        let (from, until) = head.lacking(pages).unwrap_or((*first, *last));
        head.set_lacking(pages, Some((from.min(*first), until.max(*last))));
        head.set_late(pages, true);
    }
    let mut kept = 0;
    for part in new.chunk_by(|a, b| (a.0, a.1 / PART_COLUMNS) == (b.0, b.1 / PART_COLUMNS)) {
        kept += add_to_part(pages, number, part)?;
    }
    Ok(kept)
}

fn add_to_part(pages: &mut impl PagesMut, number: u32, samples: &[Sample]) -> Result<u64, SeriesError> {
    let (time, column, _) = samples[0];
    let key = keys::late(number, time, (column / PART_COLUMNS) as u8);
    let known = TREE.get(pages, &key).map_or(Vec::new(), |entry| read(time, column / PART_COLUMNS, &entry));
    let mut all: BTreeMap<u16, u64> = samples.iter().map(|(_, column, bits)| (*column, *bits)).collect();
    // The first holds.
    all.extend(known.iter().map(|(_, column, bits)| (*column, *bits)));
    if all.len() > known.len() {
        TREE.insert(pages, &key, &write(all.iter().map(|(column, bits)| (*column, *bits))))?;
    }
    Ok((all.len() - known.len()) as u64)
}

/// The late samples of a group with times in [from, to], in the order of time and column.
pub fn samples(pages: &impl Pages, number: u32, from: i64, to: i64) -> Vec<Sample> {
    let mut found = Vec::new();
    each_part(pages, number, from, to, |time, part, entry| {
        found.extend(read(time, part, entry));
        true
    });
    found
}

/// The first late times of a group in [from, to], at most so many.
pub fn times(pages: &impl Pages, number: u32, from: i64, to: i64, most: usize) -> Vec<i64> {
    let mut found = Vec::new();
    each_part(pages, number, from, to, |time, _, _| {
        if found.last() != Some(&time) {
            found.push(time);
        }
        found.len() < most
    });
    found
}

/// Calls with time, part and value of each entry until that says false.
fn each_part(pages: &impl Pages, number: u32, from: i64, to: i64, mut part: impl FnMut(i64, u16, &[u8]) -> bool) {
    let mut cursor = TREE.seek(pages, &keys::late(number, from, 0));
    while let Some((key, entry)) = cursor.next(pages) {
        match keys::split_late(key) {
            Some((group, time, at)) if group == number && time <= to && part(time, u16::from(at), &entry) => {}
            _ => return,
        }
    }
}

/// Late samples of a column, to be read with those of its chunks.
#[derive(Clone)]
pub struct Overlay {
    samples: Vec<(i64, u64)>,
    at: usize,
}

impl Overlay {
    pub fn of(samples: &[Sample], column: u16) -> Self {
        let own = samples.iter().filter(|(_, of, _)| *of == column);
        Self { samples: own.map(|(time, _, bits)| (*time, *bits)).collect(), at: 0 }
    }

    /// Calls with those before a time that were not told yet, until that says false; false then.
    #[inline]
    pub fn before(&mut self, time: i64, mut sample: impl FnMut(i64, u64) -> bool) -> bool {
        while let Some((of, bits)) = self.samples.get(self.at).filter(|(of, _)| *of < time) {
            self.at += 1;
            if !sample(*of, *bits) {
                return false;
            }
        }
        true
    }

    pub fn bytes(&self) -> usize {
        self.samples.len() * size_of::<(i64, u64)>()
    }

    /// True when there are some up to a time that were not told yet.
    pub fn reaches_to(&self, last: i64) -> bool {
        self.samples.get(self.at).is_some_and(|(time, _)| *time <= last)
    }
}

/// The time of the first late sample of a group.
pub fn first_time(pages: &impl Pages, number: u32) -> Option<i64> {
    let (key, _) = TREE.seek(pages, &keys::late(number, i64::MIN, 0)).next(pages)?;
    keys::split_late(key).filter(|(group, ..)| *group == number).map(|(_, time, _)| time)
}

/// Takes samples away that are kept elsewhere now; needs no page.
pub fn remove(pages: &mut impl PagesMut, number: u32, samples: &[Sample]) {
    for part in samples.chunk_by(|a, b| (a.0, a.1 / PART_COLUMNS) == (b.0, b.1 / PART_COLUMNS)) {
        let (time, column, _) = part[0];
        let key = keys::late(number, time, (column / PART_COLUMNS) as u8);
        let known = TREE.get(pages, &key).map_or(Vec::new(), |entry| read(time, column / PART_COLUMNS, &entry));
        let left = known.iter().filter(|sample| !part.contains(sample)).map(|(_, column, bits)| (*column, *bits));
        let left = write(left);
        if left.is_empty() {
            TREE.remove(pages, &key);
        } else {
            let kept = TREE.insert(pages, &key, &left);
            assert!(kept.is_ok(), "a shorter entry needs no page");
        }
    }
}

/// Drops the late samples of a group up to a time, before the chunks that reach it go, and takes no more of them; how many.
pub fn forget_until(pages: &mut impl PagesMut, number: u32, head: Head, last: i64) -> u64 {
    head.set_dropped_until(pages, last.max(head.dropped_until(pages)));
    let left = |(from, until): (i64, i64)| (until > last).then(|| (from.max(last.saturating_add(1)), until));
    head.set_lacking(pages, head.lacking(pages).and_then(left));
    head.set_skipped(pages, head.skipped(pages).and_then(left));
    drop_until(pages, number, last)
}

/// Drops the late samples of a group up to a time; how many.
pub fn drop_until(pages: &mut impl PagesMut, number: u32, last: i64) -> u64 {
    let mut dropped = 0;
    loop {
        let next = TREE.seek(pages, &keys::late(number, i64::MIN, 0)).next(pages);
        let next = next.map(|(key, entry)| (key.to_vec(), entry.len() / SAMPLE_BYTES));
        let Some((key, samples)) = next else { return dropped };
        match keys::split_late(&key) {
            Some((group, time, _)) if group == number && time <= last => dropped += samples as u64,
            _ => return dropped,
        }
        TREE.remove(pages, &key);
    }
}

fn read(time: i64, part: u16, entry: &[u8]) -> Vec<Sample> {
    let sample =
        |bytes: &[u8; SAMPLE_BYTES]| (time, part * PART_COLUMNS + u16::from(bytes[0]), i64_at(bytes, 1) as u64);
    entry.as_chunks().0.iter().map(sample).collect()
}

fn write(samples: impl Iterator<Item = (u16, u64)>) -> Vec<u8> {
    let mut entry = Vec::new();
    for (column, bits) in samples {
        entry.push((column % PART_COLUMNS) as u8);
        entry.extend_from_slice(&bits.to_le_bytes());
    }
    entry
}
