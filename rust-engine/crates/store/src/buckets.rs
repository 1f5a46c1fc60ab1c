//! Outcomes of a scope by the time of their events: hours of the week, and days. Plain counts without decay, so that an event
//! that comes late lands where it belongs. What was predicted meanwhile stays as it was.
//!
//! Cells lie in blocks, made when the first event falls into one: 24 hours of a weekday, or 32 days. A bucket is one look-up.

use crate::evict::Class;
use crate::keys::{Table, join, text_part, value_key};
use crate::rolling::check_scope;
use crate::{HISTORY, StoreError};
use paged::{Pages, PagesMut};
use serde::Deserialize;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
pub const VERSION: u8 = 1;
/// Finished and failed, u32 each.
const CELL_BYTES: usize = 8;
/// 1970-01-01 was a Thursday; weeks begin on Monday.
const WEEKDAY_OF_EPOCH: i64 = 3;
/// Days are kept for so many blocks back from the newest one: 416 to 447 days.
const DAY_BLOCKS: i64 = 14;

/// What the buckets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Buckets {
    /// Hours of the week in UTC, 0 = Monday 00:00, to 167; over all time.
    HourOfWeek,
    /// Days since 1970-01-01 in UTC, of the last 13 to 14 months that events fell into.
    Day,
}

impl Buckets {
    fn of_time(self, at: i64) -> i64 {
        match self {
            Self::HourOfWeek => {
                let hours = at.div_euclid(HOUR_MS) + WEEKDAY_OF_EPOCH * 24;
                hours.rem_euclid(7 * 24)
            }
            Self::Day => at.div_euclid(DAY_MS),
        }
    }

    fn cells(self) -> i64 {
        match self {
            Self::HourOfWeek => 24,
            Self::Day => 32,
        }
    }

    fn tag(self) -> u8 {
        match self {
            Self::HourOfWeek => b'h',
            Self::Day => b'd',
        }
    }
}

/// Counts one outcome at its own time.
pub fn buckets_add(pages: &mut impl PagesMut, scope: &str, at: i64, failed: bool) -> Result<(), StoreError> {
    check_scope(scope)?;
    count(pages, scope, Buckets::HourOfWeek, at, failed)?;
    let block = Buckets::Day.of_time(at).div_euclid(Buckets::Day.cells());
    if newest_block(pages, scope).is_some_and(|newest| block <= newest - DAY_BLOCKS) {
        return Ok(());
    }
    count(pages, scope, Buckets::Day, at, failed)?;
    drop_old_days(pages, scope);
    Ok(())
}

/// Writes finished and failed of each bucket from `first` on, two numbers each; 0 where nothing is known.
pub fn buckets_read(pages: &impl Pages, scope: &str, buckets: Buckets, first: i64, out: &mut [f64]) {
    out.fill(0.0);
    let cells = buckets.cells();
    let mut bucket = first;
    let mut rest = out;
    while !rest.is_empty() {
        let (block, cell) = (bucket.div_euclid(cells), bucket.rem_euclid(cells));
        let numbers = rest.len().min((cells - cell) as usize * 2);
        let (these, others) = rest.split_at_mut(numbers);
        if let Some(bytes) = HISTORY.get(pages, &key_of(scope, buckets, block)) {
            let counts = bytes[1 + cell as usize * CELL_BYTES..].chunks_exact(4);
            for (out, count) in these.iter_mut().zip(counts) {
                *out = f64::from(count_of(count));
            }
        }
        bucket += cells - cell;
        rest = others;
    }
}

fn count(pages: &mut impl PagesMut, scope: &str, buckets: Buckets, at: i64, failed: bool) -> Result<(), StoreError> {
    let (bucket, cells) = (buckets.of_time(at), buckets.cells());
    let block = bucket.div_euclid(cells);
    let key = key_of(scope, buckets, block);
    let known = HISTORY.get(pages, &key).map(|bytes| bytes.into_owned());
    let is_new = known.is_none();
    let mut bytes = known.unwrap_or_else(|| {
        let mut empty = vec![0; 1 + cells as usize * CELL_BYTES];
        empty[0] = VERSION;
        empty
    });
    assert!(bytes[0] == VERSION, "buckets of version {}", bytes[0]);
    let cell = 1 + bucket.rem_euclid(cells) as usize * CELL_BYTES;
    for (at, counts) in [(cell, true), (cell + 4, failed)] {
        let count = count_of(&bytes[at..at + 4]).saturating_add(u32::from(counts));
        bytes[at..at + 4].copy_from_slice(&count.to_le_bytes());
    }
    HISTORY.insert(pages, &key, &bytes)?;
    if is_new {
        HISTORY.insert(pages, &value_entry(buckets, block, at, &key), &[])?;
    }
    Ok(())
}

/// In the class of the rolling scopes blocks of days go by their first day, those of hours by the event that made them.
fn value_entry(buckets: Buckets, block: i64, made_at: i64, key: &[u8]) -> Vec<u8> {
    let time = match buckets {
        Buckets::HourOfWeek => made_at,
        Buckets::Day => block * buckets.cells() * DAY_MS,
    };
    value_key(Class::Rolling as u8, time, Table::Buckets, &key[1..])
}

fn newest_block(pages: &impl Pages, scope: &str) -> Option<i64> {
    blocks_of_days(pages, scope).next()
}

fn drop_old_days(pages: &mut impl PagesMut, scope: &str) {
    let blocks: Vec<i64> = blocks_of_days(pages, scope).collect();
    let Some(newest) = blocks.first() else { return };
    for block in blocks.iter().filter(|block| **block <= newest - DAY_BLOCKS) {
        let key = key_of(scope, Buckets::Day, *block);
        HISTORY.remove(pages, &key);
        HISTORY.remove(pages, &value_entry(Buckets::Day, *block, 0, &key));
    }
}

/// Newest first.
fn blocks_of_days(pages: &impl Pages, scope: &str) -> impl Iterator<Item = i64> {
    let prefix = prefix_of(scope, Buckets::Day);
    let mut cursor = HISTORY.seek(pages, &prefix);
    std::iter::from_fn(move || {
        let (key, _) = cursor.next(pages)?;
        let block: [u8; 8] = key.strip_prefix(prefix.as_slice())?.try_into().ok()?;
        Some(paged::unordered(!u64::from_be_bytes(block)))
    })
}

/// The end of the last day that a block holds outcomes of, as far as is known; hours hold those of all days of their scope.
pub fn held_until(pages: &impl Pages, key: &[u8]) -> Option<i64> {
    let (prefix, block) = key.split_last_chunk::<8>()?;
    let (tag, of_scope) = prefix.split_last()?;
    if *tag == Buckets::Day.tag() {
        return last_day(block, &HISTORY.get(pages, key)?);
    }
    let days = [of_scope, &[Buckets::Day.tag()]].concat();
    let (newest, cells) = HISTORY.seek(pages, &days).next(pages)?;
    last_day(newest.strip_prefix(days.as_slice())?.first_chunk()?, &cells)
}

/// The end of the last day of a block that has an outcome.
fn last_day(block: &[u8; 8], cells: &[u8]) -> Option<i64> {
    let cell = cells[1..].chunks(CELL_BYTES).rposition(|cell| count_of(&cell[..4]) > 0)?;
    let block = paged::unordered(!u64::from_be_bytes(*block));
    Some((block * Buckets::Day.cells() + cell as i64 + 1) * DAY_MS - 1)
}

fn key_of(scope: &str, buckets: Buckets, block: i64) -> Vec<u8> {
    join(&[&prefix_of(scope, buckets), &(!paged::ordered(block)).to_be_bytes()])
}

fn prefix_of(scope: &str, buckets: Buckets) -> Vec<u8> {
    let part = text_part(scope);
    join(&[&[Table::Buckets as u8, part.len() as u8], &part, &[buckets.tag()]])
}

fn count_of(bytes: &[u8]) -> u32 {
    let mut count = [0; 4];
    count.copy_from_slice(bytes);
    u32::from_le_bytes(count)
}
