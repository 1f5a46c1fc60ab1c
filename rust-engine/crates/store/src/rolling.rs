//! Rolling outcomes of a scope, read in O(1). The fields are those of `ROLLING_FIELDS` in records.ts.

use crate::evict::Class;
use crate::keys::{Table, record_key, value_key};
use crate::stored::{load, reindex, save};
use crate::{HISTORY, StoreError};
use paged::{Pages, PagesMut};
use serde::{Deserialize, Serialize};

/// Numbers that `rolling_read` writes for a scope.
pub const ROLLING_WIDTH: usize = 15;
/// Longest name of a scope.
const SCOPE_BYTES_MAX: usize = 4096;
const DURATIONS: usize = 20;
const FAST_HALF_LIFE: f64 = 5.0;
const SLOW_HALF_LIFE: f64 = 40.0;
const DURATION_HALF_LIFE: f64 = 10.0;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Rolling {
    count: u64,
    failures: u64,
    fast: Decayed,
    slow: Decayed,
    streak: i32,
    last_at: i64,
    last_failure_at: Option<i64>,
    last_failed: Option<bool>,
    previous_failed: Option<bool>,
    log_duration: Moments,
    /// Newest last.
    durations: Vec<f32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Decayed {
    count: f64,
    failures: f64,
}

/// Weighted mean and sum of squares (West 1979), old weights decaying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    weight: f64,
    mean: f64,
    squares: f64,
}

impl Decayed {
    fn add(&mut self, failed: bool, half_life: f64) {
        let keep = (-1.0 / half_life).exp2();
        self.count = self.count * keep + 1.0;
        self.failures = self.failures * keep + f64::from(u8::from(failed));
    }
}

impl Moments {
    fn add(&mut self, x: f64, half_life: f64) {
        let keep = (-1.0 / half_life).exp2();
        self.weight = self.weight * keep + 1.0;
        let delta = x - self.mean;
        self.mean += delta / self.weight;
        self.squares = self.squares * keep + delta * (x - self.mean);
    }
}

impl Rolling {
    fn add(&mut self, at: i64, failed: bool, duration_s: f64) {
        self.last_at = if self.count == 0 { at } else { self.last_at.max(at) };
        self.count += 1;
        self.failures += u64::from(failed);
        self.fast.add(failed, FAST_HALF_LIFE);
        self.slow.add(failed, SLOW_HALF_LIFE);
        self.streak = match (failed, self.streak) {
            (false, streak) => streak.max(0).saturating_add(1),
            (true, streak) => streak.min(0).saturating_sub(1),
        };
        if failed {
            self.last_failure_at = Some(self.last_failure_at.map_or(at, |last| last.max(at)));
        }
        self.previous_failed = self.last_failed.replace(failed);
        if duration_s.is_finite() && duration_s >= 0.0 {
            self.log_duration.add(duration_s.ln_1p(), DURATION_HALF_LIFE);
            if self.durations.len() == DURATIONS {
                self.durations.remove(0);
            }
            self.durations.push(duration_s as f32);
        }
    }

    fn write(&self, at: i64, out: &mut [f64]) {
        let flag = |failed: Option<bool>| failed.map_or(f64::NAN, |failed| f64::from(u8::from(failed)));
        let since = |then: Option<i64>| then.map_or(f64::NAN, |then| (at - then) as f64);
        let timed = !self.durations.is_empty();
        let or_nan = |known: bool, value: f64| if known { value } else { f64::NAN };
        out.copy_from_slice(&[
            self.count as f64,
            self.failures as f64,
            self.fast.count,
            self.fast.failures,
            self.slow.count,
            self.slow.failures,
            f64::from(self.streak),
            since((self.count > 0).then_some(self.last_at)),
            since(self.last_failure_at),
            flag(self.last_failed),
            flag(self.previous_failed),
            or_nan(timed, self.log_duration.mean),
            or_nan(timed, self.log_duration.squares / self.log_duration.weight),
            median(&self.durations),
            self.durations.len() as f64,
        ]);
    }
}

/// Adds one outcome to a scope. Duration NaN = unknown.
pub fn rolling_add(
    pages: &mut impl PagesMut,
    scope: &str,
    at: i64,
    failed: bool,
    duration_s: f64,
) -> Result<(), StoreError> {
    if scope.is_empty() || scope.len() > SCOPE_BYTES_MAX {
        return Err(StoreError::invalid("scope", format!("{} bytes, 1 to {SCOPE_BYTES_MAX}", scope.len())));
    }
    let key = record_key(Table::Rolling, scope);
    let known: Option<Rolling> = load(pages, HISTORY, &key);
    let mut next = known.clone().unwrap_or_default();
    next.add(at, failed, duration_s);
    save(pages, HISTORY, &key, &next)?;
    let entry = |rolling: &Rolling| vec![value_key(Class::Rolling as u8, rolling.last_at, Table::Rolling, &key[1..])];
    reindex(pages, known.as_ref().map(|known| (HISTORY, entry(known))), (HISTORY, &entry(&next)))
}

/// Writes the `ROLLING_WIDTH` numbers of a scope as seen at a time.
pub fn rolling_read(pages: &impl Pages, scope: &str, at: i64, out: &mut [f64]) {
    match load::<Rolling>(pages, HISTORY, &record_key(Table::Rolling, scope)) {
        Some(rolling) => rolling.write(at, out),
        None => {
            Rolling::default().write(at, out);
            out[1..ROLLING_WIDTH - 1].fill(f64::NAN);
        }
    }
}

fn median(values: &[f32]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let n = sorted.len();
    match n {
        0 => f64::NAN,
        _ if n.is_multiple_of(2) => f64::midpoint(f64::from(sorted[n / 2 - 1]), f64::from(sorted[n / 2])),
        _ => f64::from(sorted[n / 2]),
    }
}
