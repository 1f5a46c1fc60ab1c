//! Work on rows and sealed data that can wait. A task is a copy of what it needs: it may run on any thread while the shard goes on.
//! What comes of it is installed when what it was made of is still there; else it is nothing, and the work comes again.

use crate::amend::{self, Amend, Amended};
use crate::merge::{self, Merge, Merged};
use crate::seal::{self, Seal, SealDone};
use crate::tier_merge::{self, MergedTiers, TierMerge};
use crate::{SeriesError, due};
use paged::PagesMut;
use pool::PoolError;

/// Groups looked at for one task.
const LOOKED_AT_MAX: usize = 32;

/// Work to be done on any thread. Holds at most some 1 MiB, an `Amend` 4 MiB, and half as much more while it runs.
#[derive(Debug)]
pub enum Task {
    /// Some columns of rows that were set aside become a chunk each.
    Seal(Seal),
    /// Some columns of neighbouring chunks become one chunk each.
    Chunks(Merge),
    /// A block of the tiers learns of late samples.
    Amend(Amend),
    /// Some columns of neighbouring pieces of tiers become one chunk each.
    Tiers(TierMerge),
}

/// What came of a task, to be installed.
#[derive(Debug)]
pub enum Done {
    /// Of `Task::Seal`.
    Seal(SealDone),
    /// Of `Task::Chunks`.
    Chunks(Merged),
    /// Of `Task::Amend`.
    Amend(Amended),
    /// Of `Task::Tiers`.
    Tiers(MergedTiers),
}

/// What an installation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repacked {
    /// Chunks that were replaced by others.
    pub chunks: u64,
    /// There was no room for all of it: the rest comes again, and had better wait.
    pub refused: bool,
}

impl Task {
    /// Does the work.
    pub fn run(self) -> Done {
        match self {
            Self::Seal(seal) => Done::Seal(seal.run()),
            Self::Chunks(merge) => Done::Chunks(merge.run()),
            Self::Amend(amend) => Done::Amend(amend.run()),
            Self::Tiers(merge) => Done::Tiers(merge.run()),
        }
    }
}

/// The next work of a shard; none when nothing is due.
pub fn next_task(pages: &mut impl PagesMut) -> Option<Task> {
    if let Some(seal) = seal::next(pages) {
        return Some(Task::Seal(seal));
    }
    for _ in 0..LOOKED_AT_MAX {
        let group = due::first(pages)?;
        if let Some(merge) = merge::next(pages, group) {
            return Some(Task::Chunks(merge));
        }
        if let Some(amend) = amend::next(pages, group) {
            return Some(Task::Amend(amend));
        }
        if let Some(merge) = tier_merge::next(pages, group) {
            return Some(Task::Tiers(merge));
        }
        due::done(pages, group);
    }
    None
}

/// Puts what came of a task into its place, as far as there is room. Readers find every sample before and after.
pub fn install(pages: &mut impl PagesMut, done: Done) -> Result<Repacked, SeriesError> {
    let mut repacked = Repacked::default();
    let installed = match done {
        Done::Seal(done) => seal::install(pages, done),
        Done::Chunks(merged) => merge::install(pages, merged, &mut repacked),
        Done::Amend(amended) => amend::install(pages, amended).map(|replaced| repacked.chunks += replaced),
        Done::Tiers(merged) => tier_merge::install(pages, merged).map(|replaced| repacked.chunks += replaced),
    };
    match installed {
        Err(SeriesError::Pool(PoolError::PoolFull { .. })) => Ok(Repacked { refused: true, ..repacked }),
        installed => installed.map(|()| repacked),
    }
}
