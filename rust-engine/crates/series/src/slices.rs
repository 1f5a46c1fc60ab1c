//! A query of many series in slices: the pages are held only while a slice is taken out of them.

use crate::SeriesError;
use crate::gather::{Gathered, Shared};
use crate::range::{Answered, Asked, Reading, compute, in_order};
use codec::SeriesId;
use paged::Pages;

/// Bytes taken at once, and points that may come of them: 0.1 or 0.2 ms each.
const SLICE_BYTES: usize = 512 * 1024;
const SLICE_POINTS: usize = 32 * 1024;
/// Points of a series: room for so many is made at once.
const POINTS_MAX: usize = 1_000_000;

/// What is left to read of a query.
#[derive(Debug)]
pub struct Slices {
    asked: Asked,
    points_max: usize,
    rows_left: u64,
    /// Position among those asked for, group and column.
    series: Vec<(usize, (u32, u16))>,
    next: usize,
}

/// What some of the series are computed of.
pub struct Slice {
    points_max: usize,
    shared: Vec<Shared<'static>>,
    series: Vec<(usize, usize, Gathered<'static>)>,
}

/// The points of some of the series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlicePoints {
    /// Of each: its position among those asked for, and how many points.
    pub counts: Vec<(usize, usize)>,
    /// Times of all of them, series after series.
    pub times: Vec<f64>,
    /// Their values.
    pub values: Vec<f64>,
    /// Of these series.
    pub answered: Answered,
}

impl Slices {
    /// At most `points_max` points (1,000,000) of each series, of at most `rows_max` rows and buckets together.
    pub fn of(
        pages: &impl Pages,
        ids: &[SeriesId],
        asked: Asked,
        rows_max: u64,
        points_max: usize,
    ) -> Result<Self, SeriesError> {
        asked.check()?;
        if points_max > POINTS_MAX {
            let reason = format!("{points_max}, at most {POINTS_MAX}");
            return Err(SeriesError::ArgumentInvalid { field: "pointsMax", reason });
        }
        Ok(Self { asked, points_max, rows_left: rows_max, series: in_order(pages, ids), next: 0 })
    }

    /// Takes the next slice out of the pages; none when all was read.
    pub fn take(&mut self, pages: &impl Pages) -> Option<Slice> {
        let mut reading = Reading::of(self.asked, self.rows_left, self.points_max);
        let mut series: Vec<(usize, usize, Gathered<'static>)> = Vec::new();
        let mut bytes = 0;
        let (mut group, first) = (None, self.next);
        while bytes < SLICE_BYTES && (self.next - first) * self.points_max < SLICE_POINTS {
            let Some((position, place)) = self.series.get(self.next).copied() else { break };
            self.next += 1;
            let Some((shared, gathered)) = reading.gather(pages, place) else { continue };
            if group.replace(place.0) != Some(place.0) {
                bytes += reading.shared[shared].bytes();
            }
            bytes += gathered.bytes();
            if gathered.cut {
                self.next = self.series.len();
            }
            series.push((position, shared, gathered.into_owned()));
        }
        self.rows_left = reading.budget.rows;
        let shared = reading.shared.into_iter().map(Shared::into_owned).collect();
        (self.next > first).then_some(Slice { points_max: self.points_max, shared, series })
    }

    /// True when nothing is left.
    pub fn is_done(&self) -> bool {
        self.next == self.series.len()
    }
}

impl Slice {
    /// Computes the points. Needs no pages.
    pub fn compute(mut self) -> SlicePoints {
        let mut points =
            SlicePoints { answered: Answered { is_whole: true, coarse_until: None }, ..Default::default() };
        let (mut times, mut values) = (vec![0.0; self.points_max], vec![0.0; self.points_max]);
        for (position, shared, gathered) in &self.series {
            let shared = &mut self.shared[*shared];
            let count = compute(shared, gathered, &mut times, &mut values);
            points.answered.add(shared, gathered);
            points.counts.push((*position, count));
            points.times.extend_from_slice(&times[..count]);
            points.values.extend_from_slice(&values[..count]);
        }
        points
    }
}
