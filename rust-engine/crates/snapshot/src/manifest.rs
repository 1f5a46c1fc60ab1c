use crate::SnapshotError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Topic to the offset of the next record to apply, as decimal text.
pub type Offsets = BTreeMap<String, String>;

/// What a snapshot says of itself; the shape of `SnapshotInfo` in records.ts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct SnapshotInfo {
    pub shard: u16,
    pub offsets: Offsets,
    pub clock: f64,
    pub state_hash: String,
    pub pages: usize,
    pub bytes: u64,
    pub file: String,
}

/// The part of the file that tells what the pages are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub format: u32,
    pub shard: u16,
    pub offsets: Offsets,
    pub clock: f64,
    pub state_hash: String,
    /// Region of each page number of the shard, 0 for one not in use.
    pub region_tags: Vec<u8>,
}

/// Offsets as numbers.
pub fn parse_offsets(offsets: &Offsets) -> Result<BTreeMap<&str, u64>, SnapshotError> {
    let parsed = offsets.iter().map(|(topic, offset)| {
        let invalid = || SnapshotError::ArgumentInvalid { field: "offsets", reason: format!("{topic}: {offset}") };
        Ok((topic.as_str(), offset.parse::<u64>().map_err(|_| invalid())?))
    });
    parsed.collect()
}
