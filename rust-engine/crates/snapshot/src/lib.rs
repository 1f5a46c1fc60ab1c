//! Sealed snapshot files: one for each snapshot of a shard, written whole or not at all.
//!
//! File: magic 8 · key id 8 · snapshot id 16 · sealed manifest length u32 · sealed manifest · sealed segments of up to 256
//! pages. Every seal is AES-256-GCM under a key derived for this snapshot; the header and the number of the segment's first
//! page are authenticated with it, so that no page can change its place or its snapshot.

mod file;
mod folder;
mod key;
mod manifest;
mod seal;

pub use folder::{Found, Wanted, find, write};
pub use key::SnapshotKey;
pub use manifest::{Offsets, SnapshotInfo, parse_offsets};

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
