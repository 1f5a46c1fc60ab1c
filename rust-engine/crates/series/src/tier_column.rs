//! A column of a piece of a tier. 0 kind u8, bits: 1 not every row has a sample: a list of how many each bucket has · 2 all
//! samples are the same: its 8 bytes, the end · 4 the increase is known · 8 the samples grow: lists of sum, last and first ·
//! 16 one sample in each bucket: a list of them; else lists of sum, last, smallest and largest (NaN where all are NaN), and
//! with bit 4 of first and resets. A list is its length as varint and the numbers (see `tier_numbers`) of the buckets that have a sample.

use crate::summary::Summary;
use crate::tier::{Bucket, Buckets, Column};
use crate::tier_numbers::{read_floats, read_whole, write_floats, write_whole};
use crate::varint::{read_varint, write_varint};

const HOLES: u8 = 1;
const CONSTANT: u8 = 2;
const COUNTER: u8 = 4;
const GROWS: u8 = 8;
const SINGLE: u8 = 16;

/// Sums are kept with the decimals of the samples where that changes them by no more than adding up in another order does.
const SUM_TOLERANCE: f64 = 1e-12;

/// What a query needs of buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing but the number of samples.
    Count,
    Sum,
    Last,
    Min,
    Max,
    /// First, last and resets.
    Increase,
    All,
}

pub fn encode(buckets: &Buckets, column: &Column) -> Vec<u8> {
    let counts: Vec<i64> =
        column.buckets.iter().map(|bucket| bucket.map_or(0, |bucket| bucket.samples.count as i64)).collect();
    let some: Vec<Bucket> = column.buckets.iter().flatten().copied().collect();
    let holes = counts != buckets.rows;
    let first = some.first().map_or(f64::NAN, |bucket| bucket.samples.last);
    // Least and largest pass NaN by; the sum does not.
    let constant = some.iter().all(|bucket| {
        let Summary { min, max, last, sum, .. } = bucket.samples;
        min == first && max == first && last == first && !sum.is_nan()
    });
    let single = some.iter().all(|bucket| bucket.samples.count == 1);
    let grows = column.is_counter
        && some.iter().all(|bucket| {
            bucket.resets == 0.0 && bucket.first == bucket.samples.min && bucket.samples.last == bucket.samples.max
        });
    let shape = match (constant, single, grows) {
        (true, ..) => CONSTANT,
        (_, true, _) => SINGLE,
        (.., true) => GROWS,
        _ => 0,
    };
    let bits = shape | if holes { HOLES } else { 0 } | if column.is_counter { COUNTER } else { 0 };
    let mut bytes = vec![bits];
    if holes {
        write_list(&mut bytes, |list| write_whole(list, &counts));
    }
    let mut floats = |of: &dyn Fn(&Bucket) -> f64, tolerance: f64| {
        let numbers: Vec<f64> = some.iter().map(of).collect();
        write_list(&mut bytes, |list| write_floats(list, &numbers, tolerance));
    };
    if shape == CONSTANT {
        bytes.extend_from_slice(&first.to_le_bytes());
        return bytes;
    }
    if shape != SINGLE {
        floats(&|bucket| bucket.samples.sum, SUM_TOLERANCE);
    }
    floats(&|bucket| bucket.samples.last, 0.0);
    if shape == 0 {
        let or_nan =
            |bucket: &Bucket, bound: f64| if bucket.samples.min > bucket.samples.max { f64::NAN } else { bound };
        floats(&|bucket| or_nan(bucket, bucket.samples.min), 0.0);
        floats(&|bucket| or_nan(bucket, bucket.samples.max), 0.0);
    }
    if shape == GROWS || (shape == 0 && column.is_counter) {
        floats(&|bucket| bucket.first, 0.0);
    }
    if shape == 0 && column.is_counter {
        floats(&|bucket| bucket.resets, 0.0);
    }
    bytes
}

fn write_list(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut list = Vec::new();
    write(&mut list);
    write_varint(bytes, list.len() as u64);
    bytes.extend_from_slice(&list);
}

/// Whether the increase of each bucket is known.
pub fn is_counter(bytes: &[u8]) -> bool {
    bytes[0] & COUNTER != 0
}

fn counts<'a>(bytes: &[u8], buckets: &'a Buckets, at: &mut usize) -> std::borrow::Cow<'a, [i64]> {
    if bytes[0] & HOLES == 0 {
        return (&buckets.rows).into();
    }
    read_whole(next_list(bytes, at), buckets.rows.len()).into()
}

fn next_list<'a>(bytes: &'a [u8], at: &mut usize) -> &'a [u8] {
    let length = read_varint(bytes, at) as usize;
    *at += length;
    &bytes[*at - length..*at]
}

/// Calls with (position, bucket) of each bucket in a part of them that has a sample; what is not needed may be anything.
pub fn each(
    bytes: &[u8],
    buckets: &Buckets,
    part: std::ops::Range<usize>,
    need: Need,
    mut call: impl FnMut(usize, &Bucket),
) {
    let bits = bytes[0];
    let mut at = 1;
    let counts = counts(bytes, buckets, &mut at);
    let some = counts.iter().filter(|count| **count > 0).count();
    let skipped = counts[..part.start].iter().filter(|count| **count > 0).count();
    let known = part.clone().zip(&counts[part]).filter(|(_, count)| **count > 0);
    if bits & CONSTANT != 0 {
        let mut value = [0; 8];
        value.copy_from_slice(&bytes[at..at + 8]);
        let value = f64::from_le_bytes(value);
        for (i, count) in known {
            let mut bucket = Bucket::one(value);
            bucket.samples.sum = if *count == 1 { value } else { value * *count as f64 };
            bucket.samples.count = *count as u64;
            call(i, &bucket);
        }
        return;
    }
    let mut floats = |wanted: bool| {
        let list = next_list(bytes, &mut at);
        if wanted { read_floats(list, some) } else { Vec::new() }
    };
    let all = need == Need::All;
    if bits & SINGLE != 0 {
        let samples = floats(need != Need::Count);
        for (n, (i, _)) in known.enumerate() {
            call(i, &Bucket::one(at_or_nan(&samples, skipped + n)));
        }
        return;
    }
    let grows = bits & GROWS != 0;
    let counter = bits & COUNTER != 0;
    let sum = floats(all || need == Need::Sum);
    let last = floats(all || matches!(need, Need::Last | Need::Increase) || (grows && need == Need::Max));
    let (min, max) = if grows {
        (Vec::new(), Vec::new())
    } else {
        (floats(all || need == Need::Min), floats(all || need == Need::Max))
    };
    let first =
        if counter { floats(all || need == Need::Increase || (grows && need == Need::Min)) } else { Vec::new() };
    let resets = if counter && !grows { floats(all || need == Need::Increase) } else { Vec::new() };
    let (min, max) = if grows { (&first, &last) } else { (&min, &max) };
    for (n, (i, count)) in known.enumerate() {
        let n = skipped + n;
        let (min, max) = bounds(need, at_or_nan(min, n), at_or_nan(max, n));
        let samples = Summary { min, max, sum: at_or_nan(&sum, n), last: at_or_nan(&last, n), count: *count as u64 };
        // Without the increase nothing is made of first and resets.
        let resets = if grows { 0.0 } else { at_or_nan(&resets, n) };
        call(i, &Bucket { samples, first: at_or_nan(&first, n), resets });
    }
}

/// Smallest and largest of a bucket of which one or both are known. NaN says that there is none: all its samples are NaN.
#[inline]
fn bounds(need: Need, min: f64, max: f64) -> (f64, f64) {
    match need {
        Need::Min if !min.is_nan() => (min, f64::INFINITY),
        Need::Max if !max.is_nan() => (f64::NEG_INFINITY, max),
        Need::All if !min.is_nan() => (min, max),
        _ => (f64::INFINITY, f64::NEG_INFINITY),
    }
}

#[inline]
fn at_or_nan(numbers: &[f64], i: usize) -> f64 {
    numbers.get(i).copied().unwrap_or(f64::NAN)
}

/// The whole column.
pub fn decode(bytes: &[u8], buckets: &Buckets) -> Column {
    let mut column = Column { buckets: vec![None; buckets.rows.len()], is_counter: is_counter(bytes) };
    each(bytes, buckets, 0..buckets.rows.len(), Need::All, |i, bucket| column.buckets[i] = Some(*bucket));
    column
}
