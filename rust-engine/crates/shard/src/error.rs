use codec::Malformed;
use pool::PoolError;
use serde_json::{Value, json};
use series::SeriesError;
use snapshot::SnapshotError;
use store::StoreError;
use thiserror::Error;

/// Why the engine refused. Names and fields are those of errors.ts.
#[derive(Debug, Error)]
#[allow(missing_docs)] // the message says it
pub enum EngineError {
    #[error(transparent)]
    Pool(PoolError),
    #[error("{field}: {reason}")]
    RecordInvalid { field: &'static str, reason: String },
    /// Crosses the bridge as a `RecordInvalid`.
    #[error("matchers.{number}.value: {reason}")]
    MatcherInvalid { number: usize, reason: String },
    #[error("{field}: {reason}")]
    BlockInvalid { field: &'static str, reason: String },
    #[error(transparent)]
    Snapshot(SnapshotError),
    /// Never crosses the bridge: `restore` refuses such a snapshot.
    #[error("{part} would hold {needed} bytes, at most {limit}")]
    ImageTooLarge { part: &'static str, needed: u64, limit: u64 },
    /// Never crosses the bridge either.
    #[error("shard {shard} gave the room that it had back to events of the others")]
    RestoreGaveWay { shard: u16 },
    /// A call panicked half-way: what the pages hold is not to be trusted any more.
    #[error("the engine broke in an earlier call")]
    EngineBroken,
    #[error("the snapshot of shard {shard} is still being written")]
    SnapshotRunning { shard: u16 },
    #[error("shard {shard} is loaded already")]
    ShardLoaded { shard: u16 },
    #[error("shard {shard} was dropped")]
    ShardGone { shard: u16 },
    #[error("shard {shard} of {shards}")]
    ShardUnknown { shard: u16, shards: u16 },
}

impl From<PoolError> for EngineError {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Pool(error) => Self::Pool(error),
            StoreError::RecordInvalid { field, reason } => Self::RecordInvalid { field, reason },
        }
    }
}

impl From<SnapshotError> for EngineError {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::ArgumentInvalid { field, reason } => Self::RecordInvalid { field, reason },
            other => Self::Snapshot(other),
        }
    }
}

impl From<SeriesError> for EngineError {
    fn from(error: SeriesError) -> Self {
        match error {
            SeriesError::Pool(error) => Self::Pool(error),
            SeriesError::Malformed(Malformed { field, reason, .. }) => Self::BlockInvalid { field, reason },
            SeriesError::ArgumentInvalid { field, reason } => Self::RecordInvalid { field, reason },
            SeriesError::MatcherInvalid { number, reason } => Self::MatcherInvalid { number, reason },
        }
    }
}

impl EngineError {
    /// The thread that wrote a snapshot panicked.
    pub fn writer_broke() -> Self {
        let reason = "the writer broke; the next snapshot is tried as usual".to_owned();
        Self::Snapshot(SnapshotError::Failed { operation: "write", file: String::new(), reason })
    }

    /// The thread that read a snapshot panicked.
    pub fn reader_broke() -> Self {
        let reason = "the reader broke".to_owned();
        Self::Snapshot(SnapshotError::Failed { operation: "read", file: String::new(), reason })
    }

    /// The error with its name and figures, for the other side of the bridge.
    pub fn describe(&self) -> Value {
        match self {
            Self::Pool(PoolError::PoolFull { region, needed, free, lent }) => {
                json!({ "name": "PoolFull", "region": region.name(), "needed": needed, "free": free, "lent": lent })
            }
            Self::Pool(PoolError::OptionsInvalid { field, reason }) => {
                json!({ "name": "OptionsInvalid", "field": field, "reason": reason })
            }
            Self::Pool(PoolError::MapRefused { bytes, code }) => {
                json!({ "name": "MapRefused", "bytes": bytes, "code": code })
            }
            Self::RecordInvalid { field, reason } => {
                json!({ "name": "RecordInvalid", "field": field, "reason": reason })
            }
            Self::MatcherInvalid { number, reason } => {
                json!({ "name": "RecordInvalid", "field": format!("matchers.{number}.value"), "reason": reason })
            }
            Self::BlockInvalid { field, reason } => {
                json!({ "name": "BlockInvalid", "field": field, "reason": reason })
            }
            Self::Snapshot(SnapshotError::KeyWrong { file }) => json!({ "name": "SnapshotKeyWrong", "file": file }),
            Self::Snapshot(SnapshotError::KeyInvalid { file, reason }) => {
                json!({ "name": "SnapshotKeyInvalid", "file": file, "reason": reason })
            }
            Self::Snapshot(SnapshotError::BaseGone { file, reason }) => {
                json!({ "name": "SnapshotFailed", "operation": "build on", "file": file, "reason": reason })
            }
            Self::Snapshot(SnapshotError::Changed { file, reason }) => {
                json!({ "name": "SnapshotFailed", "operation": "read", "file": file, "reason": reason })
            }
            Self::Snapshot(SnapshotError::Failed { operation, file, reason }) => {
                json!({ "name": "SnapshotFailed", "operation": operation, "file": file, "reason": reason })
            }
            Self::Snapshot(SnapshotError::ArgumentInvalid { field, reason }) => {
                json!({ "name": "RecordInvalid", "field": field, "reason": reason })
            }
            Self::ImageTooLarge { part, needed, limit } => {
                json!({ "name": "ImageTooLarge", "part": part, "needed": needed, "limit": limit })
            }
            Self::RestoreGaveWay { shard } => json!({ "name": "RestoreGaveWay", "shard": shard }),
            Self::EngineBroken => json!({ "name": "EngineBroken" }),
            Self::SnapshotRunning { shard } => json!({ "name": "SnapshotRunning", "shard": shard }),
            Self::ShardLoaded { shard } => json!({ "name": "ShardLoaded", "shard": shard }),
            Self::ShardGone { shard } => json!({ "name": "ShardGone", "shard": shard }),
            Self::ShardUnknown { shard, shards } => {
                json!({ "name": "ShardUnknown", "shard": shard, "shards": shards })
            }
        }
    }
}
