//! Samples that are whole numbers, or decimals with few places: most are. They are kept as whole numbers and the places.

use crate::packed::{Effort, pack, unpack};
use crate::varint::{read_varint, unzigzag, write_varint, zigzag};

/// Places that are tried.
pub const PLACES_MAX: u8 = 6;
const POWERS: [f64; PLACES_MAX as usize + 1] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
/// Below this whole numbers are exact in an f64.
const EXACT_BELOW: f64 = (1u64 << 53) as f64;
/// A list of changes this short is not compared with packed numbers.
const SHORT_BYTES: usize = 24;

/// Numbers with this many decimal places, without the point.
#[derive(Debug)]
pub struct Whole {
    pub places: u8,
    pub numbers: Vec<i64>,
}

impl Whole {
    /// None unless every sample comes back bit by bit.
    pub fn of(samples: &[u64]) -> Option<Self> {
        (0..=PLACES_MAX).find_map(|places| {
            let numbers: Option<Vec<i64>> = samples.iter().map(|bits| number(*bits, places)).collect();
            Some(Self { places, numbers: numbers? })
        })
    }

    /// The numbers in the fewer bytes; true when these are their changes.
    pub fn pack(&self, effort: Effort) -> (bool, Vec<u8>) {
        let changes = self.changes();
        if let Some(changes) = &changes
            && changes.len() <= SHORT_BYTES
        {
            return (true, changes.clone());
        }
        let packed = pack(&self.numbers, effort);
        match changes {
            Some(changes) if changes.len() <= packed.len() => (true, changes),
            _ => (false, packed),
        }
    }

    /// The first number, then how many rows on each change is and by how much. None where they change often.
    fn changes(&self) -> Option<Vec<u8>> {
        let changed = |pair: &[i64]| pair[0] != pair[1];
        let count = self.numbers.windows(2).filter(|pair| changed(pair)).count();
        if count > self.numbers.len() / 8 {
            return None;
        }
        let mut bytes = Vec::with_capacity(16 + count * 3);
        write_varint(&mut bytes, zigzag(self.numbers[0]));
        let mut last = 0;
        for (at, pair) in self.numbers.windows(2).enumerate().filter(|(_, pair)| changed(pair)) {
            write_varint(&mut bytes, (at - last) as u64);
            write_varint(&mut bytes, zigzag(pair[1] - pair[0]));
            last = at;
        }
        Some(bytes)
    }
}

fn number(bits: u64, places: u8) -> Option<i64> {
    let power = POWERS[usize::from(places)];
    let number = (f64::from_bits(bits) * power).round();
    (number.abs() < EXACT_BELOW && value(number as i64, places).to_bits() == bits).then_some(number as i64)
}

/// The sample of a whole number.
pub fn value(number: i64, places: u8) -> f64 {
    number as f64 / POWERS[usize::from(places)]
}

/// A figure of whole numbers as one of the samples.
pub fn scaled(figure: f64, places: u8) -> f64 {
    figure / POWERS[usize::from(places)]
}

/// So many samples as were packed.
pub fn unpack_whole(bytes: &[u8], places: u8, is_changes: bool, count: usize) -> Vec<f64> {
    if !is_changes {
        let numbers: Vec<i64> = unpack(bytes, count);
        let power = POWERS[usize::from(places)];
        return match places {
            0 => numbers.into_iter().map(|number| number as f64).collect(),
            _ => numbers.into_iter().map(|number| number as f64 / power).collect(),
        };
    }
    let mut at = 0;
    let mut number = unzigzag(read_varint(bytes, &mut at));
    let mut samples = Vec::with_capacity(count);
    samples.push(value(number, places));
    let mut until = 0;
    while at < bytes.len() {
        until += read_varint(bytes, &mut at) as usize;
        samples.resize(until + 1, value(number, places));
        number += unzigzag(read_varint(bytes, &mut at));
        samples.push(value(number, places));
    }
    samples.resize(count, value(number, places));
    samples
}
