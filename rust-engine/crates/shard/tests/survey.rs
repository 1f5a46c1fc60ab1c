//! The figures by component: every page counts once, and every entry has a name.

use codec::encode_blocks;
use pool::{PoolOptions, REGIONS};
use shard::{Engine, Handle, MemoryReport};
use std::collections::BTreeSet;

const MIB: u64 = 1 << 20;

fn engine() -> Engine {
    let options = PoolOptions { pool_bytes: 64 * MIB, quota_bytes: [16 * MIB; 4], borrow_bytes_max: [0; 4], shards: 3 };
    Engine::open(&options).expect("options are valid")
}

/// Events of every kind and samples.
fn fill(engine: &mut Engine, handle: Handle, events: u32) {
    for n in 0..events {
        let service = format!("production/s{}", n % 50);
        let common = serde_json::json!({ "occurredAt": n, "source": "events", "service": service,
            "environment": "production", "key": format!("k{n}") });
        let with = |more: serde_json::Value| {
            let mut event = common.clone();
            let (Some(event_fields), Some(more)) = (event.as_object_mut(), more.as_object()) else { unreachable!() };
            event_fields.extend(more.clone());
            event.to_string()
        };
        let subject = if n % 2 == 0 { "ci_run" } else { "deployment" };
        let phase = if n % 3 == 0 { "started" } else { "finished" };
        let run = with(serde_json::json!({ "subject": subject, "phase": phase, "attempt": 1, "conclusion": "failure",
            "sha": format!("{n:040x}") }));
        engine.apply_deployment(handle, &run, 0).expect("room");
        let change = with(serde_json::json!({ "subject": "change", "phase": "changed", "attempt": 1,
            "sha": format!("{n:040x}"), "change": { "filesAdded": 1 } }));
        engine.apply_deployment(handle, &change, 0).expect("room");
        let phase = if n % 3 == 0 { "firing" } else { "resolved" };
        let description = "d".repeat(if n % 10 == 0 { 9_000 } else { 100 });
        let alert =
            with(serde_json::json!({ "phase": phase, "title": "t", "startsAt": n, "description": description }));
        engine.apply_incident(handle, &alert, 0).expect("room");
        let node = with(serde_json::json!({ "kind": "node", "resource": format!("n{n}") }));
        engine.apply_infrastructure(handle, &node).expect("room");
        engine.rolling_add(handle, &[format!("scope {}", n % 30)], i64::from(n), false, 1.0).expect("room");
        engine.timings_add(handle, &format!("scope {}", n % 3), i64::from(n), &[1.0; 28]).expect("room");
    }
    let ids: Vec<u128> = (0..300u128).map(|n| codec::series_id(&[("__name__", "m"), ("n", &n.to_string())])).collect();
    let samples = (0..300i64).flat_map(|row| (0..300).map(move |column| (row * 15_000, column, row as f64))).collect();
    for block in encode_blocks(&ids, samples, usize::MAX) {
        engine.apply_metrics(handle, "{job=\"node\"}", "production/s1", &[], &block.block).expect("room");
    }
}

fn whole_round(engine: &mut Engine, pages_max: u32) {
    // A call ends with a shard, at the latest.
    let shards = engine.memory().shards.len();
    for _ in 0..2 * shards {
        let mut calls = 0;
        while engine.survey(pages_max) == pages_max && calls < 10_000 {
            calls += 1;
        }
    }
}

fn check(memory: &MemoryReport) {
    for shard in &memory.shards {
        for (region, pages) in REGIONS.iter().zip(shard.region_pages) {
            let own = memory.components.iter().filter(|report| report.shard == shard.shard);
            let own = own.filter(|report| report.region == region.name());
            assert_eq!(own.map(|report| report.pages).sum::<u32>(), pages, "{region:?} of shard {}", shard.shard);
        }
    }
    let live: u64 = memory.components.iter().map(|report| report.live_bytes).sum();
    assert!(live <= memory.used_bytes && live * 3 > memory.used_bytes, "{live} of {}", memory.used_bytes);
}

#[test]
fn every_page_counts_once_and_every_entry_has_a_name() {
    let mut engine = engine();
    assert_eq!(engine.survey(100), 0, "there is no shard");
    let handles = [0, 2].map(|shard| engine.create(shard).expect("room"));
    fill(&mut engine, handles[0], 600);
    fill(&mut engine, handles[1], 40);
    assert!(engine.memory().components.is_empty(), "not looked at yet");
    whole_round(&mut engine, u32::MAX);
    let memory = engine.memory();
    check(&memory);
    let names: BTreeSet<&str> = memory.components.iter().map(|report| report.component).collect();
    assert!(!names.contains("other"), "an entry that no crate names: {names:?}");
    for expected in [
        "branches",
        "changes",
        "chunks",
        "ci_runs",
        "deployments",
        "incidents",
        "resources",
        "rolling",
        "root",
        "series_heads",
        "services",
        "timings",
    ] {
        assert!(names.contains(expected), "{expected} is missing in {names:?}");
    }
    let incidents = memory.components.iter().filter(|report| report.component == "incidents");
    assert!(incidents.map(|report| report.live_bytes).sum::<u64>() > 60 * 9_000, "long values count");

    // A dropped shard in the middle of a round is no harm.
    engine.survey(3);
    engine.drop_shard(handles[0]).expect("loaded");
    whole_round(&mut engine, 7);
    check(&engine.memory());
    assert!(engine.memory().components.iter().all(|report| report.shard == 2));
}

#[test]
fn steps_between_changes_come_to_an_end_and_the_next_round_is_right() {
    let mut engine = engine();
    let handle = engine.create(1).expect("room");
    for events in 1..40 {
        fill(&mut engine, handle, events);
        engine.survey(9);
    }
    whole_round(&mut engine, 5);
    whole_round(&mut engine, 5);
    check(&engine.memory());
}

#[test]
fn idle_memory_is_given_back_when_nothing_moves() {
    let mut engine = engine();
    let handle = engine.create(0).expect("room");
    fill(&mut engine, handle, 300);
    for n in 0..300 {
        let event = serde_json::json!({ "occurredAt": 9_000 + n, "source": "events", "service": format!("production/s{}", n % 50),
            "environment": "production", "key": format!("k{n}"), "phase": "resolved", "title": "t", "startsAt": n });
        engine.apply_incident(handle, &event.to_string(), 0).expect("room");
    }
    let idle = engine.memory().idle_bytes;
    assert!(idle > 0, "long descriptions went");
    assert_eq!(engine.release_idle(), 0, "there was movement since the last call");
    assert_eq!(engine.release_idle(), idle);
    assert_eq!((engine.memory().idle_bytes, engine.release_idle()), (0, 0));
}
