//! Metric series of a shard.

use crate::engine::{Engine, Handle};
use crate::error::EngineError;
use codec::{Block, SeriesId};
use paged::Region;
use series::{Answered, Applied, Asked, Found, Matcher, SeriesInfo, Slice, Slices};

impl Engine {
    /// Applies one batch of a target.
    pub fn apply_metrics(
        &mut self,
        handle: Handle,
        target: &str,
        service: &str,
        announced: &[u8],
        block: &[u8],
    ) -> Result<Applied, EngineError> {
        if target.is_empty() {
            return Err(EngineError::RecordInvalid { field: "target", reason: "empty".to_owned() });
        }
        store::check_service(service)?;
        let block = Block::parse(block).map_err(series::SeriesError::from)?;
        let announced = codec::announced(announced).map_err(series::SeriesError::from)?;
        let window = self.late_window;
        let view = self.view(handle)?;
        let pages = series::pages_for_block(&view, target, &block) + series::pages_for_labels(&view, &announced);
        let mut space = self.space_with_pages(handle, &[Region::InfrastructureState], pages)?;
        let applied = series::apply_metrics_within(&mut space, target, service, &announced, &block, window)?;
        let environment = service.split('/').next().unwrap_or_default();
        let (first, last) = applied.times;
        let arrived = applied.created + applied.moved.as_ref().map_or(0, |(_, moved)| *moved);
        store::touch_service(&mut space, service, environment, first, |_| {})?;
        store::touch_service(&mut space, service, environment, last, |service| service.series += arrived)?;
        if let Some((former, moved)) = &applied.moved {
            store::count_series(&mut space, former, *moved)?;
        }
        self.heard(handle, last)?;
        Ok(applied)
    }

    /// Series that fit, in the order of their ids, from the one after `after` on.
    pub fn series(
        &self,
        handle: Handle,
        service: Option<&str>,
        matchers: &[Matcher],
        limit: usize,
        after: Option<&str>,
    ) -> Result<Found<SeriesInfo>, EngineError> {
        let after = after.map(series_id).transpose()?;
        Ok(series::series(&self.view(handle)?, service, matchers, limit, after)?)
    }

    /// Values that series of a service have for a label, in order.
    pub fn label_values(
        &self,
        handle: Handle,
        service: &str,
        name: &str,
        limit: usize,
    ) -> Result<Found<String>, EngineError> {
        Ok(series::label_values(&self.view(handle)?, service, name, limit))
    }

    /// Steps or samples of a series into the caller's arrays; how many.
    pub fn range(
        &self,
        handle: Handle,
        id: &str,
        asked: Asked,
        times: &mut [f64],
        values: &mut [f64],
    ) -> Result<usize, EngineError> {
        Ok(series::range(&self.view(handle)?, series_id(id)?, asked, times, values)?)
    }

    /// Steps or samples of several series into the caller's arrays.
    #[allow(clippy::too_many_arguments)] // the figures of one query, in the order of the door
    pub fn ranges(
        &self,
        handle: Handle,
        ids: &[String],
        asked: Asked,
        rows_max: u64,
        times: &mut [f64],
        values: &mut [f64],
        counts: &mut [f64],
    ) -> Result<Answered, EngineError> {
        let ids = series_ids(ids)?;
        if counts.len() < ids.len() {
            let reason = format!("{} numbers for {} series", counts.len(), ids.len());
            return Err(EngineError::RecordInvalid { field: "counts", reason });
        }
        Ok(series::ranges(&self.view(handle)?, &ids, asked, rows_max, times, values, counts)?)
    }

    /// Begins to read steps or samples of several series in slices, at most `points_max` points of each.
    pub fn slices(
        &self,
        handle: Handle,
        ids: &[String],
        asked: Asked,
        rows_max: u64,
        points_max: usize,
    ) -> Result<Slices, EngineError> {
        Ok(Slices::of(&self.view(handle)?, &series_ids(ids)?, asked, rows_max, points_max)?)
    }

    /// Takes the next slice out of the pages, to be computed on any thread.
    pub fn take_slice(&self, handle: Handle, slices: &mut Slices) -> Result<Option<Slice>, EngineError> {
        Ok(slices.take(&self.view(handle)?))
    }
}

fn series_ids(ids: &[String]) -> Result<Vec<SeriesId>, EngineError> {
    ids.iter().map(|id| series_id(id)).collect()
}

fn series_id(id: &str) -> Result<SeriesId, EngineError> {
    SeriesId::from_str_radix(id, 16)
        .map_err(|error| EngineError::RecordInvalid { field: "seriesId", reason: error.to_string() })
}
