//! The engine: one pool, its loaded shards, room made by eviction, the digest of a shard's state.

mod argument;
mod digest;
mod dropped;
mod engine;
mod error;
mod metrics;
mod persist;
mod records;
mod report;
mod restore;
mod room;
mod scores;
mod survey;
mod timings;
mod upkeep;

pub use argument::argument;
pub use digest::digest;
pub use dropped::{Dropped, KINDS, Kind};
pub use engine::{Engine, Handle};
pub use error::EngineError;
pub use persist::{SnapshotWritten, Writing};
pub use report::{ComponentReport, DroppedReport, MemoryReport, RegionReport, ShardReport};
pub use restore::{Incoming, RestoreStep, Restored, Searched, find_snapshot, restore};
