//! What is known of the samples of a chunk without unpacking them. Where all are whole numbers below 2^40, as counters are:
//! 0 kind u8 (1) · smallest as zigzag varint · largest and last less the smallest, and sum less count × smallest, as varints.
//! Else: 0 kind u8 (0) · smallest, largest, sum and last, f64 each.

use crate::STALE_BITS;
use crate::varint::{read_varint, unzigzag, write_varint, zigzag};

const FLOATS: u8 = 0;
const WHOLE: u8 = 1;
const WHOLE_BELOW: f64 = (1u64 << 40) as f64;

/// Figures of some samples in the order of their times, none of which is a stale marker.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Infinite when all are NaN.
    pub min: f64,
    pub max: f64,
    pub sum: f64,
    pub last: f64,
    pub count: u64,
}

impl Summary {
    /// Of one sample.
    pub fn one(value: f64) -> Self {
        let (min, max) = (f64::INFINITY.min(value), f64::NEG_INFINITY.max(value));
        Self { min, max, sum: value, last: value, count: 1 }
    }

    /// Adds what follows in time.
    pub fn add(&mut self, later: &Self) {
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.sum += later.sum;
        self.last = later.last;
        self.count += later.count;
    }

    /// None for no samples, and when there is a stale marker among them.
    pub fn of(mut samples: impl Iterator<Item = u64>) -> Option<Self> {
        let usual = |bits: u64| (bits != STALE_BITS).then_some(Self::one(f64::from_bits(bits)));
        let mut summary = usual(samples.next()?)?;
        for bits in samples {
            summary.add(&usual(bits)?);
        }
        Some(summary)
    }

    pub fn write(&self, bytes: &mut Vec<u8>) {
        // The sum of so few whole numbers is exact. -0 and NaN are no whole numbers here.
        let figures = [self.min, self.max, self.sum, self.last];
        let whole =
            |value: &f64| value.fract() == 0.0 && value.abs() < WHOLE_BELOW && value.to_bits() != (-0.0f64).to_bits();
        let count = self.count as i64;
        let below = [self.min, self.max, self.last].iter().all(whole)
            && self.sum.fract() == 0.0
            && self.sum.abs() < WHOLE_BELOW * 8192.0;
        let offsets = || {
            let [min, max, sum, last] = figures.map(|figure| figure as i64);
            let offsets = [max - min, last - min, sum - count * min];
            offsets.iter().all(|offset| *offset >= 0).then_some((min, offsets))
        };
        let Some((min, offsets)) = below.then(offsets).flatten() else {
            bytes.push(FLOATS);
            figures.iter().for_each(|figure| bytes.extend_from_slice(&figure.to_le_bytes()));
            return;
        };
        bytes.push(WHOLE);
        write_varint(bytes, zigzag(min));
        offsets.iter().for_each(|offset| write_varint(bytes, *offset as u64));
    }

    /// The summary at the front of some bytes, and how many it takes.
    pub fn read(bytes: &[u8], count: usize) -> (Self, usize) {
        let mut at = 1;
        let [min, max, sum, last] = if bytes[0] == WHOLE {
            let mut next = || read_varint(bytes, &mut at);
            let min = unzigzag(next());
            let [max, last, sum] = [next(), next(), next()].map(|offset| offset as i64);
            [min, min + max, sum + count as i64 * min, min + last].map(|figure| figure as f64)
        } else {
            let mut next = || {
                let mut word = [0; 8];
                word.copy_from_slice(&bytes[at..at + 8]);
                at += 8;
                f64::from_le_bytes(word)
            };
            [next(), next(), next(), next()]
        };
        (Self { min, max, sum, last, count: count as u64 }, at)
    }
}
