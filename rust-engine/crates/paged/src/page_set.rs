use crate::PageNo;

/// A set of page numbers: one bit for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageSet {
    words: Vec<u64>,
    count: u32,
}

impl PageSet {
    /// Adds a number.
    pub fn insert(&mut self, n: PageNo) {
        let (word, bit) = place(n);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.count += u32::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
    }

    /// Takes a number out; false when it was not in.
    pub fn remove(&mut self, n: PageNo) -> bool {
        let (word, bit) = place(n);
        let Some(word) = self.words.get_mut(word).filter(|word| **word & bit != 0) else { return false };
        *word &= !bit;
        self.count -= 1;
        true
    }

    /// Adds the numbers of another set.
    pub fn extend(&mut self, other: &Self) {
        other.iter().for_each(|n| self.insert(n));
    }

    /// How many numbers are in.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The smallest number that is not below `from`.
    pub fn next_from(&self, from: PageNo) -> Option<PageNo> {
        let (mut at, bit) = place(from);
        let mut word = self.words.get(at)? & !(bit - 1);
        while word == 0 {
            at += 1;
            word = *self.words.get(at)?;
        }
        Some((at * 64) as u32 + word.trailing_zeros())
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = PageNo> + '_ {
        let mut next = self.next_from(0);
        std::iter::from_fn(move || {
            let n = next?;
            next = n.checked_add(1).and_then(|from| self.next_from(from));
            Some(n)
        })
    }
}

impl FromIterator<PageNo> for PageSet {
    fn from_iter<I: IntoIterator<Item = PageNo>>(numbers: I) -> Self {
        let mut set = Self::default();
        numbers.into_iter().for_each(|n| set.insert(n));
        set
    }
}

fn place(n: PageNo) -> (usize, u64) {
    (n as usize / 64, 1 << (n % 64))
}

#[cfg(test)]
mod tests {
    use super::PageSet;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn set_equals_model(steps in prop::collection::vec((any::<bool>(), 0u32..400), 0..300), from in 0u32..500) {
            let (mut set, mut model) = (PageSet::default(), BTreeSet::new());
            for (add, n) in steps {
                if add {
                    set.insert(n);
                    model.insert(n);
                } else {
                    prop_assert_eq!(set.remove(n), model.remove(&n));
                }
            }
            prop_assert_eq!(set.count() as usize, model.len());
            prop_assert_eq!(set.next_from(from), model.range(from..).next().copied());
            prop_assert!(set.iter().eq(model.iter().copied()));
        }
    }
}
