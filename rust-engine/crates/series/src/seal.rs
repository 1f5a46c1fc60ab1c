//! The oldest rows of a head that is full are set aside, and their columns are sealed some at a time: in the background, and by
//! calls that bring samples of the target where that has not come far enough. Until the last column is done all rows are read
//! where they were set aside (see `full`); then their timestamps and their block of the tiers come, and the rows go.

use crate::chunk::requeue;
use crate::full::Full;
use crate::group::{self, Group, load};
use crate::head::{Head, ROWS_MAX, SEALED_ROWS};
use crate::keys::{self, Kind, TIMES};
use crate::packed::Effort;
use crate::times::encode_times;
use crate::values::encode;
use crate::{SeriesError, TREE, due, tier_block};
use codec::Block;
use paged::{Pages, PagesMut, Tree};
use pool::PoolError;

/// Columns of a task that runs elsewhere.
const COLUMNS_MAX: usize = 32;
/// A call seals so many columns at least, 0.3 ms; a group with no more is sealed as soon as its head is full.
const COLUMNS_MIN: usize = 16;
/// Rows of the running head before calls seal: until then it may be done in the background.
const ROWS_WAITED: usize = 48;
/// Samples that a call brings for each column that it seals: those of the rows that are left until the head is full again
/// suffice for all columns and the block.
const SAMPLES_A_COLUMN: usize = 80;
/// Columns in the block that take as long as sealing one.
const BLOCK_COLUMNS: usize = 7;

/// Some columns of rows that were set aside, copied; after the last one all of them, for their block.
#[derive(Debug)]
pub struct Seal {
    of: Of,
    /// Empty while there are columns to seal.
    times: Vec<i64>,
    columns: Vec<Vec<u64>>,
}

/// Of which rows, and how many of their columns were sealed.
#[derive(Debug)]
struct Of {
    group: u32,
    last: i64,
    sealed: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct SealDone {
    of: Of,
    made: Made,
}

#[derive(Debug)]
enum Made {
    /// Of each column; none without a sample.
    Chunks(Vec<Option<Vec<u8>>>),
    /// What all columns share.
    Shared { times: Vec<u8>, blocks: Vec<(i64, Vec<u8>)> },
}

/// Sets the oldest rows of a full head aside, and keeps the rest as the window for late ones.
pub fn set_aside(pages: &mut impl PagesMut, number: u32, group: &Group) -> Result<(), SeriesError> {
    finish(pages, number, group)?;
    let head = Head::at(group.head);
    let order = head.sorted_rows(pages);
    let (sealed, kept) = order.split_at(order.len().min(SEALED_ROWS));
    let Some(last) = sealed.last() else { return Ok(()) };
    TREE.insert(pages, &keys::full(number), &[])?;
    head.set_aside(pages, kept, head.time(pages, *last))?;
    if head.columns(pages) <= COLUMNS_MIN {
        finish(pages, number, group)?;
    }
    Ok(())
}

fn finish(pages: &mut impl PagesMut, number: u32, group: &Group) -> Result<(), SeriesError> {
    while let Some(seal) = next_of(pages, number, group, COLUMNS_MAX) {
        install(pages, seal.run())?;
    }
    Ok(())
}

/// Columns that a call with so many samples seals beside those whose rows have to make place at once.
fn columns_for(samples: usize) -> usize {
    COLUMNS_MIN.max(samples / SAMPLES_A_COLUMN)
}

/// Pages that a call can need to seal the groups of a target and series that are still to come.
pub fn pages_needed(pages: &impl Pages, groups: impl Iterator<Item = Group>, new: usize, block: &Block<'_>) -> usize {
    let (mut at_once, mut to_go_on) = (times_at_once(block.rows(), new, true) * pages_of(new), 0);
    for group in groups {
        let head = Head::at(group.head);
        let (of_group, is_free) = (pages_of(head.columns(pages)), head.full(pages).is_none());
        at_once += times_at_once(head.rows(pages) + block.rows(), head.columns(pages), is_free) * of_group;
        to_go_on += if is_free { 0 } else { of_group };
    }
    // What a block takes for the columns that it counts as is less than their chunks, but for the last one.
    at_once + to_go_on.min(pages_of(columns_for(block.count()) * 2) + pages_of(group::COLUMNS_MAX))
}

/// How often the rows of a head are sealed at once. Those of a wide group that are set aside last can wait.
fn times_at_once(rows: usize, columns: usize, is_free: bool) -> usize {
    let waits = usize::from(columns > COLUMNS_MIN && is_free);
    rows.saturating_sub(ROWS_MAX).div_ceil(SEALED_ROWS).saturating_sub(waits)
}

/// Pages for the chunks of so many columns, one for each, and for their part of a block, half a one.
fn pages_of(columns: usize) -> usize {
    columns * 8 / 5 + 24
}

/// Seals on with a call that brought samples of a target, if there is room.
pub fn go_on(pages: &mut impl PagesMut, groups: &[(u32, Group)], samples: usize) -> Result<(), SeriesError> {
    let mut left = columns_for(samples);
    for (number, group) in groups {
        let head = Head::at(group.head);
        if head.full(pages).is_none() || head.rows(pages) < ROWS_WAITED {
            continue;
        }
        while let Some(seal) = next_of(pages, *number, group, left).filter(|_| left > 0) {
            left = left.saturating_sub(seal.cost());
            match install(pages, seal.run()) {
                Err(SeriesError::Pool(PoolError::PoolFull { .. })) => return Ok(()),
                installed => installed?,
            }
        }
    }
    Ok(())
}

/// What is next to be sealed in a shard.
pub fn next(pages: &mut impl PagesMut) -> Option<Seal> {
    loop {
        let (key, _) = TREE.seek(pages, &keys::FULL_START).next(pages)?;
        let number = keys::split_full(key)?;
        let group: Option<Group> = load(pages, &keys::group(number));
        match group.and_then(|group| next_of(pages, number, &group, COLUMNS_MAX)) {
            None => TREE.remove(pages, &keys::full(number)),
            seal => return seal,
        };
    }
}

/// At most so many columns of a group.
fn next_of(pages: &impl Pages, number: u32, group: &Group, most: usize) -> Option<Seal> {
    let full = Full::of(pages, group)?;
    let (columns, sealed) = (full.columns(pages), full.head().sealed(pages));
    let of = Of { group: number, last: full.last(pages), sealed };
    if sealed == columns {
        let times = full.rows(pages).into_iter().map(|(time, _)| time).collect();
        return Some(Seal { of, times, columns: full.cells(pages, 0..columns) });
    }
    let columns = full.cells(pages, sealed..columns.min(sealed + most));
    Some(Seal { of, times: Vec::new(), columns })
}

impl Seal {
    /// Seals.
    pub fn run(self) -> SealDone {
        let Self { of, times, columns } = self;
        let made = if times.is_empty() {
            Made::Chunks(columns.iter().map(|cells| encode(cells, Effort::Quick)).collect())
        } else {
            Made::Shared { times: encode_times(&times), blocks: tier_block::encode_blocks(&times, &columns) }
        };
        SealDone { of, made }
    }

    /// How long it takes, as columns to be sealed.
    fn cost(&self) -> usize {
        if self.times.is_empty() { self.columns.len() } else { self.columns.len().div_ceil(BLOCK_COLUMNS) }
    }
}

/// Puts the columns into the tree as far as there is room.
pub fn install(pages: &mut impl PagesMut, done: SealDone) -> Result<(), SeriesError> {
    let SealDone { of, made } = done;
    let Some(group) = load::<Group>(pages, &keys::group(of.group)) else { return Ok(()) };
    let is_next = |full: &Full| (full.last(pages), full.head().sealed(pages)) == (of.last, of.sealed);
    let Some(full) = Full::of(pages, &group).filter(is_next) else { return Ok(()) };
    match made {
        Made::Chunks(chunks) => {
            for (column, chunk) in (of.sealed..).zip(chunks) {
                if let Some(chunk) = chunk {
                    TREE.insert(pages, &keys::chunk(of.group, column as u16, of.last), &chunk)?;
                }
                full.head().set_sealed(pages, column + 1);
            }
            Ok(())
        }
        Made::Shared { times, blocks } => end(pages, (of.group, &group), full, &times, &blocks),
    }
}

/// All columns are sealed: the chunks and the block are read from now on, the rows go.
fn end(
    pages: &mut impl PagesMut,
    (number, group): (u32, &Group),
    full: Full,
    times: &[u8],
    blocks: &[(i64, Vec<u8>)],
) -> Result<(), SeriesError> {
    let head = Head::at(group.head);
    let last = full.last(pages);
    // And the entries of the chunk and of the head in the eviction order, and of the queue.
    let needed = tier_block::pages_needed(blocks) + Tree::pages_needed(times.len()) + 3 * Tree::pages_needed(0);
    pages.require(TREE.region(), needed)?;
    tier_block::insert(pages, number, blocks)?;
    TREE.insert(pages, &keys::chunk(number, TIMES, last), times)?;
    TREE.insert(pages, &keys::order(last, Kind::Chunk, number), &[])?;
    forget(pages, number, head, full);
    requeue(pages, number, head)?;
    due::sealed(pages, number, head)
}

/// Drops the rows that were set aside.
pub fn forget(pages: &mut impl PagesMut, number: u32, head: Head, full: Full) {
    head.set_full(pages, None);
    full.free(pages);
    TREE.remove(pages, &keys::full(number));
}
