/// Free pages that still hold old bytes and resident memory: one bit for each page. Written on every call and read whole
/// only when memory is given back, so that a level above would cost more than it saves.
#[derive(Debug)]
pub(crate) struct Stale {
    words: Vec<u64>,
    count: u32,
}

impl Stale {
    pub fn none(size: u32) -> Self {
        Self { words: vec![0; size.div_ceil(64) as usize], count: 0 }
    }

    #[inline]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Puts a page in that is not in.
    #[inline]
    pub fn insert(&mut self, n: u32) {
        self.words[n as usize / 64] |= 1 << (n % 64);
        self.count += 1;
    }

    /// Takes a page out that is in.
    #[inline]
    pub fn remove(&mut self, n: u32) {
        self.words[n as usize / 64] &= !(1 << (n % 64));
        self.count -= 1;
    }

    /// Empties the set, in ascending runs (first, length).
    pub fn drain_runs(&mut self, mut run: impl FnMut(u32, u32)) {
        self.count = 0;
        let (mut first, mut length) = (0, 0);
        for (at, word) in self.words.iter_mut().enumerate().filter(|(_, word)| **word != 0) {
            let mut bits = std::mem::take(word);
            while bits != 0 {
                let skipped = bits.trailing_zeros();
                let start = (at * 64) as u32 + skipped;
                let ones = (bits >> skipped).trailing_ones();
                bits &= u64::MAX.checked_shl(skipped + ones).unwrap_or(0);
                if length > 0 && start != first + length {
                    run(first, length);
                    length = 0;
                }
                if length == 0 {
                    first = start;
                }
                length += ones;
            }
        }
        if length > 0 {
            run(first, length);
        }
    }
}
