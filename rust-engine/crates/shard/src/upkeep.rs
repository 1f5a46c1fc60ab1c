//! Work on a shard that can wait: its tasks may run on any thread.

use crate::engine::{Engine, Handle};
use crate::error::EngineError;
use paged::Space;
use series::{Done, Repacked, Task};

impl Engine {
    /// The next work of a shard, with a copy of what it needs; none when nothing is due.
    pub fn next_task(&mut self, handle: Handle) -> Result<Option<Task>, EngineError> {
        Ok(series::next_task(&mut self.space(handle)?))
    }

    /// Puts what came of a task into its place, as far as there is room without dropping anything. For a shard that was
    /// dropped meanwhile this is nothing.
    pub fn install(&mut self, handle: Handle, done: Done) -> Result<Repacked, EngineError> {
        match self.space(handle) {
            Ok(mut space) => Ok(series::install(&mut space, done)?),
            Err(_) => Ok(Repacked::default()),
        }
    }

    fn space(&mut self, handle: Handle) -> Result<Space<'_>, EngineError> {
        self.space_with_pages(handle, &[], 0)
    }
}
