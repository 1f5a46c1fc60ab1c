//! Lists of numbers in tiers, little-endian. Whole ones: kind u8, then 0 all the same: a varint · 1 few: varints of the first and
//! of each difference · 2 packed by pco · 3 each one more than the one before: a varint of the first; varints are zigzag. Fractions: kind u8, then 0 … 4: that many decimals, the whole
//! numbers that they make · 8 all the same: its 8 bytes · 9 f64 each · 10 packed by pco.

use crate::packed::{Effort, pack, unpack};
use crate::varint::{read_varint, unzigzag, write_varint, zigzag};

const SAME: u8 = 0;
const FEW: u8 = 1;
const PACKED: u8 = 2;
const NEXT: u8 = 3;
/// Below this many numbers the header of pco weighs more than it saves.
const PACKED_MIN: usize = 24;

const DECIMALS: [f64; 5] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0];
const SAME_FLOAT: u8 = 8;
const FLOATS: u8 = 9;
const PACKED_FLOATS: u8 = 10;
/// Below this the whole numbers of a float are all there.
const WHOLE_MAX: u64 = 1 << 53;

pub fn write_whole(bytes: &mut Vec<u8>, numbers: &[i64]) {
    let first = numbers.first().copied().unwrap_or_default();
    if numbers.iter().all(|number| *number == first) {
        bytes.push(SAME);
        write_varint(bytes, zigzag(first));
    } else if numbers.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1])) {
        bytes.push(NEXT);
        write_varint(bytes, zigzag(first));
    } else if numbers.len() < PACKED_MIN {
        bytes.push(FEW);
        let mut before = 0i64;
        for number in numbers {
            write_varint(bytes, zigzag(number.wrapping_sub(before)));
            before = *number;
        }
    } else {
        bytes.push(PACKED);
        bytes.extend_from_slice(&pack(numbers, Effort::Thorough));
    }
}

pub fn read_whole(bytes: &[u8], count: usize) -> Vec<i64> {
    let mut at = 1;
    match bytes[0] {
        SAME => vec![unzigzag(read_varint(bytes, &mut at)); count],
        NEXT => {
            let first = unzigzag(read_varint(bytes, &mut at));
            (first..).take(count).collect()
        }
        FEW => {
            let mut number = 0i64;
            let mut next = || {
                number = number.wrapping_add(unzigzag(read_varint(bytes, &mut at)));
                number
            };
            (0..count).map(|_| next()).collect()
        }
        _ => unpack(&bytes[1..], count),
    }
}

/// A list that is read back equal; with a tolerance (a part of each number) nearly so.
pub fn write_floats(bytes: &mut Vec<u8>, numbers: &[f64], tolerance: f64) {
    let first = numbers.first().copied().unwrap_or_default();
    if numbers.iter().all(|number| number.to_bits() == first.to_bits()) {
        bytes.push(SAME_FLOAT);
        bytes.extend_from_slice(&first.to_le_bytes());
    } else if let Some((decimals, whole)) = whole_of(numbers, tolerance) {
        bytes.push(decimals);
        write_whole(bytes, &whole);
    } else if numbers.len() < PACKED_MIN {
        bytes.push(FLOATS);
        numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
    } else {
        bytes.push(PACKED_FLOATS);
        bytes.extend_from_slice(&pack(numbers, Effort::Thorough));
    }
}

pub fn read_floats(bytes: &[u8], count: usize) -> Vec<f64> {
    let rest = &bytes[1..];
    match bytes[0] {
        SAME_FLOAT => vec![float_at(rest, 0); count],
        FLOATS => (0..count).map(|i| float_at(rest, i * 8)).collect(),
        PACKED_FLOATS => unpack(rest, count),
        0 => read_whole(rest, count).into_iter().map(|whole| whole as f64).collect(),
        decimals => {
            let by = DECIMALS[usize::from(decimals)];
            read_whole(rest, count).into_iter().map(|whole| whole as f64 / by).collect()
        }
    }
}

/// The fewest decimals with which all numbers are whole, and these.
fn whole_of(numbers: &[f64], tolerance: f64) -> Option<(u8, Vec<i64>)> {
    DECIMALS.iter().zip(0..).find_map(|(by, decimals)| {
        let whole = |number: &f64| {
            let whole = (number * by).round() as i64;
            let back = whole as f64 / by;
            let is_near = back.to_bits() == number.to_bits() || (back - number).abs() < number.abs() * tolerance;
            (whole.unsigned_abs() < WHOLE_MAX && is_near).then_some(whole)
        };
        numbers.iter().map(whole).collect::<Option<Vec<i64>>>().map(|whole| (decimals, whole))
    })
}

fn float_at(bytes: &[u8], at: usize) -> f64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    f64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn odd() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => (-500i32..500).prop_map(|n| f64::from(n) / 100.0),
            1 => any::<f64>(),
            1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300]),
        ]
    }

    proptest! {
        #[test]
        fn whole_lists_are_read_back(numbers in prop::collection::vec(prop_oneof![any::<i64>(), -9i64..9], 0..80)) {
            let mut bytes = Vec::new();
            write_whole(&mut bytes, &numbers);
            prop_assert_eq!(read_whole(&bytes, numbers.len()), numbers);
        }

        #[test]
        fn fractions_are_read_back_to_the_bit(numbers in prop::collection::vec(odd(), 0..60), decimal in any::<bool>()) {
            let numbers: Vec<f64> = if decimal { numbers.into_iter().filter(|n| n.abs() < 6.0).collect() } else { numbers };
            let mut bytes = Vec::new();
            write_floats(&mut bytes, &numbers, 0.0);
            let bits = |list: &[f64]| list.iter().map(|n| n.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&read_floats(&bytes, numbers.len())), bits(&numbers));
            let mut near = Vec::new();
            write_floats(&mut near, &numbers, 1e-12);
            for (found, wanted) in read_floats(&near, numbers.len()).iter().zip(&numbers) {
                prop_assert!(found.to_bits() == wanted.to_bits() || (found - wanted).abs() <= wanted.abs() * 1e-12);
            }
        }
    }
}
