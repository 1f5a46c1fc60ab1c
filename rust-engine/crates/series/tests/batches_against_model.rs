//! Batches of many series, in any order and with repeats, whole and with holes, leave what a plain map has; what is not
//! announced is counted.

use codec::{Announced, Block, encode_blocks, series_id};
use paged::{Heap, Space};
use pool::{Pool, PoolOptions};
use proptest::prelude::*;
use series::{Aggregation, Asked, Matcher, SeriesError, apply_metrics, describe, ranges, series};
use std::collections::{BTreeMap, BTreeSet};

const SERIES: usize = 600;

#[derive(Clone, Debug)]
struct Batch {
    /// Rows of the batch; the next one goes on after them, or repeats the last of them.
    rows: i64,
    repeats: bool,
    /// The series from one on and every so many, then some again.
    first: usize,
    stride: usize,
    count: usize,
    again: Vec<usize>,
    /// One sample of so many is left out; 0 for none.
    hole: usize,
    announces: bool,
}

fn batch() -> impl Strategy<Value = Batch> {
    let stride = prop_oneof![3 => Just(1usize), 1 => Just(7), 1 => Just(599), 1 => Just(241)];
    let some = prop::collection::vec(0..SERIES, 0..4);
    let hole = prop_oneof![3 => Just(0usize), 1 => 2usize..9];
    ((1i64..4, any::<bool>()), 0..SERIES, stride, 1..SERIES, some, hole, any::<bool>()).prop_map(
        |((rows, repeats), first, stride, count, again, hole, announces)| Batch {
            rows,
            repeats,
            first,
            stride,
            count,
            again,
            hole,
            announces,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn batches_equal_a_map(batches in prop::collection::vec(batch(), 1..40)) {
        let quota = 4096 * 8192;
        let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
        let mut pool = Pool::open(&options).expect("options are valid");
        let mut heap = Heap::create(&mut pool, 0).expect("room");
        let mut space = Space { pool: &mut pool, heap: &mut heap };
        let names: Vec<String> = (0..SERIES).map(|n| n.to_string()).collect();
        let labels_of = |n: usize| vec![("__name__", "m"), ("n", names[n].as_str())];
        let all: Vec<u128> = (0..SERIES).map(|n| series_id(&labels_of(n))).collect();
        let mut model: BTreeMap<u128, BTreeMap<i64, u64>> = BTreeMap::new();
        let mut named = BTreeSet::new();
        let mut end = 1_000;
        for (n, batch) in batches.iter().enumerate() {
            let numbers: Vec<usize> = (0..batch.count).map(|i| (batch.first + i * batch.stride) % SERIES).chain(batch.again.iter().copied()).collect();
            let ids: Vec<u128> = numbers.iter().map(|n| all[*n]).collect();
            let start = end - i64::from(batch.repeats);
            end = start + batch.rows;
            let mut samples = Vec::new();
            for time in start..end {
                for column in 0..ids.len() {
                    if batch.hole == 0 || !(column + time as usize).is_multiple_of(batch.hole) {
                        samples.push((time, column as u32, (n * 1_000 + column) as f64));
                    }
                }
            }
            if samples.is_empty() {
                continue;
            }
            let mut wanted = 0;
            for (time, column, value) in &samples {
                model.entry(ids[*column as usize]).or_default().entry(*time).or_insert_with(|| { wanted += 1; value.to_bits() });
            }
            let announced: Vec<Announced<'_>> = if batch.announces { numbers.iter().map(|n| Announced { id: all[*n], labels: labels_of(*n) }).collect() } else { Vec::new() };
            named.extend(announced.iter().map(|one| one.id));
            let count = samples.len() as u64;
            let block = &encode_blocks(&ids, samples, usize::MAX)[0].block;
            let block = Block::parse(block).expect("our own");
            let done = apply_metrics(&mut space, "t", "production/shop", &announced, &block).expect("room");
            // Rows within a second of each other are within the window for late ones.
            prop_assert_eq!((done.applied, done.duplicates, done.out_of_order), (wanted, count - wanted, 0));
            prop_assert_eq!(done.unannounced, ids.iter().filter(|id| !named.contains(id)).count() as u64);
        }
        let ids: Vec<u128> = model.keys().copied().collect();
        let (asked, room) = (Asked { from: 0, to: i64::MAX, step: 0, aggregation: Aggregation::Last }, 200);
        let (mut times, mut values) = (vec![0.0; room * ids.len()], vec![0.0; room * ids.len()]);
        let mut counts = vec![0.0; ids.len()];
        prop_assert!(ranges(&space, &ids, asked, u64::MAX, &mut times, &mut values, &mut counts).expect("valid").is_whole);
        for (place, id) in ids.iter().enumerate() {
            let share = place * room..place * room + counts[place] as usize;
            let found: BTreeMap<i64, u64> = times[share.clone()].iter().zip(&values[share]).map(|(time, value)| (*time as i64, value.to_bits())).collect();
            prop_assert_eq!(&found, &model[id]);
        }
        let known: Vec<Matcher> = serde_json::from_str(r#"[{ "name": "__name__", "op": "=", "value": "m" }]"#).expect("a matcher");
        let found = series(&space, Some("production/shop"), &known, SERIES, None).expect("few matchers").items;
        prop_assert_eq!(found.len(), named.len());
    }
}

#[test]
fn a_batch_that_is_refused_changes_nothing() {
    let quota = 4096 * 1024;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    let mut pool = Pool::open(&options).expect("options are valid");
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    let mut space = Space { pool: &mut pool, heap: &mut heap };
    let mut apply = |target: &str, service: &str, ids: &[u128]| {
        let samples = (0..ids.len() as u32).map(|column| (1_000, column, 1.0)).collect();
        let block = &encode_blocks(ids, samples, usize::MAX)[0].block;
        let block = Block::parse(block).expect("our own");
        let before = seen(&space);
        (apply_metrics(&mut space, target, service, &[], &block), before == seen(&space))
    };
    assert_eq!(apply("a", "production/shop", &[1, 2]).0.expect("room").created, 2);
    assert_eq!(apply("b", "production/shop", &[3]).0.expect("room").created, 1);
    for (target, service) in [("b", "production/shop"), ("b", "production/cart"), ("c", "production/shop")] {
        let (refused, is_same) = apply(target, service, &[4, 3 + u128::from(target == "c") * 2, 1]);
        assert!(matches!(refused, Err(SeriesError::ArgumentInvalid { field: "target", .. })), "{refused:?}");
        assert!(is_same, "{target} {service}");
    }
    let (done, _) = apply("b", "production/cart", &[4, 3, 4]);
    let done = done.expect("room");
    assert_eq!((done.created, done.moved), (1, Some(("production/shop".to_owned(), 1))));
}

/// Every page, and what is described.
fn seen(space: &Space<'_>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut items = Vec::new();
    describe(space, |item| items.push(item.to_vec()));
    (space.heap.image(space.pool).iter().map(|(_, _, page)| page.to_vec()).collect(), items)
}
