//! Scores of closed predictions.

use crate::engine::{Engine, Handle};
use crate::error::EngineError;
use paged::Region;
use store::{ScoreFields, ScoresRead, Subject};

impl Engine {
    /// Keeps the score of a prediction; false when it is known already.
    pub fn score_add(
        &mut self,
        handle: Handle,
        service: &str,
        subject: Subject,
        prediction_id: &str,
        fields: &ScoreFields,
    ) -> Result<bool, EngineError> {
        let mut space = self.space_with(handle, &[Region::DeploymentHistory], 0)?;
        Ok(store::score_add(&mut space, service, subject, prediction_id, fields)?)
    }

    /// Writes scores with outcomes in [from, to) into `out`.
    pub fn scores_read(
        &self,
        handle: Handle,
        service: Option<&str>,
        subject: Subject,
        window: (i64, i64),
        cursor: Option<&str>,
        out: &mut [f64],
    ) -> Result<ScoresRead, EngineError> {
        Ok(store::scores_read(&self.view(handle)?, service, subject, window, cursor, out)?)
    }
}
