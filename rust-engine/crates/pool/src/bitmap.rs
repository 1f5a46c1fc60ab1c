/// A set of page numbers: three levels of 64-bit words; a bit of an upper level says that the word below is not zero.
#[derive(Debug)]
pub(crate) struct Bitmap {
    levels: Vec<Vec<u64>>,
    count: u32,
}

impl Bitmap {
    pub fn empty(size: u32) -> Self {
        let mut levels = Vec::new();
        let mut words = size.div_ceil(64).max(1) as usize;
        loop {
            levels.push(vec![0; words]);
            if words == 1 {
                return Self { levels, count: 0 };
            }
            words = words.div_ceil(64);
        }
    }

    pub fn full(size: u32) -> Self {
        let mut bitmap = Self::empty(size);
        (0..size).for_each(|n| {
            bitmap.insert(n);
        });
        bitmap
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// False when it was in already.
    pub fn insert(&mut self, n: u32) -> bool {
        let mut at = n as usize;
        let bit = 1 << (at % 64);
        if self.levels[0][at / 64] & bit != 0 {
            return false;
        }
        for level in &mut self.levels {
            let word = &mut level[at / 64];
            let was_empty = *word == 0;
            *word |= 1 << (at % 64);
            if !was_empty {
                break;
            }
            at /= 64;
        }
        self.count += 1;
        true
    }

    /// False when it was not in.
    pub fn remove(&mut self, n: u32) -> bool {
        let mut at = n as usize;
        if self.levels[0][at / 64] & (1 << (at % 64)) == 0 {
            return false;
        }
        for level in &mut self.levels {
            let word = &mut level[at / 64];
            *word &= !(1 << (at % 64));
            if *word != 0 {
                break;
            }
            at /= 64;
        }
        self.count -= 1;
        true
    }

    /// Removes and returns the smallest number.
    pub fn take_first(&mut self) -> Option<u32> {
        let mut at = 0;
        for level in self.levels.iter().rev() {
            let word = level[at];
            if word == 0 {
                return None;
            }
            at = at * 64 + word.trailing_zeros() as usize;
        }
        self.remove(at as u32);
        Some(at as u32)
    }

    /// Empties the set, in ascending runs (first, length).
    pub fn drain_runs(&mut self, mut run: impl FnMut(u32, u32)) {
        let Some(mut first) = self.take_first() else { return };
        let mut length = 1;
        while let Some(next) = self.take_first() {
            if next != first + length {
                run(first, length);
                (first, length) = (next, 0);
            }
            length += 1;
        }
        run(first, length);
    }
}
