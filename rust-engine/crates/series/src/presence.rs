//! Which rows of a chunk have a sample: 0 u8 and a bitmap, a bit for each row; or how many runs u8 and their lengths as varints,
//! of rows without and with a sample in turn.

use crate::varint::{read_varint, write_varint};

/// Which rows have a sample.
#[derive(Clone, Copy, Debug)]
pub enum Presence<'a> {
    /// All of so many.
    All(usize),
    /// Those with a bit.
    Bits(&'a [u8]),
    /// Those in every other run.
    Runs(&'a [u8]),
}

impl<'a> Presence<'a> {
    /// Takes it from the front of some bytes; what follows.
    pub fn read(bytes: &'a [u8], rows: usize) -> (Self, &'a [u8]) {
        let (runs, rest) = (usize::from(bytes[0]), &bytes[1..]);
        if runs == 0 {
            let (bits, rest) = rest.split_at(rows.div_ceil(8));
            return (Self::Bits(bits), rest);
        }
        let mut at = 0;
        for _ in 0..runs {
            read_varint(rest, &mut at);
        }
        let (runs, rest) = rest.split_at(at);
        (Self::Runs(runs), rest)
    }

    /// Writes it for rows of which some have a sample.
    pub fn write(bytes: &mut Vec<u8>, present: impl Iterator<Item = bool> + Clone) {
        let (mut lengths, mut now) = (vec![0u64], false);
        let mut rows: usize = 0;
        for is_present in present.clone() {
            if is_present != now {
                now = is_present;
                lengths.push(0);
            }
            if let Some(last) = lengths.last_mut() {
                *last += 1;
            }
            rows += 1;
        }
        let mut runs = Vec::new();
        lengths.iter().for_each(|length| write_varint(&mut runs, *length));
        if runs.len() < rows.div_ceil(8) && lengths.len() <= usize::from(u8::MAX) {
            bytes.push(lengths.len() as u8);
            bytes.extend_from_slice(&runs);
            return;
        }
        bytes.push(0);
        let start = bytes.len();
        bytes.resize(start + rows.div_ceil(8), 0);
        for (row, _) in present.enumerate().filter(|(_, is_present)| *is_present) {
            bytes[start + row / 8] |= 1 << (row % 8);
        }
    }

    /// How many have one.
    pub fn count(&self) -> usize {
        match self {
            Self::All(rows) => *rows,
            Self::Bits(bits) => bits.iter().map(|byte| byte.count_ones() as usize).sum(),
            Self::Runs(_) => {
                let mut count = 0;
                self.each_run(|rows| {
                    count += rows.len();
                    true
                });
                count
            }
        }
    }

    /// True when a row has one.
    pub fn has(&self, row: usize) -> bool {
        match self {
            Self::All(rows) => row < *rows,
            Self::Bits(bits) => bits.get(row / 8).is_some_and(|byte| byte & (1 << (row % 8)) != 0),
            Self::Runs(_) => !self.each_run(|rows| !rows.contains(&row)),
        }
    }

    /// Calls with neighbouring rows that have one until that says false; false then.
    pub fn each_run(&self, mut run: impl FnMut(std::ops::Range<usize>) -> bool) -> bool {
        match self {
            Self::All(rows) => run(0..*rows),
            Self::Bits(bits) => (0..bits.len() * 8).all(|row| !self.has(row) || run(row..row + 1)),
            Self::Runs(runs) => {
                let (mut at, mut row) = (0, 0);
                while at < runs.len() {
                    row += read_varint(runs, &mut at) as usize;
                    let length = if at < runs.len() { read_varint(runs, &mut at) as usize } else { 0 };
                    if length > 0 && !run(row..row + length) {
                        return false;
                    }
                    row += length;
                }
                true
            }
        }
    }
}
