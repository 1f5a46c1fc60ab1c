use crate::group::{Group, Series, load};
use crate::head::{ABSENT, Head};
use crate::summary::Summary;
use crate::times::GroupTimes;
use crate::values::Values;
use crate::{STALE_BITS, SeriesError, TREE, keys};
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

/// What a query asks of each of its series: the steps of [from, to), or with step 0 the samples.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// First time, ms.
    pub from: i64,
    /// The time after the last one.
    pub to: i64,
    /// Length of a step in ms.
    pub step: i64,
    /// How the samples of a step become one value.
    pub aggregation: Aggregation,
}

/// The caller's arrays and how far they are filled.
struct Out<'a> {
    asked: Asked,
    times: &'a mut [f64],
    values: &'a mut [f64],
    written: usize,
    step: Option<Step>,
}

/// How a query of several series goes on.
struct Reading<'a> {
    /// Rows that may still be read.
    rows_left: u64,
    /// Timestamps of the group of the last series.
    times: Option<GroupTimes<'a>>,
}

/// How the sealed chunks of a series were walked.
enum Walked {
    /// All of them; the head follows.
    On,
    /// Nothing later is wanted.
    ToEnd,
    /// No more rows may be read.
    Cut,
}

/// The samples of one step so far.
struct Step {
    start: i64,
    samples: Summary,
}

/// Writes what is asked of a series into the arrays; how many. An unknown series has none.
/// Stale markers are skipped in steps and come as the NaN that they are among raw samples.
pub fn range(
    pages: &impl Pages,
    id: SeriesId,
    asked: Asked,
    times: &mut [f64],
    values: &mut [f64],
) -> Result<usize, SeriesError> {
    check(&asked)?;
    let mut out = Out { asked, times, values, written: 0, step: None };
    if let Some(series) = load::<Series>(pages, &keys::series(id)) {
        Reading::of(u64::MAX).read(pages, &series, &mut out);
    }
    Ok(out.written)
}

/// Writes what is asked of several series, each into its equal share of the arrays, and how many into `counts`. At most
/// `rows_max` rows of sealed chunks are read: false when that was too few, and what was not read is left out.
#[allow(clippy::too_many_arguments)] // the figures of one query, in the order of the door
pub fn ranges(
    pages: &impl Pages,
    ids: &[SeriesId],
    asked: Asked,
    rows_max: u64,
    times: &mut [f64],
    values: &mut [f64],
    counts: &mut [f64],
) -> Result<bool, SeriesError> {
    check(&asked)?;
    counts[..ids.len()].fill(0.0);
    let room = times.len().min(values.len()).checked_div(ids.len()).unwrap_or(0);
    let mut known: Vec<(usize, Series)> = Vec::with_capacity(ids.len());
    for (place, id) in ids.iter().enumerate() {
        known.extend(load::<Series>(pages, &keys::series(*id)).map(|series| (place, series)));
    }
    known.sort_by_key(|(_, series)| (series.group, series.column));
    let mut reading = Reading::of(rows_max);
    for (place, series) in known {
        let share = place * room..(place + 1) * room;
        let (times, values) = (&mut times[share.clone()], &mut values[share]);
        let mut out = Out { asked, times, values, written: 0, step: None };
        let whole = reading.read(pages, &series, &mut out);
        counts[place] = out.written as f64;
        if !whole {
            return Ok(false);
        }
    }
    Ok(true)
}

fn check(asked: &Asked) -> Result<(), SeriesError> {
    if asked.step < 0 {
        return Err(SeriesError::ArgumentInvalid { field: "stepMs", reason: format!("{} is negative", asked.step) });
    }
    Ok(())
}

impl<'a> Reading<'a> {
    fn of(rows_max: u64) -> Self {
        Self { rows_left: rows_max, times: None }
    }

    /// False when no more rows may be read.
    fn read(&mut self, pages: &'a impl Pages, series: &Series, out: &mut Out<'_>) -> bool {
        let Some(group) = load::<Group>(pages, &keys::group(series.group)) else { return true };
        let whole = match self.walk_chunks(pages, series, out) {
            Walked::On => {
                walk_head(pages, &group, series, out);
                true
            }
            Walked::ToEnd => true,
            Walked::Cut => {
                // What is known of the step under way may be a part of it.
                out.step = None;
                false
            }
        };
        out.close_step();
        whole
    }

    fn walk_chunks(&mut self, pages: &'a impl Pages, series: &Series, out: &mut Out<'_>) -> Walked {
        let since = || GroupTimes::since(pages, series.group, out.asked.from);
        let mut times = self.times.take().filter(|times| times.group() == series.group).unwrap_or_else(since);
        let walked = self.walk_with(pages, series, out, &mut times);
        self.times = Some(times);
        walked
    }

    fn walk_with(
        &mut self,
        pages: &'a impl Pages,
        series: &Series,
        out: &mut Out<'_>,
        times: &mut GroupTimes<'a>,
    ) -> Walked {
        let prefix = keys::column_chunks(series.group, series.column);
        let mut cursor = TREE.seek(pages, &keys::chunk(series.group, series.column, out.asked.from));
        while let Some((key, value)) = cursor.next(pages) {
            let Some(last) = key.strip_prefix(prefix.as_slice()).and_then(|last| last.first_chunk()) else { break };
            let last = unordered(u64::from_be_bytes(*last));
            let Some(times) = times.with_last(pages, last, series.column) else { continue };
            if times.first() >= out.asked.to {
                return Walked::ToEnd;
            }
            let Some(left) = self.rows_left.checked_sub(times.rows() as u64) else { return Walked::Cut };
            self.rows_left = left;
            let values = Values::of(&value);
            let more = match values.summary().filter(|_| out.is_one_step(times.first(), last)) {
                Some(summary) => out.room() > 0 && out.add_to_step(times.first(), &summary),
                None => {
                    let times = times.all();
                    values.each(|row, bits| out.add(times[row], bits))
                }
            };
            if !more {
                return Walked::ToEnd;
            }
        }
        Walked::On
    }
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
            self.add_to_step(time, &Summary::one(f64::from_bits(bits)));
        }
        true
    }

    /// True when all from a first time to a last one is in one step that is asked for.
    fn is_one_step(&self, first: i64, last: i64) -> bool {
        let Asked { from, to, step, .. } = self.asked;
        step > 0 && first >= from && last < to && (first - from) / step == (last - from) / step
    }

    /// Adds samples of one step, of which one has this time; true.
    #[inline]
    fn add_to_step(&mut self, time: i64, samples: &Summary) -> bool {
        let Asked { from, step, .. } = self.asked;
        if let Some(open) = &mut self.step {
            // Times ascend.
            if time - open.start < step {
                open.samples.add(samples);
                return true;
            }
            self.close_step();
        }
        self.step = Some(Step { start: from + (time - from) / step * step, samples: *samples });
        true
    }

    fn close_step(&mut self) {
        let Some(step) = self.step.take() else { return };
        if self.room() == 0 {
            return;
        }
        let Step { start, samples } = step;
        let value = match self.asked.aggregation {
            Aggregation::Last => samples.last,
            Aggregation::Avg => samples.sum / samples.count as f64,
            // Only NaNs: neither bound has moved.
            Aggregation::Min if samples.min > samples.max => f64::NAN,
            Aggregation::Max if samples.min > samples.max => f64::NAN,
            Aggregation::Min => samples.min,
            Aggregation::Max => samples.max,
            Aggregation::Sum => samples.sum,
            Aggregation::Count => samples.count as f64,
        };
        self.write(start, value);
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
