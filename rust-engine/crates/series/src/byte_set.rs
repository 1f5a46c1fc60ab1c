//! Sets of numbers below 256: columns of a group, groups of a block.

/// A number below 256 is in it or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteSet([u64; 4]);

const BITMAP_BYTES: usize = 32;
/// Kinds of the compact form by its first byte: a bitmap, so many runs, so many single numbers (more than `RUNS_MAX`).
const BITMAP: u8 = 0;
const RUNS_MAX: usize = 127;

impl ByteSet {
    /// The numbers below `end`.
    pub fn below(end: usize) -> Self {
        let mut set = Self::default();
        (0..end).for_each(|n| set.insert(n as u8));
        set
    }

    /// A set from its bits, the lowest first; those that are missing are none.
    pub fn of_bits(bits: &[u8]) -> Self {
        let mut words = [0u64; 4];
        for (i, byte) in bits.iter().take(BITMAP_BYTES).enumerate() {
            words[i / 8] |= u64::from(*byte) << (i % 8 * 8);
        }
        Self(words)
    }

    pub fn insert(&mut self, n: u8) {
        self.0[usize::from(n / 64)] |= 1 << (n % 64);
    }

    pub fn remove(&mut self, n: u8) {
        self.0[usize::from(n / 64)] &= !(1 << (n % 64));
    }

    pub fn contains(self, n: u8) -> bool {
        self.0[usize::from(n / 64)] & (1 << (n % 64)) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == [0; 4]
    }

    pub fn count(self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    pub fn and_not(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & !other.0[i]))
    }

    pub fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    /// The numbers in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        self.0.into_iter().enumerate().flat_map(|(i, mut word)| {
            std::iter::from_fn(move || {
                let bit = (word != 0).then(|| word.trailing_zeros())?;
                word &= word - 1;
                Some((i * 64) as u8 + bit as u8)
            })
        })
    }

    /// Appends the shortest of three forms that tell their own end; the set must not be empty.
    pub fn write(self, bytes: &mut Vec<u8>) {
        let count = self.count();
        let runs = self.runs();
        let (singles, in_runs) = (count, runs.len() * 2);
        if singles.min(in_runs) > BITMAP_BYTES {
            bytes.push(BITMAP);
            self.0.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        } else if in_runs <= singles {
            bytes.push(runs.len() as u8);
            runs.into_iter().for_each(|(first, last)| bytes.extend_from_slice(&[first, last]));
        } else {
            bytes.push((RUNS_MAX + count) as u8);
            bytes.extend(self.iter());
        }
    }

    /// Reads what `write` wrote at `at`, which moves behind it.
    pub fn read(bytes: &[u8], at: &mut usize) -> Self {
        let kind = bytes[*at];
        let start = *at + 1;
        let mut set = Self::default();
        *at = start
            + match usize::from(kind) {
                0 => BITMAP_BYTES,
                runs @ 1..=RUNS_MAX => runs * 2,
                singles => singles - RUNS_MAX,
            };
        let taken = &bytes[start..*at];
        match usize::from(kind) {
            0 => return Self::of_bits(taken),
            1..=RUNS_MAX => taken.as_chunks().0.iter().for_each(|[first, last]| set.insert_run(*first, *last)),
            _ => taken.iter().for_each(|n| set.insert(*n)),
        }
        set
    }

    /// A form that never grows when a number is removed: up to 31 single numbers, or a bitmap.
    pub fn to_shrinking(self) -> Vec<u8> {
        if self.count() < BITMAP_BYTES {
            self.iter().collect()
        } else {
            self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
        }
    }

    /// The set of `to_shrinking`.
    pub fn of_shrinking(bytes: &[u8]) -> Self {
        if bytes.len() == BITMAP_BYTES {
            return Self::of_bits(bytes);
        }
        let mut set = Self::default();
        bytes.iter().for_each(|n| set.insert(*n));
        set
    }

    fn insert_run(&mut self, first: u8, last: u8) {
        (first..=last).for_each(|n| self.insert(n));
    }

    fn runs(self) -> Vec<(u8, u8)> {
        let mut runs: Vec<(u8, u8)> = Vec::new();
        for n in self.iter() {
            match runs.last_mut() {
                Some((_, last)) if u16::from(*last) + 1 == u16::from(n) => *last = n,
                _ => runs.push((n, n)),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::ByteSet;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn numbers() -> impl Strategy<Value = BTreeSet<u8>> {
        let single = prop::collection::btree_set(any::<u8>(), 1..200);
        let run = (any::<u8>(), any::<u8>()).prop_map(|(a, b)| (a.min(b)..=a.max(b)).collect());
        let sparse = (1usize..9).prop_map(|step| (0..=255).step_by(step).collect());
        prop_oneof![single, run, sparse]
    }

    proptest! {
        #[test]
        fn both_forms_read_back(numbers in numbers(), other in numbers()) {
            let mut set = ByteSet::default();
            numbers.iter().for_each(|n| set.insert(*n));
            let mut bytes = vec![7];
            set.write(&mut bytes);
            prop_assert!(bytes.len() <= 34);
            let mut at = 1;
            prop_assert_eq!(ByteSet::read(&bytes, &mut at), set);
            prop_assert_eq!(at, bytes.len());
            prop_assert!(set.iter().eq(numbers.iter().copied()));
            let mut shrinking = set.to_shrinking();
            prop_assert_eq!(ByteSet::of_shrinking(&shrinking), set);
            for n in other {
                set.remove(n);
                let smaller = set.to_shrinking();
                prop_assert!(smaller.len() <= shrinking.len());
                prop_assert_eq!(ByteSet::of_shrinking(&smaller), set);
                shrinking = smaller;
            }
        }
    }
}
