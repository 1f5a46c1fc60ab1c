use crate::error::EngineError;
use serde::de::DeserializeOwned;

/// An argument that comes as JSON text: a filter, matchers, scopes, offsets.
pub fn argument<T: DeserializeOwned>(field: &'static str, json: &str) -> Result<T, EngineError> {
    serde_json::from_str(json).map_err(|error| EngineError::RecordInvalid { field, reason: error.to_string() })
}
