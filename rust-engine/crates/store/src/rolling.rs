//! Rolling outcomes of a scope, read in O(1). The fields are those of `ROLLING_FIELDS` in records.ts.

use crate::evict::Class;
use crate::keys::{Table, record_key, value_key};
use crate::stored::reindex;
use crate::{HISTORY, StoreError};
use paged::{Pages, PagesMut};

/// Numbers that `rolling_read` writes for a scope.
pub const ROLLING_WIDTH: usize = 16;
/// Longest name of a scope.
const SCOPE_BYTES_MAX: usize = 4096;
const DURATIONS: usize = 20;
const RECENT_DURATIONS: usize = 5;
const FAST_HALF_LIFE: f64 = 5.0;
const SLOW_HALF_LIFE: f64 = 40.0;
const DURATION_HALF_LIFE: f64 = 10.0;

/// Version of the layout; another one gets a reader beside `Rolling::of`.
pub const VERSION: u8 = 1;
/// Bytes before the durations.
const HEAD: usize = 100;

/// What is known of a scope. Lies in the pages as it is read, little-endian: 0 version u8 · 1 flags u8 · 2 durations u8 ·
/// 3 place of the oldest of them u8 · 4 streak i32 · 8 count u64 · 16 failures u64 · 24 fast, 40 slow, each count and
/// failures f64 · 56 last at i64 · 64 last failure at i64 · 72 weight, mean and squares of ln(1 + duration), f64 · 96 median
/// duration f32 · 100 durations f32 each.
#[derive(Clone, Copy, Debug, Default)]
struct Rolling {
    /// Last and previous outcome, whether known and whether failed; whether one ever failed.
    flags: u8,
    durations: u8,
    oldest: u8,
    streak: i32,
    count: u64,
    failures: u64,
    fast: Decayed,
    slow: Decayed,
    last_at: i64,
    last_failure_at: i64,
    log_duration: Moments,
    median: f32,
}

const LAST: u8 = 1;
const LAST_FAILED: u8 = 2;
const PREVIOUS: u8 = 4;
const PREVIOUS_FAILED: u8 = 8;
const EVER_FAILED: u8 = 16;
/// From the flags of the last outcome to those of the previous one.
const SHIFT: u8 = 2;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Decayed {
    count: f64,
    failures: f64,
}

/// Weighted mean and sum of squares (West 1979), old weights decaying.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
    /// The head of a scope's bytes.
    fn of(bytes: &[u8]) -> Self {
        let head: &[u8; HEAD] = bytes.first_chunk().expect("a stored scope has its head");
        assert!(head[0] == VERSION, "a scope of version {}", head[0]);
        let f64_at = |at| f64::from_le_bytes(eight(head, at));
        let i64_at = |at| i64::from_le_bytes(eight(head, at));
        Self {
            flags: head[1],
            durations: head[2],
            oldest: head[3],
            streak: i32::from_le_bytes(four(head, 4)),
            count: u64::from_le_bytes(eight(head, 8)),
            failures: u64::from_le_bytes(eight(head, 16)),
            fast: Decayed { count: f64_at(24), failures: f64_at(32) },
            slow: Decayed { count: f64_at(40), failures: f64_at(48) },
            last_at: i64_at(56),
            last_failure_at: i64_at(64),
            log_duration: Moments { weight: f64_at(72), mean: f64_at(80), squares: f64_at(88) },
            median: f32::from_le_bytes(four(head, 96)),
        }
    }

    fn bytes(&self, durations: &[f32]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + DURATIONS * 4);
        bytes.extend([VERSION, self.flags, self.durations, self.oldest]);
        bytes.extend(self.streak.to_le_bytes());
        bytes.extend(self.count.to_le_bytes());
        bytes.extend(self.failures.to_le_bytes());
        for number in [self.fast.count, self.fast.failures, self.slow.count, self.slow.failures] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.last_at.to_le_bytes());
        bytes.extend(self.last_failure_at.to_le_bytes());
        for number in [self.log_duration.weight, self.log_duration.mean, self.log_duration.squares] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.median.to_le_bytes());
        durations.iter().for_each(|duration| bytes.extend(duration.to_le_bytes()));
        bytes
    }

    fn add(&mut self, at: i64, failed: bool, duration_s: f64, durations: &mut Vec<f32>) {
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
            self.last_failure_at = if self.flags & EVER_FAILED == 0 { at } else { self.last_failure_at.max(at) };
        }
        let last = self.flags & (LAST | LAST_FAILED);
        let ever = self.flags & EVER_FAILED;
        let news = if failed { LAST | LAST_FAILED | EVER_FAILED } else { LAST };
        self.flags = (last << SHIFT) | ever | news;
        if duration_s.is_finite() && duration_s >= 0.0 {
            self.log_duration.add(duration_s.ln_1p(), DURATION_HALF_LIFE);
            if durations.len() == DURATIONS {
                durations[usize::from(self.oldest)] = duration_s as f32;
                self.oldest = (self.oldest + 1) % DURATIONS as u8;
            } else {
                durations.push(duration_s as f32);
            }
            self.durations = durations.len() as u8;
            self.median = median(durations);
        }
    }

    fn write(&self, at: i64, durations: &[u8], out: &mut [f64]) {
        let is = |flag: u8| self.flags & flag != 0;
        let or_nan = |known: bool, value: f64| if known { value } else { f64::NAN };
        let failed = |known: u8, failed: u8| or_nan(is(known), f64::from(u8::from(is(failed))));
        let timed = self.durations > 0;
        out.copy_from_slice(&[
            self.count as f64,
            self.failures as f64,
            self.fast.count,
            self.fast.failures,
            self.slow.count,
            self.slow.failures,
            f64::from(self.streak),
            or_nan(self.count > 0, (at - self.last_at) as f64),
            or_nan(is(EVER_FAILED), (at - self.last_failure_at) as f64),
            failed(LAST, LAST_FAILED),
            failed(PREVIOUS, PREVIOUS_FAILED),
            or_nan(timed, self.log_duration.mean),
            or_nan(timed, self.log_duration.squares / self.log_duration.weight),
            or_nan(timed, f64::from(self.median)),
            or_nan(timed, f64::from(self.recent_median(durations))),
            f64::from(self.durations),
        ]);
    }

    /// Of the newest of these bytes.
    fn recent_median(&self, durations: &[u8]) -> f32 {
        let (count, oldest) = (durations.len() / 4, usize::from(self.oldest));
        let mut recent = [0.0f32; RECENT_DURATIONS];
        let recent = &mut recent[..count.min(RECENT_DURATIONS)];
        for (back, duration) in recent.iter_mut().enumerate() {
            *duration = f32::from_le_bytes(four(durations, (oldest + count - 1 - back) % count * 4));
        }
        median(recent)
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
    check_scope(scope)?;
    let key = record_key(Table::Rolling, scope);
    let (known, mut durations) = match HISTORY.get(pages, &key) {
        Some(bytes) => (Some(Rolling::of(&bytes)), durations_of(&bytes)),
        None => (None, Vec::new()),
    };
    let mut next = known.unwrap_or_default();
    next.add(at, failed, duration_s, &mut durations);
    HISTORY.insert(pages, &key, &next.bytes(&durations))?;
    let entry = |rolling: &Rolling| vec![value_key(Class::Rolling as u8, rolling.last_at, Table::Rolling, &key[1..])];
    reindex(pages, known.as_ref().map(|known| (HISTORY, entry(known))), (HISTORY, &entry(&next)))
}

/// Writes the `ROLLING_WIDTH` numbers of a scope as seen at a time.
pub fn rolling_read(pages: &impl Pages, scope: &str, at: i64, out: &mut [f64]) {
    match HISTORY.get(pages, &record_key(Table::Rolling, scope)) {
        Some(bytes) => Rolling::of(&bytes).write(at, &bytes[HEAD..], out),
        None => {
            Rolling::default().write(at, &[], out);
            out[1..ROLLING_WIDTH - 1].fill(f64::NAN);
        }
    }
}

pub(crate) fn check_scope(scope: &str) -> Result<(), StoreError> {
    if scope.is_empty() || scope.len() > SCOPE_BYTES_MAX {
        return Err(StoreError::invalid("scope", format!("{} bytes, 1 to {SCOPE_BYTES_MAX}", scope.len())));
    }
    Ok(())
}

fn durations_of(bytes: &[u8]) -> Vec<f32> {
    bytes[HEAD..].chunks_exact(4).map(|bytes| f32::from_le_bytes(four(bytes, 0))).collect()
}

fn four(bytes: &[u8], at: usize) -> [u8; 4] {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    four
}

fn eight(bytes: &[u8], at: usize) -> [u8; 8] {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    eight
}

fn median(values: &[f32]) -> f32 {
    let mut sorted = [0.0f32; DURATIONS];
    let sorted = &mut sorted[..values.len()];
    sorted.copy_from_slice(values);
    sorted.sort_unstable_by(f32::total_cmp);
    match sorted.len() {
        0 => f32::NAN,
        n if n.is_multiple_of(2) => f32::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        n => sorted[n / 2],
    }
}
