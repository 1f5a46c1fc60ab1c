/// A set of page numbers: levels of 64-bit words; a bit of an upper level says that the word below is not zero.
#[derive(Debug)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
    /// The levels above, from below.
    above: Vec<Vec<u64>>,
    /// No word before this one has a number in it.
    first: usize,
}

impl Bitmap {
    /// All numbers below `size`.
    pub fn full(size: u32) -> Self {
        let words = full_words(size as usize);
        let mut above = Vec::new();
        let mut below = words.len();
        while below > 1 {
            let level = full_words(below);
            below = level.len();
            above.push(level);
        }
        Self { words, above, first: 0 }
    }

    /// Puts a number in that is not in.
    #[inline]
    pub fn insert(&mut self, n: u32) {
        let at = n as usize / 64;
        let word = &mut self.words[at];
        let was_empty = *word == 0;
        debug_assert!(*word & bit(n as usize) == 0, "{n} is in already");
        *word |= bit(n as usize);
        self.first = self.first.min(at);
        if was_empty {
            self.mark(at);
        }
    }

    /// Removes and returns the smallest number.
    #[inline]
    pub fn take_first(&mut self) -> Option<u32> {
        let mut at = self.first;
        if self.words[at] == 0 {
            at = self.lowest_word()?;
            self.first = at;
        }
        let word = self.words[at];
        self.words[at] = word & (word - 1);
        if word.is_power_of_two() {
            self.unmark(at);
        }
        Some((at * 64) as u32 + word.trailing_zeros())
    }

    /// The first word with a number in it.
    #[cold]
    fn lowest_word(&self) -> Option<usize> {
        let down = |at: usize, level: &Vec<u64>| match level[at] {
            0 => None,
            word => Some(at * 64 + word.trailing_zeros() as usize),
        };
        self.above.iter().rev().try_fold(0, down).filter(|at| self.words[*at] != 0)
    }

    #[cold]
    fn mark(&mut self, mut at: usize) {
        for level in &mut self.above {
            let word = &mut level[at / 64];
            let was_empty = *word == 0;
            *word |= bit(at);
            if !was_empty {
                return;
            }
            at /= 64;
        }
    }

    #[cold]
    fn unmark(&mut self, mut at: usize) {
        for level in &mut self.above {
            let word = &mut level[at / 64];
            *word &= !bit(at);
            if *word != 0 {
                return;
            }
            at /= 64;
        }
    }
}

#[inline]
fn bit(at: usize) -> u64 {
    1 << (at % 64)
}

/// Words with the first `size` bits set; at least one.
fn full_words(size: usize) -> Vec<u64> {
    let mut words = vec![u64::MAX; size.div_ceil(64).max(1)];
    if let Some(last) = words.last_mut()
        && !size.is_multiple_of(64)
    {
        *last = bit(size) - 1;
    }
    words
}
