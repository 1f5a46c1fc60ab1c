//! Timings of scopes.

use crate::engine::{Engine, Handle};
use crate::error::EngineError;
use paged::{PAGE_BYTES, Region};

impl Engine {
    /// Adds a row to a scope.
    pub fn timings_add(&mut self, handle: Handle, scope: &str, at: i64, row: &[f64]) -> Result<(), EngineError> {
        let mut space = self.space_with(handle, &[Region::DeploymentHistory], PAGE_BYTES)?;
        Ok(store::timings_add(&mut space, scope, at, row)?)
    }

    /// Writes the rows of a scope into `out`, newest first: how many.
    pub fn timings_read(&self, handle: Handle, scope: &str, out: &mut [f64]) -> Result<usize, EngineError> {
        Ok(store::timings_read(&self.view(handle)?, scope, out))
    }
}
