use crate::group::{Group, Series, load};
use crate::head::{ABSENT, Head};
use crate::{STALE_BITS, SeriesError, TREE, chunk, keys};
use codec::SeriesId;
use paged::{Pages, unordered};
use serde::Deserialize;

/// How the samples of a step become one value.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Aggregation {
    Last,
    Avg,
    Min,
    Max,
    Sum,
    Count,
}

/// What a query asks.
#[derive(Clone, Copy, Debug)]
struct Asked {
    from: i64,
    to: i64,
    step: i64,
    aggregation: Aggregation,
}

/// The caller's arrays and how far they are filled.
struct Out<'a> {
    asked: Asked,
    times: &'a mut [f64],
    values: &'a mut [f64],
    written: usize,
    step: Option<Step>,
}

/// The samples of one step so far.
struct Step {
    start: i64,
    last: f64,
    min: f64,
    max: f64,
    sum: f64,
    count: u64,
}

/// Writes the steps (or, with step 0, the samples) of [from, to) of a series; how many. An unknown series has none.
/// Stale markers are skipped in steps and come as the NaN that they are among raw samples.
#[allow(clippy::too_many_arguments)] // the figures of one query, in the order of the door
pub fn range(
    pages: &impl Pages,
    id: SeriesId,
    from: i64,
    to: i64,
    step: i64,
    aggregation: Aggregation,
    times: &mut [f64],
    values: &mut [f64],
) -> Result<usize, SeriesError> {
    if step < 0 {
        return Err(SeriesError::ArgumentInvalid { field: "stepMs", reason: format!("{step} is negative") });
    }
    let Some(series) = load::<Series>(pages, &keys::series(id)) else { return Ok(0) };
    let Some(group) = load::<Group>(pages, &keys::group(series.group)) else { return Ok(0) };
    let asked = Asked { from, to, step, aggregation };
    let mut out = Out { asked, times, values, written: 0, step: None };
    if walk_chunks(pages, &series, &mut out) {
        walk_head(pages, &group, &series, &mut out);
    }
    out.close_step();
    Ok(out.written)
}

/// False when nothing more is wanted.
fn walk_chunks(pages: &impl Pages, series: &Series, out: &mut Out<'_>) -> bool {
    let prefix = keys::column_chunks(series.group, series.column);
    let mut cursor = TREE.seek(pages, &keys::chunk(series.group, series.column, out.asked.from));
    while let Some((key, value)) = cursor.next(pages) {
        let Some(last) = key.strip_prefix(prefix.as_slice()).and_then(|last| last.first_chunk()) else { break };
        let Some(times) = chunk::times(pages, series.group, unordered(u64::from_be_bytes(*last))) else { continue };
        if times.first().is_some_and(|first| *first >= out.asked.to) {
            return false;
        }
        for (time, bits) in times.into_iter().zip(chunk::decode(&value)) {
            if !out.add(time, bits) {
                return false;
            }
        }
    }
    true
}

fn walk_head(pages: &impl Pages, group: &Group, series: &Series, out: &mut Out<'_>) {
    let head = Head::at(group.head);
    for row in head.sorted_rows(pages) {
        if !out.add(head.time(pages, row), head.cell(pages, row, usize::from(series.column))) {
            return;
        }
    }
}

impl Out<'_> {
    /// Takes the next sample in time; false when the window or the arrays are full.
    fn add(&mut self, time: i64, bits: u64) -> bool {
        if time >= self.asked.to || self.room() == 0 {
            return false;
        }
        if time < self.asked.from || bits == ABSENT {
            return true;
        }
        if self.asked.step == 0 {
            self.write(time, f64::from_bits(bits));
        } else if bits != STALE_BITS {
            self.add_to_step(time, f64::from_bits(bits));
        }
        true
    }

    fn add_to_step(&mut self, time: i64, value: f64) {
        let Asked { from, step, .. } = self.asked;
        let start = from + (time - from) / step * step;
        if self.step.as_ref().is_some_and(|open| open.start != start) {
            self.close_step();
        }
        let open = self.step.get_or_insert(Step {
            start,
            last: value,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
            count: 0,
        });
        open.last = value;
        open.min = open.min.min(value);
        open.max = open.max.max(value);
        open.sum += value;
        open.count += 1;
    }

    fn close_step(&mut self) {
        let Some(step) = self.step.take() else { return };
        if self.room() == 0 {
            return;
        }
        let value = match self.asked.aggregation {
            Aggregation::Last => step.last,
            Aggregation::Avg => step.sum / step.count as f64,
            // Only NaNs: neither bound has moved.
            Aggregation::Min if step.min > step.max => f64::NAN,
            Aggregation::Max if step.min > step.max => f64::NAN,
            Aggregation::Min => step.min,
            Aggregation::Max => step.max,
            Aggregation::Sum => step.sum,
            Aggregation::Count => step.count as f64,
        };
        self.write(step.start, value);
    }

    fn room(&self) -> usize {
        self.times.len().min(self.values.len()) - self.written
    }

    fn write(&mut self, time: i64, value: f64) {
        self.times[self.written] = time as f64;
        self.values[self.written] = value;
        self.written += 1;
    }
}
