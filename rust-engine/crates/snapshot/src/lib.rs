//! Sealed snapshots of a shard: a manifest, and segments of the pages that changed since the snapshot before it.
//!
//! The layout byte by byte is in docs/snapshot-format.md. Whatever happens to the files, what is read is the state of one
//! manifest or nothing: a page is used only when its seal, its place and the manifest that names it belong together.

mod find;
mod key;
mod manifest;
mod name;
mod plan;
mod prune;
mod seal;
mod segment;
mod storage;
mod unusable;
mod write;

pub use find::{Found, find, find_that};
pub use key::{KEY_BYTES, SnapshotKeys};
pub use manifest::{FORMAT, Manifest, Offsets, SnapshotInfo, parse_offsets};
pub use plan::Plan;
pub use storage::{Disk, Storage, StorageFile};
pub use write::{Wanted, Written, write};

use thiserror::Error;

/// Why a snapshot was not written or read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SnapshotError {
    /// There are snapshots, and none that this key opens.
    #[error("{file} is sealed with another key")]
    KeyWrong {
        /// One of them.
        file: String,
    },
    /// The key file cannot be used.
    #[error("{file}: {reason}")]
    KeyInvalid {
        /// The key file.
        file: String,
        /// What is wrong with it.
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
    /// A segment that the next snapshot builds on is not there any more: it has to write everything.
    #[error("{file}: {reason}")]
    BaseGone {
        /// The segment.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What was found usable is so no longer.
    #[error("{file}: {reason}")]
    Changed {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file system refused.
    #[error("{operation} {file}: {reason}")]
    Failed {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        file: String,
        /// The system's words.
        reason: String,
    },
}
