//! Closed predictions with what became of them, by the time of their outcomes: what a scorecard is computed from. An entry
//! is small and lies alone, so that one that comes late lands where it belongs, and one that comes twice changes nothing.
//!
//! They go as what they are about does: those of CI runs with the runs that failed, those of deployments with these, a day
//! of a service at a time.

use crate::deployment::Subject;
use crate::evict::Class;
use crate::keys::{Table, join, short_digest, value_key};
use crate::list::{from_hex, to_hex};
use crate::{HISTORY, StoreError};
use paged::{Pages, PagesMut, ordered, unordered};
use serde::Serialize;

/// Numbers of one score.
pub const SCORE_WIDTH: usize = 11;
/// Entries and stretches without any that one read looks at.
const LOOKED_AT_MAX: usize = 2_000;
/// Scores that go in one step.
const DROPPED_AT_ONCE: usize = 64;

const DAY_MS: i64 = 86_400_000;
const VERSION: u8 = 1;
const SERVICE_BYTES: usize = 8;
/// Table, subject, service.
const OWNER_BYTES: usize = 2 + SERVICE_BYTES;
const KEY_BYTES: usize = OWNER_BYTES + 8 + 8;
/// Version, flags, two probabilities and four durations.
const VALUE_BYTES: usize = 2 + 6 * 4;
const CENSORED: u8 = 2;
const CLASSES: u8 = 3;

/// A prediction that was closed. Numbers as rust-engine/ts/records.ts names them; NaN: no duration, no outcome.
pub type ScoreFields = [f64; SCORE_WIDTH];

/// Some scores that were read, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScoresRead {
    /// How many rows of `SCORE_WIDTH` numbers were written.
    pub rows: usize,
    /// None at the end.
    pub cursor: Option<String>,
}

/// Keeps the score of a prediction; false when it is known already.
pub fn score_add(
    pages: &mut impl PagesMut,
    service: &str,
    subject: Subject,
    prediction_id: &str,
    fields: &ScoreFields,
) -> Result<bool, StoreError> {
    let (at, value) = packed(fields)?;
    let owner = owner_of(subject, service);
    let key = join(&[&owner, &ordered(at).to_be_bytes(), &short_digest::<8>(&[prediction_id.as_bytes()])]);
    if HISTORY.contains(pages, &key) {
        return Ok(false);
    }
    let day = join(&[&owner, &ordered(day_of(at)).to_be_bytes()]);
    HISTORY.insert(pages, &value_key(class_of(subject) as u8, day_of(at), Table::Score, &day[1..]), &[])?;
    HISTORY.insert(pages, &key, &value)?;
    Ok(true)
}

/// Writes the scores with outcomes in [from, to), of a service or of all: by service, oldest first, as many as there is room
/// for. A read looks at a bounded number of entries, so that it may write few and still have a cursor.
pub fn scores_read(
    pages: &impl Pages,
    service: Option<&str>,
    subject: Subject,
    (from, to): (i64, i64),
    cursor: Option<&str>,
    out: &mut [f64],
) -> Result<ScoresRead, StoreError> {
    let prefix = service.map_or_else(|| vec![Table::Score as u8, tag_of(subject)], |name| owner_of(subject, name));
    let mut start = cursor.map_or_else(|| Ok(prefix.clone()), from_hex)?;
    let mut walk = HISTORY.seek(pages, &start);
    let mut rows = out.chunks_exact_mut(SCORE_WIDTH);
    let room = rows.len();
    for _ in 0..LOOKED_AT_MAX {
        let Some((key, value)) = walk.next(pages).filter(|(key, _)| key.starts_with(&prefix)) else {
            return Ok(ScoresRead { rows: room - rows.len(), cursor: None });
        };
        let at = time_of(key);
        start = if at < from {
            join(&[&key[..OWNER_BYTES], &ordered(from).to_be_bytes()])
        } else if at >= to {
            // Behind everything of this service.
            join(&[&key[..OWNER_BYTES], &[0xff; KEY_BYTES - OWNER_BYTES + 1]])
        } else {
            start = key.to_vec();
            let Some(row) = rows.next() else { break };
            unpack(at, &value, row);
            start.push(0);
            continue;
        };
        walk = HISTORY.seek(pages, &start);
    }
    Ok(ScoresRead { rows: room - rows.len(), cursor: Some(to_hex(&start)) })
}

/// Drops the oldest scores of the day of a service that an entry of the eviction order names: how many, the latest time of
/// them, and whether the day is empty now.
pub(crate) fn evict(pages: &mut impl PagesMut, day: &[u8]) -> (u64, Option<i64>, bool) {
    let begin = time_of(day);
    let mut walk = HISTORY.seek(pages, day);
    let mut gone = Vec::new();
    let mut is_empty = true;
    while let Some((key, _)) = walk.next(pages) {
        if !key.starts_with(&day[..OWNER_BYTES]) || time_of(key) >= begin.saturating_add(DAY_MS) {
            break;
        }
        if gone.len() == DROPPED_AT_ONCE {
            is_empty = false;
            break;
        }
        gone.push(key.to_vec());
    }
    for key in &gone {
        HISTORY.remove(pages, key);
    }
    (gone.len() as u64, gone.last().map(|key| time_of(key)), is_empty)
}

fn class_of(subject: Subject) -> Class {
    match subject {
        Subject::Deployment => Class::Deployment,
        Subject::CiRun => Class::FailedRun,
    }
}

fn tag_of(subject: Subject) -> u8 {
    match subject {
        Subject::Deployment => b'd',
        Subject::CiRun => b'r',
    }
}

fn owner_of(subject: Subject, service: &str) -> Vec<u8> {
    join(&[&[Table::Score as u8, tag_of(subject)], &short_digest::<SERVICE_BYTES>(&[service.as_bytes()])])
}

fn day_of(at: i64) -> i64 {
    at.div_euclid(DAY_MS) * DAY_MS
}

/// Time of the key of a score, or of its day.
fn time_of(key: &[u8]) -> i64 {
    let time = key.get(OWNER_BYTES..).and_then(|rest| rest.first_chunk());
    unordered(u64::from_be_bytes(*time.expect("a key of ours has a time")))
}

fn packed(fields: &ScoreFields) -> Result<(i64, [u8; VALUE_BYTES]), StoreError> {
    let [at, p_success, base_rate, outcome, class, p10, p50, p90, duration, by_model, backfilled] = *fields;
    let flag = |field: &'static str, value: f64, below: u8| match (0..below).find(|each| f64::from(*each) == value) {
        Some(flag) => Ok(flag),
        None => Err(StoreError::invalid(field, format!("{value} is none of 0 to {}", below - 1))),
    };
    if at.fract() != 0.0 || at.abs() > 8.64e15 {
        return Err(StoreError::invalid("at", format!("{at} is no time")));
    }
    for (field, p) in [("pSuccess", p_success), ("baseRate", base_rate)] {
        if !(0.0..=1.0).contains(&p) {
            return Err(StoreError::invalid(field, format!("{p} is no probability")));
        }
    }
    let durations = [("durationP10", p10), ("durationP50", p50), ("durationP90", p90), ("durationS", duration)];
    if let Some((field, seconds)) = durations.into_iter().find(|(_, s)| *s < 0.0 || (*s as f32).is_infinite()) {
        return Err(StoreError::invalid(field, format!("{seconds} is no duration")));
    }
    let outcome = if outcome.is_nan() { CENSORED } else { flag("outcome", outcome, CENSORED)? };
    let flags = outcome
        | flag("answerClass", class, CLASSES)? << 2
        | flag("byModel", by_model, 2)? << 4
        | flag("backfilled", backfilled, 2)? << 5;
    let mut value = [0; VALUE_BYTES];
    value[..2].copy_from_slice(&[VERSION, flags]);
    for (bytes, number) in value[2..].chunks_exact_mut(4).zip([p_success, base_rate, p10, p50, p90, duration]) {
        bytes.copy_from_slice(&(number as f32).to_le_bytes());
    }
    Ok((at as i64, value))
}

fn unpack(at: i64, value: &[u8], row: &mut [f64]) {
    assert!(value.len() == VALUE_BYTES && value[0] == VERSION, "a score is of a version that was shipped");
    let mut numbers = value[2..].chunks_exact(4).map(|bytes| {
        let mut number = [0; 4];
        number.copy_from_slice(bytes);
        f64::from(f32::from_le_bytes(number))
    });
    let mut next = || numbers.next().unwrap_or(f64::NAN);
    let flags = value[1];
    let outcome = flags & 3;
    row[0] = at as f64;
    row[1] = next();
    row[2] = next();
    row[3] = if outcome == CENSORED { f64::NAN } else { f64::from(outcome) };
    row[4] = f64::from(flags >> 2 & 3);
    row[5..9].fill_with(&mut next);
    row[9] = f64::from(flags >> 4 & 1);
    row[10] = f64::from(flags >> 5 & 1);
}
