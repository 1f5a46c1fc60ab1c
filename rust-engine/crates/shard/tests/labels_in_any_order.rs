//! Labels are kept by numbers that hang on the order in which they came: the digest of the state does not.

use codec::{Announced, encode_announced, encode_blocks};
use pool::PoolOptions;
use shard::{Engine, Handle};

const TARGETS: usize = 3;
const SERIES: usize = 20;

fn engine() -> (Engine, Handle) {
    let quota = 4 << 20;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    let mut engine = Engine::open(&options).expect("options are valid");
    let handle = engine.create(0).expect("room");
    (engine, handle)
}

/// Some shared by all, some by the series of a target or those of a number.
fn labels_of(target: usize, series: usize) -> Vec<(String, String)> {
    let labels = [
        ("job", "node".to_owned()),
        ("mode", format!("mode {}", series % 3)),
        ("name", format!("metric {series}")),
        ("target", target.to_string()),
    ];
    labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// One row of a target, its series in an order, some of which are announced.
fn apply(engine: &mut Engine, handle: Handle, target: usize, time: i64, order: &[usize], told: impl Fn(usize) -> bool) {
    let labels: Vec<_> = order.iter().map(|series| labels_of(target, *series)).collect();
    let pairs: Vec<Vec<(&str, &str)>> =
        labels.iter().map(|all| all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()).collect();
    let ids: Vec<u128> = pairs.iter().map(|pairs| codec::series_id(pairs)).collect();
    let announced: Vec<Announced<'_>> = (0..order.len())
        .filter(|at| told(order[*at]))
        .map(|at| Announced { id: ids[at], labels: pairs[at].clone() })
        .collect();
    let samples = order.iter().enumerate().map(|(at, series)| (time, at as u32, *series as f64)).collect();
    let block = encode_blocks(&ids, samples, usize::MAX).remove(0).block;
    let announced = encode_announced(&announced);
    engine.apply_metrics(handle, &format!("t{target}"), "production/shop", &announced, &block).expect("room");
}

#[test]
fn the_digest_is_that_of_the_texts() {
    let forward: Vec<usize> = (0..SERIES).collect();
    let backward: Vec<usize> = forward.iter().rev().copied().collect();
    let (mut one, handle) = engine();
    for target in 0..TARGETS {
        apply(&mut one, handle, target, 1_000, &forward, |_| true);
        apply(&mut one, handle, target, 2_000, &forward, |_| false);
    }
    let (mut other, other_handle) = engine();
    for target in (0..TARGETS).rev() {
        apply(&mut other, other_handle, target, 1_000, &backward, |series| series % 2 == 0);
    }
    let half = other.state_hash(other_handle).expect("loaded");
    for target in 0..TARGETS {
        apply(&mut other, other_handle, target, 2_000, &forward, |series| series % 2 == 1);
    }
    let hash = one.state_hash(handle).expect("loaded");
    assert_eq!(other.state_hash(other_handle).expect("loaded"), hash);
    // Again, and from a copy of the pages.
    apply(&mut other, other_handle, 1, 2_000, &backward, |_| true);
    let image = other.image(other_handle).expect("loaded");
    other.drop_shard(other_handle).expect("loaded");
    let loaded = other.load(0, &image).expect("room");
    assert_eq!(other.state_hash(loaded).expect("loaded"), hash);
    assert_ne!(half, hash, "labels and samples are in it");
}

#[test]
fn a_series_without_its_labels_is_another_state() {
    let order: Vec<usize> = (0..SERIES).collect();
    let hashes = [0, 1].map(|missing| {
        let (mut engine, handle) = engine();
        apply(&mut engine, handle, 0, 1_000, &order, |series| series >= missing);
        engine.state_hash(handle).expect("loaded")
    });
    assert_ne!(hashes[0], hashes[1]);
}
