use crate::chunk::requeue;
use crate::group::{COLUMNS_MAX, Group, Target, load};
use crate::head::{ABSENT, Head, ROWS_MAX, without_absent};
use crate::late::{self, LATE_WINDOW_MS};
use crate::places::{Places, Run};
use crate::{SeriesError, keys, labels, seal};
use codec::{Announced, Block};
use paged::{PAGE_BYTES, Pages, PagesMut};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, btree_map::Entry};

/// What a batch did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// Samples kept.
    pub applied: u64,
    /// Samples at a place that has one already; the first holds.
    pub duplicates: u64,
    /// Samples older than the window for late ones.
    pub out_of_order: u64,
    /// Series of the batch whose labels are not known.
    pub unannounced: u64,
    /// Series seen for the first time.
    #[serde(skip)]
    pub created: u32,
    /// The service that the target belonged to before, with the series that moved.
    #[serde(skip)]
    pub moved: Option<(String, u32)>,
    /// Largest and smallest timestamp of the batch.
    #[serde(skip)]
    pub times: (i64, i64),
}

/// With a run for every so many columns, the runs of a batch are put in order first.
const SCATTERED_COLUMNS: usize = 16;

/// Pages of a head with all rows, of one that is set aside beside it, and of its ids.
const HEAD_PAGES: usize = 72;
/// Bytes that a late sample takes at most, in leaves that are half full.
const LATE_BYTES: usize = 20;

/// Pages that applying a block to a target can need.
pub fn pages_for_block(pages: &impl Pages, target: &str, block: &Block<'_>) -> u32 {
    let target: Target = load(pages, &keys::target(target)).unwrap_or_default();
    let known = target.groups.iter().filter_map(|number| load::<Group>(pages, &keys::group(*number)));
    let sealed = seal::pages_needed(pages, known, block.series(), block);
    let groups = (target.groups.len() + block.series().div_ceil(COLUMNS_MAX)).min(block.series());
    // A sample is late or in a head.
    let late = block.rows() * groups / 64 + block.count() * LATE_BYTES / PAGE_BYTES;
    let heads = groups * HEAD_PAGES + block.series() / 4;
    (150 + heads + sealed.max(late)) as u32
}

/// Applies one batch of a target with the usual window for late samples.
pub fn apply_metrics(
    pages: &mut impl PagesMut,
    target: &str,
    service: &str,
    announced: &[Announced<'_>],
    block: &Block<'_>,
) -> Result<Applied, SeriesError> {
    apply_metrics_within(pages, target, service, announced, block, LATE_WINDOW_MS)
}

/// Applies one batch of a target. A sample whose row is sealed is kept when it is at most `late_window` ms older than the newest
/// one of its target. A series that was never announced is kept by its id.
pub fn apply_metrics_within(
    pages: &mut impl PagesMut,
    target: &str,
    service: &str,
    announced: &[Announced<'_>],
    block: &Block<'_>,
    late_window: i64,
) -> Result<Applied, SeriesError> {
    let mut done = Applied { times: (block.time(0), block.time(block.rows() - 1)), ..Applied::default() };
    let mut places = Places::open(pages, target, service);
    // All ids are looked up first: a batch that is refused changes nothing.
    let found = places.find_all(pages, block.id_bytes())?;
    done.moved = places.move_to(pages, target, service)?;
    let runs = places.make_all(pages, target, block.id_bytes(), found)?;
    done.created = places.created;
    labels::announce(pages, &places.groups, announced)?;
    done.unannounced = count_unannounced(pages, &places.groups, &runs);
    let rows = vec![None; places.groups.len()];
    let mut writer = Writer { rows, groups: places.groups, done, late_window, late_from: None, late: BTreeMap::new() };
    if block.dense_row(0).is_some() {
        writer.write_dense(pages, block, &runs)?;
    } else {
        writer.write_listed(pages, block, &runs)?;
    }
    writer.write_late(pages)?;
    seal::go_on(pages, &writer.groups, block.count())?;
    Ok(writer.done)
}

/// Where the samples of a row go.
#[derive(Clone, Copy, Debug)]
enum To {
    /// Into the head, from this place on.
    Head(usize),
    /// To the late ones.
    Late,
    /// They are too old.
    Nowhere,
}

/// The groups of a target while the samples of a batch are written.
struct Writer {
    groups: Vec<(u32, Group)>,
    /// Row of the block last written, and where the cells of its row in the head begin, for each group.
    rows: Vec<Option<(usize, To)>>,
    done: Applied,
    late_window: i64,
    /// The oldest time that is kept, once it was asked for.
    late_from: Option<i64>,
    /// By position of the group: time, column and bits of samples whose rows are sealed.
    late: BTreeMap<usize, BTreeMap<(i64, u16), u64>>,
}

impl Writer {
    fn write_dense(&mut self, pages: &mut impl PagesMut, block: &Block<'_>, runs: &[Run]) -> Result<(), SeriesError> {
        if runs.len() * SCATTERED_COLUMNS > self.groups.len() * COLUMNS_MAX {
            return self.write_scattered(pages, block, runs);
        }
        self.write_runs(pages, block, runs)
    }

    /// Series in any order: their samples are put in the order of the groups before the pages are looked at.
    fn write_scattered(
        &mut self,
        pages: &mut impl PagesMut,
        block: &Block<'_>,
        runs: &[Run],
    ) -> Result<(), SeriesError> {
        let none = ABSENT.to_le_bytes();
        let mut cells = vec![none; self.groups.len() * COLUMNS_MAX];
        for row in 0..block.rows() {
            let Some(samples) = block.dense_row(row) else { return Ok(()) };
            let samples: &[[u8; 8]] = samples.as_chunks().0;
            for run in runs {
                let start = run.group * COLUMNS_MAX + run.column;
                let own = &mut cells[start..start + run.columns];
                for (cell, sample) in own.iter_mut().zip(&samples[run.from..run.from + run.columns]) {
                    if *cell == none {
                        *cell = without_absent(u64::from_le_bytes(*sample)).to_le_bytes();
                    } else {
                        self.done.duplicates += 1;
                    }
                }
            }
            for at in 0..self.groups.len() {
                let own = &mut cells[at * COLUMNS_MAX..(at + 1) * COLUMNS_MAX];
                if let Some(first) = own.iter().position(|cell| *cell != none) {
                    let last = own.iter().rposition(|cell| *cell != none).unwrap_or(first);
                    self.put(pages, block.time(row), row, (at, first), own[first..=last].as_flattened())?;
                    own.fill(none);
                }
            }
        }
        Ok(())
    }

    fn write_runs(&mut self, pages: &mut impl PagesMut, block: &Block<'_>, runs: &[Run]) -> Result<(), SeriesError> {
        for row in 0..block.rows() {
            let Some(samples) = block.dense_row(row) else { return Ok(()) };
            let samples = all_present(samples);
            for run in runs {
                let samples = &samples[run.from * 8..(run.from + run.columns) * 8];
                self.put(pages, block.time(row), row, (run.group, run.column), samples)?;
            }
        }
        Ok(())
    }

    fn write_listed(&mut self, pages: &mut impl PagesMut, block: &Block<'_>, runs: &[Run]) -> Result<(), SeriesError> {
        let places: Vec<(usize, usize)> =
            runs.iter().flat_map(|run| (0..run.columns).map(|n| (run.group, run.column + n))).collect();
        let mut refused = None;
        block.each(|row, column, value| {
            if refused.is_none() {
                let sample = without_absent(value.to_bits()).to_le_bytes();
                refused = self.put(pages, block.time(row), row, places[column], &sample).err();
            }
        });
        refused.map_or(Ok(()), Err)
    }

    /// Puts samples of a row of the block into neighbouring columns; what is absent among them is none.
    #[inline]
    fn put(
        &mut self,
        pages: &mut impl PagesMut,
        time: i64,
        row: usize,
        (at, column): (usize, usize),
        samples: &[u8],
    ) -> Result<(), SeriesError> {
        let to = match self.rows[at] {
            Some((last, to)) if last == row => to,
            _ => {
                let to = self.place_for(pages, at, time)?;
                self.rows[at] = Some((row, to));
                to
            }
        };
        let to = match to {
            To::Head(to) => to,
            To::Late => {
                self.keep_late(at, time, column, samples);
                return Ok(());
            }
            To::Nowhere => {
                let samples: &[[u8; 8]] = samples.as_chunks().0;
                let count = samples.iter().filter(|sample| u64::from_le_bytes(**sample) != ABSENT).count();
                self.done.out_of_order += count as u64;
                return Ok(());
            }
        };
        let (put, count) = Head::at(self.groups[at].1.head).put(pages, to, column, samples);
        self.done.applied += put as u64;
        self.done.duplicates += (count - put) as u64;
        Ok(())
    }

    fn keep_late(&mut self, at: usize, time: i64, column: usize, samples: &[u8]) {
        let late = self.late.entry(at).or_default();
        let samples = samples.as_chunks().0.iter().map(|sample| u64::from_le_bytes(*sample));
        for (n, bits) in samples.enumerate().filter(|(_, bits)| *bits != ABSENT) {
            match late.entry((time, (column + n) as u16)) {
                Entry::Vacant(place) => drop(place.insert(bits)),
                Entry::Occupied(_) => self.done.duplicates += 1,
            }
        }
    }

    fn write_late(&mut self, pages: &mut impl PagesMut) -> Result<(), SeriesError> {
        for (at, samples) in std::mem::take(&mut self.late) {
            let (number, group) = &self.groups[at];
            let kept = late::add(pages, *number, group, &samples)?;
            self.done.applied += kept;
            self.done.duplicates += samples.len() as u64 - kept;
        }
        Ok(())
    }

    /// Where a row goes whose time is sealed. Rows of the batch that came before are older.
    fn place_for_sealed(&mut self, pages: &impl PagesMut, at: usize, time: i64) -> To {
        let from = self.late_from.unwrap_or_else(|| {
            let newest = self.groups.iter().map(|(_, group)| Head::at(group.head).newest(pages)).max();
            newest.unwrap_or(i64::MIN).saturating_sub(self.late_window)
        });
        self.late_from = Some(from);
        let dropped = Head::at(self.groups[at].1.head).dropped_until(pages);
        if time >= from && time > dropped { To::Late } else { To::Nowhere }
    }

    fn place_for(&mut self, pages: &mut impl PagesMut, at: usize, time: i64) -> Result<To, SeriesError> {
        let (number, group) = &self.groups[at];
        let head = Head::at(group.head);
        if let Some(row) = head.find(pages, time) {
            return Ok(To::Head(head.row_start(pages, row)));
        }
        if time > head.sealed_until(pages) && head.rows(pages) == ROWS_MAX {
            seal::set_aside(pages, *number, group)?;
        }
        if time <= head.sealed_until(pages) {
            return Ok(self.place_for_sealed(pages, at, time));
        }
        let row = head.append(pages, time)?;
        requeue(pages, *number, head)?;
        Ok(To::Head(head.row_start(pages, row)))
    }
}

/// Samples of which none has the bits of a cell without one.
fn all_present(samples: &[u8]) -> Cow<'_, [u8]> {
    let cells: &[[u8; 8]] = samples.as_chunks().0;
    if cells.iter().fold(false, |any, cell| any | (u64::from_le_bytes(*cell) == ABSENT)) {
        let present = |cell: &[u8; 8]| without_absent(u64::from_le_bytes(*cell)).to_le_bytes();
        return Cow::Owned(cells.iter().flat_map(present).collect());
    }
    Cow::Borrowed(samples)
}

fn count_unannounced(pages: &impl PagesMut, groups: &[(u32, Group)], runs: &[Run]) -> u64 {
    let named: Vec<_> = groups.iter().map(|(_, group)| Head::at(group.head).named(pages)).collect();
    let unnamed = |run: &Run| {
        let named = &named[run.group];
        (run.column..run.column + run.columns).filter(|column| !named.contains(*column as u8)).count()
    };
    runs.iter().map(unnamed).sum::<usize>() as u64
}
