use crate::chunk::{requeue, seal};
use crate::group::{COLUMNS_MAX, Group};
use crate::head::{Head, ROWS_MAX};
use crate::places::{Places, Run};
use crate::{SeriesError, labels};
use codec::{Announced, Block};
use paged::PagesMut;
use serde::Serialize;

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

/// Pages that applying a block can need.
pub fn pages_for_block(block: &Block<'_>) -> u32 {
    let groups = block.series() / COLUMNS_MAX + 2;
    (160 + block.series() * 2 + groups * 70 + block.count() * 16 / paged::PAGE_BYTES) as u32
}

/// Applies one batch of a target. A series that was never announced is kept by its id.
pub fn apply_metrics(
    pages: &mut impl PagesMut,
    target: &str,
    service: &str,
    announced: &[Announced<'_>],
    block: &Block<'_>,
) -> Result<Applied, SeriesError> {
    let mut done = Applied { times: (block.time(0), block.time(block.rows() - 1)), ..Applied::default() };
    let (mut places, moved) = Places::open(pages, target, service)?;
    done.moved = moved;
    let runs = places.find_all(pages, target, block.id_bytes())?;
    done.created = places.created;
    labels::announce(pages, &places.groups, announced)?;
    done.unannounced = count_unannounced(pages, &places.groups, &runs);
    let mut writer = Writer { rows: vec![None; places.groups.len()], groups: places.groups, done };
    if block.dense_row(0).is_some() {
        writer.write_dense(pages, block, &runs)?;
    } else {
        writer.write_listed(pages, block, &runs)?;
    }
    Ok(writer.done)
}

/// The groups of a target while the samples of a batch are written.
struct Writer {
    groups: Vec<(u32, Group)>,
    /// Row of the block last written, and where the cells of its row in the head begin, for each group.
    rows: Vec<Option<(usize, Option<usize>)>>,
    done: Applied,
}

impl Writer {
    fn write_dense(&mut self, pages: &mut impl PagesMut, block: &Block<'_>, runs: &[Run]) -> Result<(), SeriesError> {
        for row in 0..block.rows() {
            let Some(samples) = block.dense_row(row) else { return Ok(()) };
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
                let sample = value.to_bits().to_le_bytes();
                refused = self.put(pages, block.time(row), row, places[column], &sample).err();
            }
        });
        refused.map_or(Ok(()), Err)
    }

    /// Puts samples of a row of the block into neighbouring columns.
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
                let head = Head::at(self.groups[at].1.head);
                let to = self.row_for(pages, at, time)?.map(|row| head.row_start(pages, row));
                self.rows[at] = Some((row, to));
                to
            }
        };
        let count = (samples.len() / 8) as u64;
        let Some(to) = to else {
            self.done.out_of_order += count;
            return Ok(());
        };
        let put = Head::at(self.groups[at].1.head).put(pages, to, column, samples) as u64;
        self.done.applied += put;
        self.done.duplicates += count - put;
        Ok(())
    }

    /// The head's row for a time; none when that time is sealed.
    fn row_for(&self, pages: &mut impl PagesMut, at: usize, time: i64) -> Result<Option<usize>, SeriesError> {
        let (number, group) = &self.groups[at];
        let head = Head::at(group.head);
        if let Some(row) = head.find(pages, time) {
            return Ok(Some(row));
        }
        if time > head.sealed_until(pages) && head.rows(pages) == ROWS_MAX {
            seal(pages, *number, group)?;
        }
        if time <= head.sealed_until(pages) {
            return Ok(None);
        }
        let row = head.append(pages, time)?;
        requeue(pages, *number, group)?;
        Ok(Some(row))
    }
}

fn count_unannounced(pages: &impl PagesMut, groups: &[(u32, Group)], runs: &[Run]) -> u64 {
    let unnamed = |run: &Run| {
        let head = Head::at(groups[run.group].1.head);
        (run.column..run.column + run.columns).filter(|column| !head.is_named(pages, *column)).count() as u64
    };
    runs.iter().map(unnamed).sum()
}
