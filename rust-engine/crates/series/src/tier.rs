//! Tiers: what the sealed rows of a group come to in buckets of five minutes and of an hour. Every sealed row is in exactly one
//! piece of each tier, so that tiers and head together are all rows.

use crate::head::ABSENT;
use crate::summary::Summary;
use crate::{STALE_BITS, tier_block};

/// A width of buckets. A bucket's number is the time divided by the width, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tier {
    /// Five minutes.
    Five = b'5',
    /// An hour.
    Hour = b'h',
}

impl Tier {
    /// Of a bucket, in ms.
    pub const fn width(self) -> i64 {
        match self {
            Tier::Five => 300_000,
            Tier::Hour => 3_600_000,
        }
    }

    /// When the bucket of a time begins.
    pub const fn start(self, time: i64) -> i64 {
        time.div_euclid(self.width()) * self.width()
    }
}

/// The buckets of consecutive rows of a group. Neighbours may be parts of one bucket that was cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// Time of the first row.
    pub first: i64,
    /// Numbers of the buckets, ascending.
    pub numbers: Vec<i64>,
    /// Rows of each.
    pub rows: Vec<i64>,
}

/// The samples of a series in a bucket, in the order of their times; no stale marker is among them.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    pub samples: Summary,
    pub first: f64,
    /// Sum of the samples that a smaller one followed: a counter began again there, at 0.
    pub resets: f64,
}

/// A column of some buckets.
#[derive(Clone, Debug)]
pub struct Column {
    /// One for each bucket; none where it has no sample.
    pub buckets: Vec<Option<Bucket>>,
    /// The increase is worth keeping: the samples are finite and mostly grow.
    pub is_counter: bool,
}

impl Bucket {
    #[inline]
    pub fn one(value: f64) -> Self {
        Self { samples: Summary::one(value), first: value, resets: 0.0 }
    }

    /// Adds what follows in time.
    #[inline]
    pub fn add(&mut self, later: &Self) {
        if later.first < self.samples.last {
            self.resets += self.samples.last;
        }
        self.resets += later.resets;
        self.samples.add(&later.samples);
    }

    /// What a counter grew from its first to its last sample.
    pub fn increase(&self) -> f64 {
        self.samples.last - self.first + self.resets
    }
}

impl Buckets {
    /// Of rows with these times, which ascend. Where there are hardly fewer buckets than rows each row is a part of its own:
    /// one number says of a sample what takes four of a bucket.
    pub fn of(tier: Tier, times: &[i64]) -> Self {
        let mut buckets = Self { first: times.first().copied().unwrap_or_default(), ..Self::default() };
        for time in times {
            buckets.push(time.div_euclid(tier.width()), 1);
        }
        if times.len() < buckets.numbers.len() * tier_block::ROWS_A_BUCKET {
            buckets.numbers = times.iter().map(|time| time.div_euclid(tier.width())).collect();
            buckets.rows = vec![1; times.len()];
        }
        buckets
    }

    fn push(&mut self, number: i64, rows: i64) {
        match (self.numbers.last(), self.rows.last_mut()) {
            (Some(last), Some(of_last)) if *last == number => *of_last += rows,
            _ => {
                self.numbers.push(number);
                self.rows.push(rows);
            }
        }
    }

    /// The buckets of pieces that follow each other, in a tier that is as wide or wider, parts put together.
    pub fn joined<'a>(pieces: impl Iterator<Item = &'a Self>, from: Tier, to: Tier) -> Self {
        let mut joined = Self::default();
        for piece in pieces {
            if joined.numbers.is_empty() {
                joined.first = piece.first;
            }
            for (number, rows) in piece.numbers.iter().zip(&piece.rows) {
                joined.push(number.div_euclid(to.width() / from.width()), *rows);
            }
        }
        joined
    }
}

impl Column {
    /// Of cells that lie in these buckets; none when there is no sample.
    pub fn of(buckets: &Buckets, cells: &[u64]) -> Option<Self> {
        let mut column = Self { buckets: Vec::with_capacity(buckets.rows.len()), is_counter: true };
        let (mut rest, mut pairs, mut falls) = (cells, 0, 0);
        let mut before = None;
        for rows in &buckets.rows {
            let (own, after) = rest.split_at(*rows as usize);
            rest = after;
            let mut bucket: Option<Bucket> = None;
            for bits in own.iter().filter(|bits| **bits != ABSENT && **bits != STALE_BITS) {
                let value = f64::from_bits(*bits);
                if let Some(before) = before.replace(value) {
                    pairs += 1;
                    falls += usize::from(value < before);
                }
                column.is_counter &= value.is_finite();
                match &mut bucket {
                    Some(bucket) => bucket.add(&Bucket::one(value)),
                    None => bucket = Some(Bucket::one(value)),
                }
            }
            column.buckets.push(bucket);
        }
        before?;
        column.is_counter &= falls * 4 <= pairs;
        Some(column)
    }

    /// Puts the columns of pieces that follow each other together as `joined` did their buckets. A piece without a sample is
    /// `None`.
    pub fn joined(joined: &Buckets, pieces: &[(&Buckets, Option<Self>)], from: Tier, to: Tier) -> Option<Self> {
        let mut column = Self { buckets: vec![None; joined.numbers.len()], is_counter: true };
        let (mut at, mut any) = (0, false);
        for (buckets, piece) in pieces {
            let Some(piece) = piece else { continue };
            any = true;
            column.is_counter &= piece.is_counter;
            for (number, bucket) in buckets.numbers.iter().zip(&piece.buckets) {
                let Some(bucket) = bucket else { continue };
                let number = number.div_euclid(to.width() / from.width());
                while joined.numbers[at] < number {
                    at += 1;
                }
                match &mut column.buckets[at] {
                    Some(earlier) => earlier.add(bucket),
                    none => *none = Some(*bucket),
                }
            }
        }
        any.then_some(column)
    }
}
