//! What steps say, from summaries of chunks and from samples, is what a plain list of the samples says.

use codec::{Block, encode_blocks};
use paged::{Heap, Space};
use pool::{Pool, PoolOptions};
use proptest::prelude::*;
use series::{Aggregation, Asked, STALE_BITS, apply_metrics, range, sealed};

const AGGREGATIONS: [Aggregation; 6] =
    [Aggregation::Last, Aggregation::Avg, Aggregation::Min, Aggregation::Max, Aggregation::Sum, Aggregation::Count];

/// The samples of one series: what they look like, and one row of so many left out.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Constant(f64),
    Counter(u32),
    Whole,
    Fraction,
    /// Mostly NaN, infinite or -0; a stale marker now and then.
    Odd(bool),
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), any::<i32>().prop_map(f64::from)].prop_map(Shape::Constant),
        (0u32..1_000).prop_map(Shape::Counter),
        Just(Shape::Whole),
        Just(Shape::Fraction),
        any::<bool>().prop_map(Shape::Odd),
    ]
}

fn value(shape: Shape, row: usize, noise: u32) -> f64 {
    match shape {
        Shape::Constant(value) => value,
        Shape::Counter(by) => row as f64 * f64::from(by),
        Shape::Whole => f64::from(noise as i32),
        Shape::Fraction => f64::from(noise as i32) / 1_000.0,
        Shape::Odd(stale) => match noise % 8 {
            0 => f64::INFINITY,
            1 => -0.0,
            2 => f64::from(noise),
            3 if stale => f64::from_bits(STALE_BITS),
            _ => f64::NAN,
        },
    }
}

fn aggregate(samples: &[f64], aggregation: Aggregation) -> f64 {
    let known = || samples.iter().copied().filter(|value| !value.is_nan());
    match aggregation {
        Aggregation::Last => samples[samples.len() - 1],
        Aggregation::Avg => samples.iter().sum::<f64>() / samples.len() as f64,
        Aggregation::Min => known().reduce(f64::min).unwrap_or(f64::NAN),
        Aggregation::Max => known().reduce(f64::max).unwrap_or(f64::NAN),
        Aggregation::Sum => samples.iter().sum(),
        Aggregation::Count => samples.len() as f64,
        other => unreachable!("{other:?} is not among them"),
    }
}

/// Sums may be added up in another order.
fn alike(found: f64, wanted: f64) -> bool {
    found == wanted || (found.is_nan() && wanted.is_nan()) || (found - wanted).abs() <= 1e-9 * wanted.abs().max(1e6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn steps_equal_a_list(
        shapes in prop::collection::vec((shape(), 0usize..4), 1..6),
        noise in prop::collection::vec(any::<u32>(), 500..900),
        jitter in any::<bool>(),
        (from, length, step) in (0i64..3_000, 1i64..9_000, 1i64..6_000),
    ) {
        let quota = 4096 * 4096;
        let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
        let mut pool = Pool::open(&options).expect("options are valid");
        let mut heap = Heap::create(&mut pool, 0).expect("room");
        let mut space = Space { pool: &mut pool, heap: &mut heap };
        let ids: Vec<u128> = (0..shapes.len() as u128).collect();
        let mut lists: Vec<Vec<(i64, f64)>> = vec![Vec::new(); shapes.len()];
        for (row, noise) in noise.iter().enumerate() {
            let time = row as i64 * 10 + if jitter { i64::from(noise % 3) } else { 0 };
            let mut samples = Vec::new();
            for (column, (shape, hole)) in shapes.iter().enumerate() {
                if *hole < 2 || row % hole != 0 {
                    let value = value(*shape, row, noise.rotate_left(column as u32));
                    samples.push((time, column as u32, value));
                    lists[column].push((time, value));
                }
            }
            if !samples.is_empty() {
                let block = &encode_blocks(&ids, samples, usize::MAX)[0].block;
                apply_metrics(&mut space, "t", "a/b", &[], &Block::parse(block).expect("our own")).expect("room");
            }
        }
        prop_assert!(sealed(&space).chunks > 0);
        let to = from + length;
        for (id, list) in ids.iter().zip(&lists) {
            let usual = list.iter().filter(|(time, value)| (from..to).contains(time) && value.to_bits() != STALE_BITS);
            let mut steps: Vec<(i64, Vec<f64>)> = Vec::new();
            for (time, value) in usual {
                let start = from + (time - from) / step * step;
                match steps.last_mut() {
                    Some((open, samples)) if *open == start => samples.push(*value),
                    _ => steps.push((start, vec![*value])),
                }
            }
            for aggregation in AGGREGATIONS {
                for room in [steps.len() + 1, steps.len() / 2] {
                    let (mut times, mut values) = (vec![0.0; room], vec![0.0; room]);
                    let n = range(&space, *id, Asked { from, to, step, aggregation }, &mut times, &mut values).expect("valid");
                    prop_assert_eq!(n, steps.len().min(room));
                    for ((time, found), (start, samples)) in times.iter().zip(&values).zip(&steps) {
                        let wanted = aggregate(samples, aggregation);
                        prop_assert_eq!(*time, *start as f64);
                        prop_assert!(alike(*found, wanted), "{:?}: {} not {}", aggregation, found, wanted);
                    }
                }
            }
        }
    }
}
