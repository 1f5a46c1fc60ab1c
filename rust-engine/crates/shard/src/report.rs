use crate::dropped::{self, KINDS, Kind};
use crate::engine::{Engine, Loaded};
use crate::survey::Holding;
use paged::{Region, View};
use pool::{PAGE_BYTES, REGIONS};
use serde::Serialize;

/// Figures of the pool; the shape of `MemoryReport` in records.ts.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct MemoryReport {
    pub pool_bytes: u64,
    pub page_bytes: u64,
    pub used_bytes: u64,
    pub idle_bytes: u64,
    pub utilization: f64,
    pub regions: Vec<RegionReport>,
    pub dropped: Vec<DroppedReport>,
    pub shards: Vec<ShardReport>,
    pub components: Vec<ComponentReport>,
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

/// Pages of a shard, in the order of `REGIONS` too.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ShardReport {
    pub shard: u16,
    pub pages: u32,
    pub region_pages: [u32; 4],
}

/// Pages of one kind of thing in a region of a shard, as last looked at.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ComponentReport {
    pub shard: u16,
    pub region: &'static str,
    pub component: &'static str,
    pub pages: u32,
    pub live_bytes: u64,
}

impl Engine {
    /// Figures of the pool. Shards that are being restored have pages and no components yet.
    pub fn memory(&self) -> MemoryReport {
        let ledger = self.pool.ledger();
        let bytes = |pages: u32| u64::from(pages) * PAGE_BYTES as u64;
        let used = ledger.total() - ledger.free();
        let restoring = self.restoring.iter().map(|restoring| restoring.handle.shard);
        let loaded = (0..self.shards.len() as u16).filter(|shard| self.shards[usize::from(*shard)].is_some());
        let dropped = KINDS.map(|kind| self.dropped_report(kind));
        let mut shards: Vec<_> = loaded.chain(restoring).map(|shard| self.shard_report(shard)).collect();
        shards.sort_by_key(|report| report.shard);
        MemoryReport {
            pool_bytes: bytes(ledger.total()),
            page_bytes: PAGE_BYTES as u64,
            used_bytes: bytes(used),
            idle_bytes: bytes(self.pool.stale_pages()),
            utilization: f64::from(used) / f64::from(ledger.total()),
            regions: REGIONS.into_iter().map(|region| self.region_report(region, &dropped)).collect(),
            dropped: dropped.to_vec(),
            shards,
            components: self.shards.iter().zip(0..).flat_map(|(loaded, shard)| components(loaded, shard)).collect(),
        }
    }

    fn dropped_report(&self, kind: Kind) -> DroppedReport {
        let heaps = self.shards.iter().flatten().map(|loaded| &loaded.heap);
        let records = heaps.map(|heap| dropped::dropped(&View { pool: &self.pool, heap }, kind).records).sum();
        DroppedReport { kind, region: kind.region().name(), records }
    }

    fn region_report(&self, region: Region, dropped: &[DroppedReport]) -> RegionReport {
        let usage = self.pool.ledger().usage(region);
        let bytes = |pages: u32| u64::from(pages) * PAGE_BYTES as u64;
        RegionReport {
            region: region.name(),
            quota_bytes: bytes(usage.quota),
            used_bytes: bytes(usage.used),
            borrowed_bytes: bytes(usage.borrowed),
            lent_bytes: bytes(usage.lent),
            free_bytes: bytes(usage.available),
            evicted: dropped.iter().filter(|report| report.region == region.name()).map(|report| report.records).sum(),
        }
    }

    fn shard_report(&self, shard: u16) -> ShardReport {
        let region_pages = REGIONS.map(|region| self.pool.pages_of_region(shard, region));
        ShardReport { shard, pages: region_pages.iter().sum(), region_pages }
    }
}

fn components(loaded: &Option<Loaded>, shard: u16) -> impl Iterator<Item = ComponentReport> {
    let holdings = loaded.iter().filter_map(|loaded| loaded.holdings.as_deref()).flatten();
    holdings.map(move |Holding { region, component, pages, bytes }| ComponentReport {
        shard,
        region: region.name(),
        component,
        pages: *pages,
        live_bytes: *bytes,
    })
}
