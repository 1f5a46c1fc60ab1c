use crate::SeriesError;
use crate::gather::{Budget, Gathered, Shared};
use crate::group::place_of;
use crate::steps::Steps;
use codec::SeriesId;
use paged::Pages;
use serde::{Deserialize, Serialize};

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
    /// What a counter grew, resets taken into account: the differences between samples that follow each other, each counted at
    /// the later one, across gaps too. The first sample of the window is compared with the one before it, at most a step or
    /// five minutes back. A step whose samples have none before them has no value.
    Increase,
    /// The increase by seconds of the step.
    Rate,
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

/// How a query of several series was answered; the shape of `Resolution` in records.ts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answered {
    /// False: more rows would have had to be read, so that points are missing.
    pub is_whole: bool,
    /// Before this time samples of some series are gone: there a bucket of five minutes or of an hour counts at its start.
    /// Steps that whole buckets fill are exact all the same and not counted here.
    pub coarse_until: Option<i64>,
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
    asked.check()?;
    let mut reading = Reading::of(asked, u64::MAX, times.len().min(values.len()));
    let Some(place) = place_of(pages, id) else { return Ok(0) };
    let Some((shared, gathered)) = reading.gather(pages, place) else { return Ok(0) };
    Ok(compute(&mut reading.shared[shared], &gathered, times, values))
}

/// Writes what is asked of several series, each into its equal share of the arrays, and how many into `counts`. At most
/// `rows_max` rows of chunks and buckets of tiers are read; what was not read is left out.
#[allow(clippy::too_many_arguments)] // the figures of one query, in the order of the door
pub fn ranges(
    pages: &impl Pages,
    ids: &[SeriesId],
    asked: Asked,
    rows_max: u64,
    times: &mut [f64],
    values: &mut [f64],
    counts: &mut [f64],
) -> Result<Answered, SeriesError> {
    asked.check()?;
    counts[..ids.len()].fill(0.0);
    let room = times.len().min(values.len()).checked_div(ids.len()).unwrap_or(0);
    let mut reading = Reading::of(asked, rows_max, room);
    let mut answered = Answered { is_whole: true, coarse_until: None };
    for (place, known) in in_order(pages, ids) {
        reading.shared.retain(|shared| shared.group == known.0);
        let Some((shared, gathered)) = reading.gather(pages, known) else { continue };
        let shared = &mut reading.shared[shared];
        let share = place * room..(place + 1) * room;
        counts[place] = compute(shared, &gathered, &mut times[share.clone()], &mut values[share]) as f64;
        answered.add(shared, &gathered);
        if gathered.cut {
            break;
        }
    }
    Ok(answered)
}

impl Answered {
    pub(crate) fn add(&mut self, shared: &Shared<'_>, gathered: &Gathered<'_>) {
        self.is_whole &= !gathered.cut;
        self.coarse_until = self.coarse_until.max(shared.plan.coarse_until);
    }
}

/// The known ones of some series by their places in the store: those of a group share what is read.
pub fn in_order(pages: &impl Pages, ids: &[SeriesId]) -> Vec<(usize, (u32, u16))> {
    let places = ids.iter().enumerate();
    let mut known: Vec<_> = places.filter_map(|(place, id)| Some((place, place_of(pages, *id)?))).collect();
    known.sort_by_key(|(_, place)| *place);
    known
}

/// How a query of several series goes on.
pub struct Reading<'a> {
    asked: Asked,
    pub budget: Budget,
    /// What the series read so far share.
    pub shared: Vec<Shared<'a>>,
}

impl<'a> Reading<'a> {
    pub fn of(asked: Asked, rows_max: u64, points: usize) -> Self {
        Self { asked, budget: Budget { rows: rows_max, points }, shared: Vec::new() }
    }

    /// What is read of a series, and the position of what it shares.
    pub fn gather(&mut self, pages: &'a impl Pages, (group, column): (u32, u16)) -> Option<(usize, Gathered<'a>)> {
        for samples_preferred in [false, true] {
            let fits = |shared: &Shared<'_>| shared.group == group && shared.samples_preferred == samples_preferred;
            let at = match self.shared.iter().rposition(fits) {
                Some(at) => at,
                None => {
                    self.shared.push(Shared::gather(pages, group, self.asked, samples_preferred)?);
                    self.shared.len() - 1
                }
            };
            let gathered = self.shared[at].gather_column(pages, column, &mut self.budget);
            if gathered.is_some() {
                return gathered.map(|gathered| (at, gathered));
            }
        }
        None
    }
}

/// Points written.
pub fn compute(shared: &mut Shared<'_>, gathered: &Gathered<'_>, times: &mut [f64], values: &mut [f64]) -> usize {
    let mut steps = Steps::new(shared.asked, times, values);
    shared.compute(gathered, &mut steps);
    steps.written
}

impl Asked {
    pub(crate) fn check(&self) -> Result<(), SeriesError> {
        if self.step < 0 {
            let reason = format!("{} is negative", self.step);
            return Err(SeriesError::ArgumentInvalid { field: "stepMs", reason });
        }
        Ok(())
    }
}
