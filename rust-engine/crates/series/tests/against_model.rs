//! Random batches and a plain map agree; eviction drops the oldest and gives every page back.

use codec::{Block, encode_blocks};
use paged::{Heap, Region, Space};
use pool::{Pool, PoolOptions};
use proptest::prelude::*;
use series::{
    Aggregation, Asked, Resolution, apply_metrics, evict_samples, install, next_task, oldest_samples, range, ranges,
};
use std::collections::BTreeMap;

const STALE: f64 = f64::from_bits(series::STALE_BITS);

fn pool() -> Pool {
    let quota = 4096 * 4096;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    Pool::open(&options).expect("options are valid")
}

fn apply(space: &mut Space<'_>, samples: &[(i64, u128, f64)]) -> series::Applied {
    let mut ids: Vec<u128> = samples.iter().map(|(_, id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let column = |id: &u128| ids.binary_search(id).expect("listed") as u32;
    let placed: Vec<(i64, u32, f64)> = samples.iter().map(|(time, id, value)| (*time, column(id), *value)).collect();
    let block = &encode_blocks(&ids, placed, usize::MAX)[0].block;
    apply_metrics(space, "{job=\"j\"}", "production/shop", &[], &Block::parse(block).expect("our own")).expect("room")
}

fn raw(space: &Space<'_>, id: u128, from: i64, to: i64) -> Vec<(i64, u64)> {
    let (mut times, mut values) = (vec![0.0; 4096], vec![0.0; 4096]);
    let asked = Asked { from, to, step: 0, aggregation: Aggregation::Last };
    let n = range(space, id, asked, &mut times, &mut values).expect("valid");
    times.into_iter().zip(values).take(n).map(|(time, value)| (time as i64, value.to_bits())).collect()
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![4 => (0u32..50).prop_map(f64::from), 2 => any::<f64>(), 1 => Just(STALE), 1 => Just(f64::NAN)]
}

/// Scrapes with jitter: (row, late by rows, samples of series).
fn scrapes() -> impl Strategy<Value = Vec<(i64, Vec<(u128, f64)>)>> {
    let scrape = (0i64..6, prop::collection::vec((0u128..300, value()), 1..30));
    prop::collection::vec(scrape, 1..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn series_equal_a_map(scrapes in scrapes(), step in 1i64..40) {
        let mut pool = pool();
        let mut heap = Heap::create(&mut pool, 0).expect("room");
        let mut space = Space { pool: &mut pool, heap: &mut heap };
        let mut model: BTreeMap<u128, BTreeMap<i64, u64>> = BTreeMap::new();
        for (n, (late, samples)) in scrapes.iter().enumerate() {
            let time = 1_000 + n as i64 - late;
            let batch: Vec<_> = samples.iter().map(|(id, value)| (time, *id, *value)).collect();
            let done = apply(&mut space, &batch);
            prop_assert_eq!(done.out_of_order, 0, "within the window");
            let mut new = 0;
            for (id, value) in samples {
                model.entry(*id).or_default().entry(time).or_insert_with(|| { new += 1; value.to_bits() });
            }
            prop_assert_eq!(done.applied, new);
        }
        for (id, points) in &model {
            prop_assert_eq!(&raw(&space, *id, 0, i64::MAX), &points.iter().map(|(t, v)| (*t, *v)).collect::<Vec<_>>());
            let (mut times, mut counts) = (vec![0.0; 4096], vec![0.0; 4096]);
            let asked = Asked { from: 1_005, to: 1_300, step, aggregation: Aggregation::Count };
            let n = range(&space, *id, asked, &mut times, &mut counts).expect("valid");
            let mut wanted: BTreeMap<i64, f64> = BTreeMap::new();
            for (time, _) in points.range(1_005..1_300).filter(|(_, bits)| **bits != series::STALE_BITS) {
                *wanted.entry(1_005 + (time - 1_005) / step * step).or_default() += 1.0;
            }
            let got: Vec<(i64, f64)> = times.iter().zip(&counts).take(n).map(|(t, c)| (*t as i64, *c)).collect();
            prop_assert_eq!(got, wanted.into_iter().collect::<Vec<_>>());
        }
        // All at once, in any order and some unknown: what each gives alone.
        let ids: Vec<u128> = model.keys().rev().flat_map(|id| [*id, *id + 1_000]).collect();
        let (asked, room) = (Asked { from: 1_005, to: 1_300, step: 0, aggregation: Aggregation::Last }, 512);
        let (mut times, mut values) = (vec![0.0; room * ids.len()], vec![0.0; room * ids.len()]);
        let mut counts = vec![f64::NAN; ids.len()];
        prop_assert!(ranges(&space, &ids, asked, u64::MAX, &mut times, &mut values, &mut counts).expect("valid").is_whole);
        for (place, id) in ids.iter().enumerate() {
            let share = place * room..place * room + counts[place] as usize;
            let found = times[share.clone()].iter().zip(&values[share]);
            let found: Vec<_> = found.map(|(time, value)| (*time as i64, value.to_bits())).collect();
            prop_assert_eq!(found, raw(&space, *id, 1_005, 1_300));
        }
        let kept: u64 = model.values().map(|points| points.len() as u64).sum();
        let mut dropped = 0;
        let mut services = 0;
        let mut dropping = None;
        let mut until = i64::MIN;
        // A step leaves nothing half-way: what is left of each series is its newest samples, all those after `until` among them.
        let all = [Resolution::Raw, Resolution::FiveMinutes, Resolution::Hour];
        while let Some(oldest) = all.iter().find_map(|resolution| oldest_samples(&space, *resolution)) {
            let evicted = evict_samples(&mut space, &oldest, &mut dropping);
            dropped += if oldest.resolution == Resolution::Raw { evicted.samples } else { 0 };
            until = until.max(evicted.until);
            services += evicted.series.map_or(0, |(_, gone)| gone);
            for (id, points) in &model {
                let left = raw(&space, *id, 0, i64::MAX);
                let whole = points.iter().map(|(t, v)| (*t, *v)).collect::<Vec<_>>();
                prop_assert!(whole.ends_with(&left));
                prop_assert!(left.len() >= points.range(until + 1..).count());
            }
        }
        prop_assert_eq!(dropped, kept);
        prop_assert_eq!(services as usize, model.len());
        // The root page, and a leaf with the number of the next group.
        prop_assert_eq!(pool.pages_of(0), 2);
    }
}

#[test]
fn repeats_are_dropped_and_old_samples_counted() {
    let mut pool = pool();
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    let mut space = Space { pool: &mut pool, heap: &mut heap };
    for time in 0..300 {
        assert_eq!(apply(&mut space, &[(time, 1, time as f64)]).applied, 1);
    }
    assert_eq!(apply(&mut space, &[(299, 1, 7.0)]).duplicates, 1);
    let looks_absent = f64::from_bits(0x7ff4_a55e_7000_0001);
    assert_eq!(apply(&mut space, &[(300, 1, looks_absent), (300, 2, looks_absent)]).applied, 2);
    assert_eq!(apply(&mut space, &[(300, 1, 7.0)]).duplicates, 1);
    assert_eq!(raw(&space, 1, 300, 301), [(300, f64::NAN.to_bits())], "another NaN is kept");
    assert_eq!(apply(&mut space, &[(5, 1, 7.0)]).duplicates, 1, "of a sealed sample");
    assert_eq!(apply(&mut space, &[(5, 2, 7.0)]).applied, 1, "a sealed row is completed");
    assert_eq!(apply(&mut space, &[(5, 2, 8.0)]).duplicates, 1, "of a late sample");
    assert_eq!(raw(&space, 2, 0, 10), [(5, 7.0f64.to_bits())]);
    assert_eq!(apply(&mut space, &[(299, 2, 7.0)]).applied, 1, "a partial row is completed");
    assert_eq!(raw(&space, 1, 10, 290).len(), 280);
    let mut out = ([0.0; 3], [0.0; 3]);
    let asked = Asked { from: 0, to: 300, step: 100, aggregation: Aggregation::Sum };
    let n = range(&space, 1, asked, &mut out.0, &mut out.1).expect("valid");
    assert_eq!((n, out.1), (3, [4_950.0, 14_950.0, 24_950.0]));
    assert_eq!(space.pool.pages_of_region(0, Region::DeploymentHistory), 0);
}

#[test]
fn a_query_reads_no_more_rows_than_it_may_and_says_so() {
    let mut pool = pool();
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    let mut space = Space { pool: &mut pool, heap: &mut heap };
    for time in 0..1_000 {
        apply(&mut space, &[(time, 1, 1.0), (time, 2, 1.0)]);
    }
    let asked = Asked { from: 0, to: 1_000, step: 100, aggregation: Aggregation::Count };
    let query = |rows_max| {
        let (mut times, mut values, mut counts) = ([0.0; 20], [0.0; 20], [0.0; 2]);
        let whole = ranges(&space, &[2, 1], asked, rows_max, &mut times, &mut values, &mut counts).expect("valid");
        (whole.is_whole, counts)
    };
    assert_eq!(query(2_000), (true, [10.0, 10.0]));
    // Whole steps alone. The first in the store is the second that was asked for.
    assert_eq!(query(1_200), (false, [2.0, 10.0]));
    assert_eq!(query(127), (false, [0.0, 0.0]));
}

#[test]
fn a_wide_chunk_goes_in_steps_and_nobody_sees_a_part_of_it() {
    let mut pool = pool();
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    let mut space = Space { pool: &mut pool, heap: &mut heap };
    for time in 0..150 {
        apply(&mut space, &(0..100).map(|id| (time, id, time as f64)).collect::<Vec<_>>());
    }
    while let Some(task) = next_task(&mut space) {
        install(&mut space, task.run()).expect("room");
    }
    let mut dropping = None;
    let mut samples = Vec::new();
    for step in 0.. {
        let oldest = oldest_samples(&space, Resolution::Raw).expect("a chunk or head");
        if oldest.time != 127 {
            break;
        }
        if step == 3 {
            // As after a restart, which only knows what lies in the pages.
            dropping = None;
        }
        samples.push(evict_samples(&mut space, &oldest, &mut dropping).samples);
        for id in 0..100 {
            assert_eq!(raw(&space, id, 0, i64::MAX).first().map(|(time, _)| *time), Some(128));
        }
    }
    let whole = 16 * 128;
    assert_eq!(samples, [whole, whole, whole, 0, 0, 0, whole, whole, whole, 4 * 128]);
}
