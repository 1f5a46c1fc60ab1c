//! Random changes to inputs, from a seed.

/// SplitMix64: small, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, 0 for 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.number().checked_rem(n as u64).unwrap_or(0) as usize
    }
}

/// Lengths, counts and their neighbours that decoders stumble over.
const FIGURES: [u64; 14] =
    [0, 1, 15, 16, 127, 128, 255, 256, 32_768, 65_535, 65_536, i32::MAX as u64, u32::MAX as u64, u64::MAX];

/// One of the inputs, changed in one to eight places.
pub fn mutate(inputs: &[Vec<u8>], words: &[&str], bytes_max: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = inputs.get(random.below(inputs.len())).cloned().unwrap_or_default();
    for _ in 0..=random.below(8) {
        change(&mut bytes, inputs, words, random);
    }
    bytes.truncate(bytes_max);
    bytes
}

fn change(bytes: &mut Vec<u8>, inputs: &[Vec<u8>], words: &[&str], random: &mut Random) {
    let at = random.below(bytes.len());
    let length = 1 + random.below(16.min(bytes.len() - at));
    match random.below(9) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << random.below(8),
        1 if !bytes.is_empty() => bytes[at] = random.number() as u8,
        2 => bytes.insert(at, random.number() as u8),
        3 => drop(bytes.drain(at..(at + length).min(bytes.len()))),
        4 => bytes.truncate(at),
        5 => {
            let figure = FIGURES[random.below(FIGURES.len())].to_le_bytes();
            let width = 1 << random.below(4);
            let end = (at + width).min(bytes.len());
            bytes[at..end].copy_from_slice(&figure[..end - at]);
        }
        6 if !words.is_empty() => drop(bytes.splice(at..at, words[random.below(words.len())].bytes())),
        7 => {
            let copied = bytes[at..(at + length).min(bytes.len())].to_vec();
            let to = random.below(bytes.len());
            bytes.splice(to..to, copied);
        }
        _ => {
            let Some(other) = inputs.get(random.below(inputs.len())) else { return };
            let from = random.below(other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}
