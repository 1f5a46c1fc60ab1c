//! Samples in a pool that is full: what is missing is counted, lies before `until`, and made room by its age.

use codec::encode_blocks;
use pool::PoolOptions;
use series::{Aggregation, Asked};
use shard::{Engine, Handle, Kind};
use std::time::Duration;

const QUOTA: u64 = 600 * 4096;
const SERIES: u128 = 30;
const STEP_MS: i64 = 15_000;
const DAY_MS: i64 = 86_400_000;

fn engine() -> Engine {
    let options = PoolOptions { pool_bytes: QUOTA * 4, quota_bytes: [QUOTA; 4], borrow_bytes_max: [0; 4], shards: 2 };
    Engine::open(&options).expect("options are valid")
}

fn id(target: usize, series: u128) -> u128 {
    (target as u128 + 1) << 64 | series
}

/// Values that do not compress.
fn value(time: i64, series: u128) -> f64 {
    let bits = (time as u64 ^ (series as u64 * 0x9e37_79b9)).wrapping_mul(0x2545_f491_4f6c_dd1d);
    f64::from_bits(bits >> 2 | 0x3000_0000_0000_0000)
}

fn apply(engine: &mut Engine, handle: Handle, target: usize, time: i64) -> u64 {
    let ids: Vec<u128> = (0..SERIES).map(|series| id(target, series)).collect();
    let samples = (0..SERIES).map(|series| (time, series as u32, value(time, series))).collect();
    let block = encode_blocks(&ids, samples, usize::MAX).remove(0).block;
    engine.apply_metrics(handle, &format!("t{target}"), "production/shop", &[], &block).expect("room").applied
}

fn resource(engine: &mut Engine, handle: Handle, n: i64, at: i64) {
    let event = serde_json::json!({ "occurredAt": at, "environment": "production", "resource": format!("n{n}"),
        "service": "production/shop", "kind": "node", "attributes": { "text": "t".repeat(200) } });
    engine.apply_infrastructure(handle, &event.to_string()).expect("room");
}

fn times_of(engine: &Engine, handle: Handle, target: usize, series: u128) -> Vec<i64> {
    let (mut times, mut values) = (vec![0.0; 40_000], vec![0.0; 40_000]);
    let asked = Asked { from: i64::MIN, to: i64::MAX, step: 0, aggregation: Aggregation::Last };
    let id = format!("{:032x}", id(target, series));
    let found = engine.range(handle, &id, asked, &mut times, &mut values).expect("valid");
    times[..found].iter().map(|time| *time as i64).collect()
}

fn dropped(engine: &Engine, handle: Handle, kind: Kind) -> (u64, Option<i64>) {
    let all = engine.dropped(handle).expect("loaded");
    all.into_iter().find(|one| one.kind == kind).map_or((0, None), |one| (one.records, one.until))
}

#[test]
fn what_is_missing_is_counted_and_lies_before_until() {
    let mut engine = engine();
    let handles = [engine.create(0).expect("room"), engine.create(1).expect("room")];
    let (rows, start) = (20_000, 1_000 * DAY_MS);
    let mut applied = [0; 2];
    for row in 0..rows {
        let time = start + row * STEP_MS;
        for target in 0..3 {
            // The third target ends early: all its samples go. Its series stay as long as tiers tell of them.
            if target < 2 || row < 1_000 {
                applied[target % 2] += apply(&mut engine, handles[target % 2], target, time);
            }
        }
        if row % 64 == 0 {
            engine.clean(Duration::from_millis(1)).expect("cleans");
        }
    }
    for (shard, handle) in handles.into_iter().enumerate() {
        let mut kept = 0;
        let (samples, until) = dropped(&engine, handle, Kind::Samples);
        for target in [shard, shard + 2] {
            for series in 0..SERIES {
                let times = times_of(&engine, handle, target, series);
                kept += times.len() as u64;
                let after = times.iter().filter(|time| Some(**time) > until).count() as i64;
                let last = start + (if target < 2 { rows } else { 1_000 } - 1) * STEP_MS;
                let wanted = until.map_or(rows, |until| (last - until) / STEP_MS);
                assert_eq!(after, if target > 2 { 0 } else { wanted.max(0) }, "target {target}");
                assert!(times.windows(2).all(|pair| pair[1] - pair[0] == STEP_MS), "no hole");
            }
        }
        assert!(samples > applied[shard] / 2, "filled more than twice over");
        // Nobody sees a chunk that is going, and its columns are counted as they go.
        let going = applied[shard] - kept - samples;
        assert!(
            going < SERIES as u64 * 128 && going.is_multiple_of(128),
            "{going} samples are neither there nor counted"
        );
    }
    assert_eq!(dropped(&engine, handles[0], Kind::Series).0, 0);
    let service = engine.service(handles[0], "production/shop").expect("loaded").expect("is measured");
    assert_eq!(service.series, 2 * SERIES as u32);
}

#[test]
fn a_resource_goes_before_samples_that_are_a_month_newer_and_after_the_others() {
    let mut engine = engine();
    let handle = engine.create(0).expect("room");
    let start = 1_000 * DAY_MS;
    for n in 0..200 {
        resource(&mut engine, handle, n, start - 60 * DAY_MS);
        resource(&mut engine, handle, 1_000 + n, start - 10 * DAY_MS);
    }
    for row in 0..20_000 {
        apply(&mut engine, handle, 0, start + row * STEP_MS);
    }
    assert_eq!(dropped(&engine, handle, Kind::Resources), (200, Some(start - 60 * DAY_MS)));
    assert_eq!(engine.resources(handle, "production/shop", 999).expect("loaded").len(), 200);
    assert!(dropped(&engine, handle, Kind::Samples).0 > 0);
}

#[test]
fn names_and_figures_beyond_their_limits_are_refused_by_name() {
    let mut engine = engine();
    let handle = engine.create(0).expect("room");
    let asked = Asked { from: 0, to: 1, step: 0, aggregation: Aggregation::Last };
    assert!(engine.slices(handle, &[], asked, 1, 1_000_000).is_ok());
    let refused = engine.slices(handle, &[], asked, 1, 1_000_001).err().map(|error| error.to_string());
    assert_eq!(refused.as_deref(), Some("pointsMax: 1000001, at most 1000000"));
    let block = encode_blocks(&[1], vec![(0, 0, 1.0)], usize::MAX).remove(0).block;
    let service = format!("production/{}", "s".repeat(246));
    let refused = engine.apply_metrics(handle, "t", &service, &[], &block).err().map(|error| error.to_string());
    assert_eq!(refused.as_deref(), Some("service: 257 characters, at most 256"));
}

#[test]
fn rows_that_go_before_a_tier_has_them_are_missing_in_all_resolutions() {
    let mut engine = engine();
    let handle = engine.create(0).expect("room");
    let start = 1_000 * DAY_MS;
    for target in 0..400 {
        apply(&mut engine, handle, target, start + target as i64 * STEP_MS);
    }
    let (samples, until) = dropped(&engine, handle, Kind::Samples);
    assert!(samples > 0 && until.is_some());
    assert_eq!(dropped(&engine, handle, Kind::SamplesFiveMinutes), (0, until));
    assert_eq!(dropped(&engine, handle, Kind::SamplesHour), (0, until));
}
