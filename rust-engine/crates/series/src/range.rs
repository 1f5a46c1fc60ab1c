use crate::group::{Group, Series, load};
use crate::head::{ABSENT, Head};
use crate::{STALE_BITS, SeriesError, TREE, chunk, keys};
use codec::SeriesId;
use paged::{Pages, unordered};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

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
struct Reading {
    /// Rows that may still be read.
    rows_left: u64,
    /// The group whose timestamps are kept.
    group: Option<u32>,
    /// Its timestamp chunks by their last time: the series of a group share them, so each is decompressed once.
    times: BTreeMap<i64, Vec<i64>>,
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
    last: f64,
    min: f64,
    max: f64,
    sum: f64,
    count: u64,
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

impl Reading {
    fn of(rows_max: u64) -> Self {
        Self { rows_left: rows_max, group: None, times: BTreeMap::new() }
    }

    /// False when no more rows may be read.
    fn read(&mut self, pages: &impl Pages, series: &Series, out: &mut Out<'_>) -> bool {
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

    fn walk_chunks(&mut self, pages: &impl Pages, series: &Series, out: &mut Out<'_>) -> Walked {
        if self.group != Some(series.group) {
            self.times.clear();
            self.group = Some(series.group);
        }
        let prefix = keys::column_chunks(series.group, series.column);
        let mut cursor = TREE.seek(pages, &keys::chunk(series.group, series.column, out.asked.from));
        while let Some((key, value)) = cursor.next(pages) {
            let Some(last) = key.strip_prefix(prefix.as_slice()).and_then(|last| last.first_chunk()) else { break };
            let last = unordered(u64::from_be_bytes(*last));
            if let Entry::Vacant(vacant) = self.times.entry(last) {
                let Some(times) = chunk::times(pages, series.group, last) else { continue };
                vacant.insert(times);
            }
            let times = &self.times[&last];
            if times.first().is_some_and(|first| *first >= out.asked.to) {
                return Walked::ToEnd;
            }
            let Some(left) = self.rows_left.checked_sub(times.len() as u64) else { return Walked::Cut };
            self.rows_left = left;
            for (time, bits) in times.iter().zip(chunk::decode(&value)) {
                if !out.add(*time, bits) {
                    return Walked::ToEnd;
                }
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
