//! The engine: one pool, its loaded shards, room made by eviction, the digest of a shard's state.

mod argument;
mod digest;
mod engine;
mod error;
mod metrics;
mod persist;
mod report;
mod restore;
mod room;
mod survey;
mod upkeep;

pub use argument::argument;
pub use digest::digest;
pub use engine::{Engine, Handle};
pub use error::EngineError;
pub use persist::{SnapshotWritten, Writing};
pub use report::{ComponentReport, MemoryReport, RegionReport, ShardReport};
pub use restore::{RestoreStep, Restored, Searched, find_snapshot, restore};
