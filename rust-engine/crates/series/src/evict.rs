use crate::chunk::{self, requeue};
use crate::full::{self, Full};
use crate::group::{COLUMNS_MAX, Group, Target, load, save};
use crate::head::{ABSENT, Head};
use crate::keys::{self, Kind, Resolution};
use crate::tier::Tier;
use crate::{TREE, gone, group_set, late, seal, tier_drop};
use paged::{Pages, PagesMut};
use std::ops::Range;

/// The resolutions of the tiers.
const TIERS: &[Resolution] = &[Resolution::FiveMinutes, Resolution::Hour];
/// Columns of a chunk that go in one step: some 20 µs.
const COLUMNS_AT_ONCE: usize = 16;

/// The samples of a resolution that go next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldestSamples {
    /// How fine they are.
    pub resolution: Resolution,
    /// Of a chunk the latest time, of a head the first.
    pub time: i64,
    entry: Vec<u8>,
}

/// A chunk of which some columns have gone already. Nobody reads the rest, since its timestamps went first; the entry in the
/// eviction order goes last. When this is forgotten, its drop only begins anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropping {
    entry: Vec<u8>,
    column: usize,
}

/// What a step dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evicted {
    /// How fine the samples are.
    pub resolution: Resolution,
    /// Samples.
    pub samples: u64,
    /// No sample after this time was dropped with them.
    pub until: i64,
    /// Coarser resolutions that lose them too: what was dropped had not come into their tiers.
    pub coarser: &'static [Resolution],
    /// The service and how many of its series, when the last samples of a group went.
    pub series: Option<(String, u32)>,
}

/// The chunk or head of a resolution that goes next.
pub fn oldest_samples(pages: &impl Pages, resolution: Resolution) -> Option<OldestSamples> {
    let prefix = keys::order_of(resolution);
    let (key, _) = TREE.seek(pages, &prefix).next(pages).filter(|(key, _)| key.starts_with(&prefix))?;
    keys::split_order(key).map(|(time, _, _)| OldestSamples { resolution, time, entry: key.to_vec() })
}

/// Takes one step in dropping a chunk or head; `dropping` says how far that has come, from step to step.
pub fn evict_samples(pages: &mut impl PagesMut, oldest: &OldestSamples, dropping: &mut Option<Dropping>) -> Evicted {
    let begun = dropping.take().filter(|begun| begun.entry == oldest.entry).map_or(0, |begun| begun.column);
    let mut done =
        Evicted { resolution: oldest.resolution, samples: 0, until: oldest.time, coarser: &[], series: None };
    let place = keys::split_order(&oldest.entry);
    let known = place.and_then(|(_, kind, number)| Some((kind, number, load::<Group>(pages, &keys::group(number))?)));
    let Some((kind, number, group)) = known else {
        if !place.is_some_and(|(_, _, number)| gone::step(pages, number)) {
            TREE.remove(pages, &oldest.entry);
        }
        return done;
    };
    match kind {
        Kind::Chunk => {
            let columns = Head::at(group.head).columns(pages);
            if begun == 0 {
                if Head::at(group.head).not_in_tiers(pages).iter().flatten().any(|(first, _)| *first <= oldest.time) {
                    done.coarser = TIERS;
                }
                done.samples = late::forget_until(pages, number, Head::at(group.head), oldest.time);
                chunk::drop_times(pages, number, oldest.time);
            }
            let (next, samples) = drop_columns(pages, number, begun..columns, oldest.time);
            done.samples += samples;
            if next < columns {
                *dropping = Some(Dropping { entry: oldest.entry.clone(), column: next });
                return done;
            }
        }
        Kind::Head => match Full::of(pages, &group) {
            Some(full) => {
                drop_set_aside(pages, number, &group, full, &mut done);
                return done;
            }
            None => {
                (done.samples, done.until) = drop_head(pages, &group, oldest.time);
                done.coarser = TIERS;
            }
        },
        Kind::FiveMinutes | Kind::Hour => {
            let tier = if kind == Kind::Hour { Tier::Hour } else { Tier::Five };
            let next = (begun + COLUMNS_AT_ONCE).min(COLUMNS_MAX);
            if tier == Tier::Five && begun == 0 {
                done.samples = tier_drop::drop_blocks(pages, number, oldest.time);
                done.coarser = if done.samples > 0 { &[Resolution::Hour] } else { &[] };
            }
            done.samples += tier_drop::drop_columns(pages, number, tier, begun..next, oldest.time);
            if next < COLUMNS_MAX {
                *dropping = Some(Dropping { entry: oldest.entry.clone(), column: next });
                return done;
            }
        }
    }
    finish(pages, done, oldest, number, &group)
}

fn finish(pages: &mut impl PagesMut, mut done: Evicted, oldest: &OldestSamples, number: u32, group: &Group) -> Evicted {
    let (series, goes_on) = drop_empty_group(pages, number, group).unzip();
    done.series = series;
    if goes_on != Some(true) {
        TREE.remove(pages, &oldest.entry);
    }
    done
}

/// Drops the first columns of a chunk, and of those that are being merged with it: fewer where these are many. The column that
/// is next, and how many samples went.
fn drop_columns(pages: &mut impl PagesMut, number: u32, columns: Range<usize>, last: i64) -> (usize, u64) {
    let (mut chunks, mut samples) = (0, 0);
    let mut next = columns.start;
    for column in columns.take(COLUMNS_AT_ONCE) {
        let (of_column, had) = chunk::drop_column(pages, number, column as u16, last);
        chunks += of_column;
        samples += had;
        next = column + 1;
        if chunks >= COLUMNS_AT_ONCE {
            break;
        }
    }
    (next, samples)
}

/// One step towards dropping the rows that were set aside: first the columns that are sealed, since the rows say what they hold.
fn drop_set_aside(pages: &mut impl PagesMut, number: u32, group: &Group, full: Full, done: &mut Evicted) {
    let (sealed, last) = (full.head().sealed(pages), full.last(pages));
    let left = sealed.saturating_sub(COLUMNS_AT_ONCE);
    for column in left..sealed {
        TREE.remove(pages, &keys::chunk(number, column as u16, last));
    }
    full.head().set_sealed(pages, left);
    if left > 0 {
        return;
    }
    let head = Head::at(group.head);
    let rows: Vec<usize> = full.rows(pages).into_iter().map(|(_, row)| row).collect();
    done.samples = late::forget_until(pages, number, head, last) + samples_of(pages, full.head(), &rows);
    done.until = last;
    done.coarser = TIERS;
    seal::forget(pages, number, head, full);
    // Without a page for an entry of their own the rows that are left keep that of those that went.
    drop(requeue(pages, number, head));
}

fn samples_of(pages: &impl Pages, head: Head, rows: &[usize]) -> u64 {
    let mut cells = vec![ABSENT; head.columns(pages)];
    let mut samples = 0;
    for row in rows {
        head.read(pages, *row, 0, &mut cells);
        samples += cells.iter().filter(|cell| **cell != ABSENT).count() as u64;
    }
    samples
}

/// Samples of the head and the latest of their times.
fn drop_head(pages: &mut impl PagesMut, group: &Group, first: i64) -> (u64, i64) {
    let head = Head::at(group.head);
    let rows = head.sorted_rows(pages);
    let samples = samples_of(pages, head, &rows);
    let last = rows.last().map_or(first, |row| head.time(pages, *row));
    head.clear(pages);
    head.set_queued_at(pages, None);
    head.set_sealed_until(pages, last.max(head.sealed_until(pages)));
    head.set_dropped_until(pages, last.max(head.dropped_until(pages)));
    (samples, last)
}

/// Begins to forget a group that has no samples any more: its service, how many series it had, and whether there is more to do.
fn drop_empty_group(pages: &mut impl PagesMut, number: u32, group: &Group) -> Option<((String, u32), bool)> {
    let head = Head::at(group.head);
    let prefix = keys::chunks_of(number);
    let has_chunk = TREE.seek(pages, &prefix).next(pages).is_some_and(|(key, _)| key.starts_with(&prefix));
    if has_chunk || !full::rows(pages, head).is_empty() || tier_drop::has_pieces(pages, number) {
        return None;
    }
    let target_key = keys::target(&group.target);
    let mut target: Target = load(pages, &target_key)?;
    target.groups.retain(|other| *other != number);
    if target.groups.is_empty() {
        TREE.remove(pages, &target_key);
    } else if save(pages, &target_key, &target).is_err() {
        // Only a target of hundreds of groups needs a page to shrink; its empty group then stays until there is one.
        return None;
    }
    let columns = head.columns(pages);
    late::drop_until(pages, number, i64::MAX);
    group_set::remove(pages, &keys::by_service_prefix(&target.service), number);
    TREE.remove(pages, &keys::work(number));
    let goes_on = gone::begin(pages, number, group, columns);
    Some(((target.service, columns as u32), goes_on))
}
