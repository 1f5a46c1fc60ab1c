use crate::dropped::Kind;
use serde::Serialize;

/// Figures of the pool; the shape of `MemoryReport` in records.ts.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct MemoryReport {
    pub pool_bytes: u64,
    pub page_bytes: u64,
    pub used_bytes: u64,
    pub utilization: f64,
    pub regions: Vec<RegionReport>,
    pub dropped: Vec<DroppedReport>,
    pub shards: Vec<ShardPages>,
}

/// Figures of a region.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct RegionReport {
    pub region: &'static str,
    pub quota_bytes: u64,
    pub used_bytes: u64,
    pub borrowed_bytes: u64,
    pub lent_bytes: u64,
    pub free_bytes: u64,
    pub evicted: u64,
}

/// What the loaded shards dropped of a kind, since each began.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct DroppedReport {
    pub kind: Kind,
    pub region: &'static str,
    pub records: u64,
}

/// Pages of a loaded shard.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct ShardPages {
    pub shard: u16,
    pub pages: u32,
}
