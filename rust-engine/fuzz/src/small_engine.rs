//! An engine small enough to be made anew for each input.

use pool::PoolOptions;
use shard::{Engine, EngineError, Handle};

const QUOTA: u64 = 2 << 20;

pub fn open() -> (Engine, Handle) {
    let options =
        PoolOptions { pool_bytes: QUOTA * 4, quota_bytes: [QUOTA; 4], borrow_bytes_max: [QUOTA; 4], shards: 1 };
    let mut engine = Engine::open(&options).expect("options are valid");
    let handle = engine.create(0).expect("room");
    (engine, handle)
}

pub fn hash(engine: &Engine, handle: Handle) -> String {
    engine.state_hash(handle).expect("loaded")
}

/// What was taken; none for a refusal by what is wrong with the bytes, or for want of room.
pub fn taken<T>(result: Result<T, EngineError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(
            EngineError::RecordInvalid { .. }
            | EngineError::MatcherInvalid { .. }
            | EngineError::BlockInvalid { .. }
            | EngineError::Pool(_),
        ) => None,
        Err(other) => panic!("{other:?} is no answer to bytes"),
    }
}
