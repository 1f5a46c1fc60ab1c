//! Shards that are restored beside others, into a pool that has no room left.

use paged::PageImage;
use pool::PoolOptions;
use proptest::prelude::*;
use shard::{Engine, EngineError, Handle, Restored};
use snapshot::{Offsets, Wanted};
use std::path::PathBuf;
use store::{DeploymentFilter, IncidentFilter};

const QUOTA: u64 = 160 * 4096;
/// Between two events: what runs or is open soon counts as lost.
const APART_MS: i64 = 12 * 3_600_000;

fn options(quota: u64) -> PoolOptions {
    PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [quota / 4; 4], shards: 3 }
}

fn engine(quota: u64) -> Engine {
    Engine::open(&options(quota)).expect("options are valid")
}

/// Events of every region; what they leave is about 2 KiB each.
fn fill(engine: &mut Engine, handle: Handle, from: u32, events: u32) {
    let text = "t".repeat(600);
    for n in from..from + events {
        let service = format!("production/s{n}");
        let common = serde_json::json!({ "occurredAt": i64::from(n) * APART_MS, "source": "events", "service": service,
            "environment": "production", "key": format!("k{n}") });
        let with = |fields: serde_json::Value| {
            let mut event = common.clone();
            event.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            event.to_string()
        };
        let phase = if n % 2 == 0 { "started" } else { "finished" };
        let run = with(serde_json::json!({ "subject": "deployment", "phase": phase, "attempt": 1,
            "conclusion": "failure", "name": text }));
        engine.apply_deployment(handle, &run, 0).expect("room");
        let phase = if n % 3 == 0 { "firing" } else { "resolved" };
        let alert = with(serde_json::json!({ "phase": phase, "title": text, "startsAt": i64::from(n) * APART_MS }));
        engine.apply_incident(handle, &alert, 0).expect("room");
        let node = with(serde_json::json!({ "kind": "node", "resource": format!("n{n}"), "attributes": {"a": text} }));
        engine.apply_infrastructure(handle, &node).expect("room");
    }
}

fn image_of(quota: u64, shard: u16, events: u32) -> (PageImage, String) {
    let mut engine = engine(quota);
    let handle = engine.create(shard).expect("room");
    fill(&mut engine, handle, 0, events);
    (engine.image(handle).expect("loaded"), engine.state_hash(handle).expect("loaded"))
}

/// What the ledger says of regions and shards is what there is, and what a shard lists is what it keeps.
fn assert_consistent(engine: &Engine, handles: &[Handle]) {
    let memory = engine.memory();
    let by_shard: u64 = memory.shards.iter().map(|shard| u64::from(shard.pages) * memory.page_bytes).sum();
    let by_region: u64 = memory.regions.iter().map(|region| region.used_bytes).sum();
    assert_eq!((by_shard, by_region), (memory.used_bytes, memory.used_bytes));
    for region in &memory.regions {
        assert!(region.used_bytes <= region.quota_bytes + QUOTA / 4, "{}", region.region);
        assert!(region.used_bytes - region.borrowed_bytes + region.lent_bytes <= region.quota_bytes);
    }
    for handle in handles {
        let list = engine.deployments(*handle, &DeploymentFilter::default(), 10_000, None).expect("lists");
        let mut keys: Vec<_> = list.items.iter().map(|record| record.key.as_str()).collect();
        keys.dedup();
        assert_eq!(keys.len(), list.items.len());
        engine.incidents(*handle, &IncidentFilter::default(), 10_000, None).expect("lists");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 0, ..ProptestConfig::default() })]
    #[test]
    fn a_shard_comes_back_whole_into_a_pool_that_others_fill(events in 1u32..600, others in 1u16..3) {
        let (image, hash) = image_of(QUOTA, 0, events);
        let mut engine = engine(QUOTA);
        let mut handles = Vec::new();
        for other in 1..=others {
            let handle = engine.create(other).expect("room");
            fill(&mut engine, handle, 0, 800);
            handles.push(handle);
        }
        prop_assert!(engine.memory().regions.iter().all(|region| region.evicted > 0), "never full");
        let handle = engine.load(0, &image).expect("others make room");
        prop_assert_eq!(engine.state_hash(handle).expect("loaded"), hash);
        prop_assert_eq!(engine.memory().shards[0].pages as usize, image.used());
        handles.push(handle);
        assert_consistent(&engine, &handles);
        // All of them go on.
        for handle in &handles {
            fill(&mut engine, *handle, 10_000, 50);
        }
        assert_consistent(&engine, &handles);
        for handle in handles {
            engine.drop_shard(handle).expect("loaded");
        }
        prop_assert_eq!(engine.memory().used_bytes, 0);
    }
}

/// A folder with a snapshot of the same shard.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn key(&self) -> PathBuf {
        self.0.join("snapshot.key")
    }

    fn restore(&self, engine: &mut Engine) -> Restored {
        engine.restore(&self.0, 0, &Offsets::new(), &self.key()).expect("no error of the other shards")
    }
}

fn snapshot_of(quota: u64, events: u32, name: &str) -> Folder {
    let folder = Folder(std::env::temp_dir().join(format!("restore-into-full-pool-{name}-{}", std::process::id())));
    let mut engine = engine(quota);
    let handle = engine.create(0).expect("room");
    fill(&mut engine, handle, 0, events);
    let wanted =
        Wanted { folder: folder.0.clone(), shard: 0, writer: "w".to_owned(), offsets: Offsets::new(), clock: 0.0 };
    let writing = engine.begin_snapshot(handle, wanted).expect("none is running");
    // All of it has room in the ring.
    (0..32).for_each(|_| engine.copy_slice(handle));
    writing.run(&folder.key(), &mut || {}).expect("writes");
    folder
}

#[test]
fn an_image_that_no_pool_of_this_size_could_hold_is_refused_and_costs_the_others_nothing() {
    let (image, _) = image_of(4 * QUOTA, 0, 1200);
    let mut engine = engine(QUOTA);
    let other = engine.create(1).expect("room");
    fill(&mut engine, other, 0, 300);
    let hash = engine.state_hash(other).expect("loaded");
    assert!(matches!(engine.load(0, &image), Err(EngineError::ImageTooLarge { .. })));
    let restored = snapshot_of(4 * QUOTA, 1200, "large").restore(&mut engine);
    assert!(restored.loaded.is_none());
    assert!(restored.refused[0].contains(".manifest: infrastructure_state would hold"), "{:?}", restored.refused);
    assert_eq!(engine.state_hash(other).expect("loaded"), hash);
    let empty = engine.create(0).expect("room");
    fill(&mut engine, empty, 0, 10);
    assert_consistent(&engine, &[other, empty]);
}

#[test]
fn what_may_not_go_is_refused_with_figures_and_leaves_no_page_behind() {
    let (image, _) = image_of(QUOTA, 0, 600);
    // The root page of another shard stays: the image is as large as the whole region, and one page is missing.
    let pages = image.used_in(pool::Region::ActiveOperations);
    let mut options = options(QUOTA);
    options.pool_bytes = QUOTA * 3 + u64::from(pages) * 4096;
    options.quota_bytes[3] = u64::from(pages) * 4096;
    options.borrow_bytes_max = [0, 0, 0, 0];
    let mut engine = Engine::open(&options).expect("options are valid");
    let other = engine.create(1).expect("room");
    let before = engine.memory().used_bytes;
    let fits = [0, 1, 2].iter().all(|n| u64::from(image.used_in(pool::REGIONS[*n])) * 4096 <= QUOTA);
    assert!(fits, "only one region is the matter");
    assert!(matches!(engine.load(0, &image), Err(EngineError::Pool(pool::PoolError::PoolFull { .. }))));
    assert!(snapshot_of(QUOTA, 600, "full").restore(&mut engine).loaded.is_none());
    assert_eq!(engine.memory().used_bytes, before);
    engine.drop_shard(other).expect("loaded");
}
