//! Metric series in a shard's pages.
//!
//! The series of a target are kept in groups of at most 240 that share one timestamp column. Each group has a head (rows of
//! values as they come, at most 144) and sealed chunks (columns of 128 samples, compressed), which are merged to larger
//! ones. Both is done in small steps, mostly in the background.

mod amend;
mod byte_set;
mod chunk;
mod component;
mod describe;
mod due;
mod evict;
mod full;
mod gather;
mod gone;
mod group;
mod group_set;
mod head;
mod index;
mod ingest;
mod keys;
mod labels;
mod late;
mod list;
mod matching;
mod merge;
mod packed;
mod places;
mod plan;
mod presence;
mod range;
mod repack;
mod samples;
mod seal;
mod sealed;
mod slices;
mod steps;
mod summary;
mod symbols;
mod tier;
mod tier_block;
mod tier_column;
mod tier_drop;
mod tier_keys;
mod tier_merge;
mod tier_numbers;
mod times;
mod values;
mod varint;
mod whole;

pub use component::{component, pages_named};
pub use describe::{describe, is_own};
pub use evict::{Dropping, Evicted, OldestSamples, evict_samples, oldest_samples};
pub use ingest::{Applied, apply_metrics, apply_metrics_within, pages_for_block};
pub use keys::Resolution;
pub use labels::pages_for_labels;
pub use late::LATE_WINDOW_MS;
pub use list::{Found, SeriesInfo, label_values, series};
pub use matching::{MatchOp, Matcher};
pub use range::{Aggregation, Answered, Asked, range, ranges};
pub use repack::{Done, Repacked, Task, install, next_task};
pub use sealed::{Sealed, sealed};
pub use slices::{Slice, SlicePoints, Slices};

use paged::{Region, Tree};
use thiserror::Error;

const TREE: Tree = Tree::of(Region::InfrastructureState);

/// Bits of the marker that Prometheus writes when a series ends.
pub const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// Why a batch or query was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SeriesError {
    /// No page for it.
    #[error(transparent)]
    Pool(#[from] pool::PoolError),
    /// The bytes do not follow their format.
    #[error(transparent)]
    Malformed(#[from] codec::Malformed),
    /// A matcher is wrong.
    #[error("matchers.{number}.value: {reason}")]
    MatcherInvalid {
        /// Its place in the query, from 0.
        number: usize,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// An argument contradicts its contract.
    #[error("{field}: {reason}")]
    ArgumentInvalid {
        /// The argument.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}
