//! What the newest outcomes of a scope taught about how long things take: for each a row of numbers, of which TypeScript alone
//! knows the meaning (consumers/models/timing.ts). Rows stay as they came, whatever comes late; the oldest make room for new ones.

use crate::evict::Class;
use crate::keys::{Table, record_key, value_key};
use crate::rolling::check_scope;
use crate::stored::reindex;
use crate::{HISTORY, StoreError};
use paged::{Pages, PagesMut};

/// Rows kept of a scope.
pub const TIMINGS_MAX: usize = 100;
/// Numbers of a row, at most.
const TIMING_WIDTH_MAX: usize = 64;
/// Version of the layout.
pub const VERSION: u8 = 1;
/// Bytes before the rows.
const HEAD: usize = 12;

/// Adds a row. Lies in the pages little-endian: 0 version u8 · 1 numbers of a row u8 · 2 rows u8 · 3 place of the oldest u8 ·
/// 4 last at i64 · 12 rows, f32 each number.
pub fn timings_add(pages: &mut impl PagesMut, scope: &str, at: i64, row: &[f64]) -> Result<(), StoreError> {
    check_scope(scope)?;
    if row.is_empty() || row.len() > TIMING_WIDTH_MAX {
        return Err(StoreError::invalid("row", format!("{} numbers, 1 to {TIMING_WIDTH_MAX}", row.len())));
    }
    if let Some(number) = row.iter().find(|number| !(**number as f32).is_finite()) {
        return Err(StoreError::invalid("row", format!("{number} is no number of 32 bits")));
    }
    let key = record_key(Table::Timings, scope);
    let known = HISTORY.get(pages, &key).map(|bytes| bytes.into_owned());
    let known_entry = known.as_deref().map(|bytes| (HISTORY, vec![value_entry(&key, last_at(bytes))]));
    let mut bytes = known.unwrap_or_else(|| [&[VERSION, row.len() as u8, 0, 0], &at.to_le_bytes()[..]].concat());
    check_version(&bytes);
    if usize::from(bytes[1]) != row.len() {
        return Err(StoreError::invalid("row", format!("{} numbers, those of the scope have {}", row.len(), bytes[1])));
    }
    let row: Vec<u8> = row.iter().flat_map(|number| (*number as f32).to_le_bytes()).collect();
    if usize::from(bytes[2]) < TIMINGS_MAX {
        bytes[2] += 1;
        bytes.extend(row);
    } else {
        let oldest = HEAD + usize::from(bytes[3]) * row.len();
        bytes[oldest..oldest + row.len()].copy_from_slice(&row);
        bytes[3] = (bytes[3] + 1) % TIMINGS_MAX as u8;
    }
    let last_at = at.max(last_at(&bytes));
    bytes[4..HEAD].copy_from_slice(&last_at.to_le_bytes());
    HISTORY.insert(pages, &key, &bytes)?;
    reindex(pages, known_entry, (HISTORY, &[value_entry(&key, last_at)]))
}

/// Writes the rows of a scope, newest first, as many as there is room for: how many.
pub fn timings_read(pages: &impl Pages, scope: &str, out: &mut [f64]) -> usize {
    let Some(bytes) = HISTORY.get(pages, &record_key(Table::Timings, scope)) else { return 0 };
    check_version(&bytes);
    let (width, rows, oldest) = (usize::from(bytes[1]), usize::from(bytes[2]), usize::from(bytes[3]));
    let mut written = 0;
    for (back, out) in out.chunks_exact_mut(width).take(rows).enumerate() {
        let from = HEAD + (oldest + rows - 1 - back) % rows * width * 4;
        for (out, number) in out.iter_mut().zip(bytes[from..].chunks_exact(4)) {
            *out = f64::from(f32::from_le_bytes([number[0], number[1], number[2], number[3]]));
        }
        written += 1;
    }
    written
}

fn check_version(bytes: &[u8]) {
    assert!(bytes[0] == VERSION, "timings of version {}", bytes[0]);
}

fn last_at(bytes: &[u8]) -> i64 {
    let at = bytes[4..].first_chunk().expect("stored timings have their head");
    i64::from_le_bytes(*at)
}

fn value_entry(key: &[u8], last_at: i64) -> Vec<u8> {
    value_key(Class::Rolling as u8, last_at, Table::Timings, &key[1..])
}
