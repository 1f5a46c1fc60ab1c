use crate::{Malformed, Reader, SeriesId};

/// Format version written and read.
const VERSION: u8 = 1;
const DENSE: u8 = 0;
const LISTED: u8 = 1;
/// Timestamps of a block.
const ROWS_MAX: usize = 65_536;
/// Series of a block.
const SERIES_MAX: usize = 1 << 20;
/// Samples of a block.
const SAMPLES_MAX: usize = 1 << 24;
const HEADER_BYTES: usize = 16;
/// The last millisecond of the year 9999.
pub(crate) const TIME_MAX: i64 = 253_402_300_799_999;

/// A checked column block. Columns are the series in the order of their ids.
#[derive(Clone, Debug)]
pub struct Block<'a> {
    times: &'a [u8],
    ids: &'a [u8],
    samples: &'a [u8],
    listed: bool,
}

impl<'a> Block<'a> {
    /// Checks the whole block: what is read from it later is in range.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8("version")?;
        if version != VERSION {
            return Err(Malformed::new("version", format!("{version}, {VERSION} is known")));
        }
        let layout = reader.u8("layout")?;
        if layout != DENSE && layout != LISTED {
            return Err(Malformed::new("layout", format!("{layout} is unknown")));
        }
        if reader.u16("reserved")? != 0 {
            return Err(Malformed::new("reserved", "not 0"));
        }
        let rows = bounded("rows", reader.u32("rows")?, ROWS_MAX)?;
        let series = bounded("series", reader.u32("series")?, SERIES_MAX)?;
        let samples = bounded("samples", reader.u32("samples")?, SAMPLES_MAX)?;
        let block = Self {
            times: reader.take("timestamps", rows * 8)?,
            ids: reader.take("ids", series * 16)?,
            samples: reader.take("samples", samples * if layout == LISTED { 16 } else { 8 })?,
            listed: layout == LISTED,
        };
        if reader.left() != 0 {
            return Err(Malformed::new("block", format!("{} bytes after its end", reader.left())));
        }
        if !block.listed && rows.checked_mul(series) != Some(samples) {
            return Err(Malformed::new("samples", format!("{samples} in a dense block of {rows} × {series}")));
        }
        block.check_times()?;
        block.check_places()?;
        Ok(block)
    }

    /// Number of timestamps.
    pub fn rows(&self) -> usize {
        self.times.len() / 8
    }

    /// Number of series.
    pub fn series(&self) -> usize {
        self.ids.len() / 16
    }

    /// Timestamp of a row in ms.
    pub fn time(&self, row: usize) -> i64 {
        i64::from_le_bytes(fixed(self.times, row))
    }

    /// Id of a column.
    pub fn id(&self, column: usize) -> SeriesId {
        SeriesId::from_le_bytes(fixed(self.ids, column))
    }

    /// The ids as they lie in the block (little-endian).
    pub fn id_bytes(&self) -> &'a [u8] {
        self.ids
    }

    /// The f64 bits of a row of a dense block, a column after the other (little-endian); none in a listed one.
    pub fn dense_row(&self, row: usize) -> Option<&'a [u8]> {
        let bytes = self.series() * 8;
        (!self.listed).then(|| &self.samples[row * bytes..(row + 1) * bytes])
    }

    /// Calls with (row, column, value) for every sample, rows ascending in a dense block.
    pub fn each(&self, mut sample: impl FnMut(usize, usize, f64)) {
        if self.listed {
            for entry in 0..self.samples.len() / 16 {
                let bytes: [u8; 16] = fixed(self.samples, entry);
                let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
                sample(word(0) as usize, word(4) as usize, f64::from_le_bytes(fixed(&bytes, 1)));
            }
            return;
        }
        let columns = self.series();
        for at in 0..self.samples.len() / 8 {
            sample(at / columns, at % columns, f64::from_le_bytes(fixed(self.samples, at)));
        }
    }

    /// Number of samples.
    pub fn count(&self) -> usize {
        self.samples.len() / if self.listed { 16 } else { 8 }
    }

    fn check_times(&self) -> Result<(), Malformed> {
        let mut last = -1;
        for row in 0..self.rows() {
            let time = self.time(row);
            if time <= last || time > TIME_MAX {
                return Err(Malformed::new("timestamps", format!("{time} after {last}")));
            }
            last = time;
        }
        Ok(())
    }

    fn check_places(&self) -> Result<(), Malformed> {
        if !self.listed {
            return Ok(());
        }
        let (rows, series) = (self.rows(), self.series());
        let mut outside = None;
        self.each(|row, column, _| {
            if row >= rows || column >= series {
                outside = Some((row, column));
            }
        });
        match outside {
            Some((row, column)) => {
                Err(Malformed::new("samples", format!("place {row}, {column} of {rows} × {series}")))
            }
            None => Ok(()),
        }
    }
}

/// A column block and what is in it.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The block.
    pub block: Vec<u8>,
    /// Number of its samples.
    pub samples: usize,
    /// Its last timestamp.
    pub latest_ms: i64,
}

/// Encodes samples (time, column, value) of the series with these ids. A repeated place keeps its first value. More
/// timestamps than a block may have, or more than `bytes_max`, make several blocks, one after the other in time, each with
/// all ids.
pub fn encode_blocks(ids: &[SeriesId], mut samples: Vec<(i64, u32, f64)>, bytes_max: usize) -> Vec<Encoded> {
    samples.sort_by_key(|(time, column, _)| (*time, *column));
    samples.dedup_by_key(|(time, column, _)| (*time, *column));
    let rows: Vec<&[(i64, u32, f64)]> = samples.chunk_by(|(a, ..), (b, ..)| a == b).collect();
    let mut blocks = Vec::new();
    let mut rest = rows.as_slice();
    while !rest.is_empty() {
        let mut bytes = HEADER_BYTES + ids.len() * 16;
        let fitting = rest.iter().take(ROWS_MAX).take_while(|row| {
            bytes += 8 + row.len() * 16;
            bytes <= bytes_max
        });
        let (part, later) = rest.split_at(fitting.count().max(1));
        rest = later;
        let times: Vec<i64> = part.iter().map(|row| row[0].0).collect();
        let latest_ms = times[times.len() - 1];
        let samples = part.concat();
        blocks.push(Encoded { block: encode_block(ids, &times, &samples), samples: samples.len(), latest_ms });
    }
    blocks
}

/// Encodes samples in the order of time and column, of which `times` are the timestamps.
fn encode_block(ids: &[SeriesId], times: &[i64], samples: &[(i64, u32, f64)]) -> Vec<u8> {
    let dense = samples.len() == times.len() * ids.len();
    let mut block = Vec::with_capacity(16 + times.len() * 8 + ids.len() * 16 + samples.len() * 16);
    block.extend_from_slice(&[VERSION, if dense { DENSE } else { LISTED }, 0, 0]);
    for figure in [times.len(), ids.len(), samples.len()] {
        block.extend_from_slice(&(figure as u32).to_le_bytes());
    }
    times.iter().for_each(|time| block.extend_from_slice(&time.to_le_bytes()));
    ids.iter().for_each(|id| block.extend_from_slice(&id.to_le_bytes()));
    let mut row = 0;
    for (time, column, value) in samples {
        if !dense {
            while times[row] != *time {
                row += 1;
            }
            block.extend_from_slice(&(row as u32).to_le_bytes());
            block.extend_from_slice(&column.to_le_bytes());
        }
        block.extend_from_slice(&value.to_bits().to_le_bytes());
    }
    block
}

fn bounded(field: &'static str, figure: u32, max: usize) -> Result<usize, Malformed> {
    let figure = figure as usize;
    if figure == 0 || figure > max {
        return Err(Malformed::new(field, format!("{figure}, 1 to {max}")));
    }
    Ok(figure)
}

fn fixed<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at * N..at * N + N]);
    array
}
