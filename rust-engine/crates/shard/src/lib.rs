//! The engine: one pool, its loaded shards, room made by eviction, the digest of a shard's state.

mod digest;
mod engine;
mod error;
mod metrics;
mod persist;
mod report;
mod room;
mod upkeep;

pub use digest::digest;
pub use engine::{Engine, Handle};
pub use error::EngineError;
pub use persist::{Restored, Searched, SnapshotWritten, Writing, find_snapshot};
pub use report::{MemoryReport, RegionReport, ShardPages};
