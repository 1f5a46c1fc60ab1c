//! Value chunks, little-endian: 0 kind u8 · 1 rows u8, by 128, or 0 and rows u16 · where not every row has a sample, which (see
//! `presence`) · where all samples are the same, it; else the summary (see `summary`), if it can be told, and the samples.
//! Whole numbers and decimals (see `whole`) are kept as whole numbers, their summary too, others as f64.

use crate::head::{ABSENT, SEALED_ROWS};
use crate::packed::{Effort, pack, unpack};
use crate::presence::Presence;
use crate::summary::Summary;
use crate::varint::{read_varint, unzigzag, write_varint, zigzag};
use crate::whole::{Whole, scaled, unpack_whole, value};
use crate::{STALE_BITS, times::i64_at};

/// Bits of a chunk's kind; above them the decimal places.
const HOLES: u8 = 1;
const CONSTANT: u8 = 2;
const SUMMED: u8 = 4;
const WHOLE: u8 = 8;
const CHANGES: u8 = 16;
const PLACES_SHIFT: u8 = 5;

/// A value chunk, taken apart.
pub struct Values<'a> {
    kind: u8,
    presence: Presence<'a>,
    body: &'a [u8],
}

impl<'a> Values<'a> {
    pub fn of(chunk: &'a [u8]) -> Self {
        let kind = chunk[0];
        let (rows, rest) = match chunk[1] {
            0 => (usize::from(u16::from_le_bytes([chunk[2], chunk[3]])), &chunk[4..]),
            many => (usize::from(many) * SEALED_ROWS, &chunk[2..]),
        };
        let (presence, body) = if kind & HOLES == 0 { (Presence::All(rows), rest) } else { Presence::read(rest, rows) };
        Self { kind, presence, body }
    }

    /// Samples in the chunk.
    pub fn count(&self) -> usize {
        self.presence.count()
    }

    /// True when a row has a sample.
    pub fn has(&self, row: usize) -> bool {
        self.presence.has(row)
    }

    /// None when there is a stale marker among the samples.
    pub fn summary(&self) -> Option<Summary> {
        let count = self.count();
        if let Some(value) = self.constant() {
            let sum = value * count as f64;
            let usual = value.to_bits() != STALE_BITS;
            return usual.then(|| Summary { sum, count: count as u64, ..Summary::one(value) });
        }
        if self.kind & SUMMED == 0 {
            return None;
        }
        let (summary, _) = Summary::read(self.body, count);
        let places = self.kind >> PLACES_SHIFT;
        let Summary { min, max, sum, last, count } = summary;
        let [min, max, sum, last] = [min, max, sum, last].map(|figure| scaled(figure, places));
        Some(Summary { min, max, sum, last, count })
    }

    /// Calls with (row, bits) of each sample until that says false; false then.
    pub fn each(&self, mut sample: impl FnMut(usize, u64) -> bool) -> bool {
        if let Some(value) = self.constant() {
            return self.presence.each_run(|mut rows| rows.all(|row| sample(row, value.to_bits())));
        }
        let samples = self.samples();
        let mut rest = samples.as_slice();
        self.presence.each_run(|rows| {
            let (run, after) = rest.split_at(rows.len());
            rest = after;
            rows.zip(run).all(|(row, value)| sample(row, value.to_bits()))
        })
    }

    /// The sample of all rows that have one.
    fn constant(&self) -> Option<f64> {
        if self.kind & CONSTANT == 0 {
            return None;
        }
        if self.kind & WHOLE == 0 {
            return Some(f64::from_bits(i64_at(self.body, 0) as u64));
        }
        Some(value(unzigzag(read_varint(self.body, &mut 0)), self.kind >> PLACES_SHIFT))
    }

    fn samples(&self) -> Vec<f64> {
        let count = self.count();
        let packed = match self.kind & SUMMED {
            0 => self.body,
            _ => &self.body[Summary::read(self.body, count).1..],
        };
        match self.kind & WHOLE {
            0 => unpack(packed, count),
            _ => unpack_whole(packed, self.kind >> PLACES_SHIFT, self.kind & CHANGES != 0, count),
        }
    }
}

/// None when there is no sample at all.
pub fn encode(cells: &[u64], effort: Effort) -> Option<Vec<u8>> {
    let samples: Vec<u64> = cells.iter().copied().filter(|bits| *bits != ABSENT).collect();
    let first = *samples.first()?;
    let holes = samples.len() < cells.len();
    let constant = samples.iter().all(|bits| *bits == first);
    let whole = Whole::of(if constant { &samples[..1] } else { &samples });
    let mut kind = if holes { HOLES } else { 0 } | if constant { CONSTANT } else { 0 };
    kind |= whole.as_ref().map_or(0, |whole| WHOLE | whole.places << PLACES_SHIFT);
    let mut chunk = vec![kind];
    write_rows(&mut chunk, cells.len());
    if holes {
        Presence::write(&mut chunk, cells.iter().map(|bits| *bits != ABSENT));
    }
    match (constant, whole) {
        (true, Some(whole)) => write_varint(&mut chunk, zigzag(whole.numbers[0])),
        (true, None) => chunk.extend_from_slice(&first.to_le_bytes()),
        (false, Some(whole)) => {
            let (is_changes, packed) = whole.pack(effort);
            write_summary(&mut chunk, whole.numbers.iter().map(|number| (*number as f64).to_bits()));
            chunk[0] |= if is_changes { CHANGES } else { 0 };
            chunk.extend_from_slice(&packed);
        }
        (false, None) => {
            write_summary(&mut chunk, samples.iter().copied());
            let values: Vec<f64> = samples.into_iter().map(f64::from_bits).collect();
            chunk.extend_from_slice(&pack(&values, effort));
        }
    }
    Some(chunk)
}

fn write_rows(chunk: &mut Vec<u8>, rows: usize) {
    match u8::try_from(rows / SEALED_ROWS) {
        Ok(many) if many > 0 && rows.is_multiple_of(SEALED_ROWS) => chunk.push(many),
        _ => {
            chunk.push(0);
            chunk.extend_from_slice(&(rows as u16).to_le_bytes());
        }
    }
}

fn write_summary(chunk: &mut Vec<u8>, samples: impl Iterator<Item = u64>) {
    if let Some(summary) = Summary::of(samples) {
        chunk[0] |= SUMMED;
        summary.write(chunk);
    }
}
