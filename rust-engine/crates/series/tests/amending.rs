//! The tiers learn of late samples block by block; one that can't be made anew keeps no other from it.

use codec::{Block, encode_blocks};
use paged::{Heap, Space};
use pool::{Pool, PoolOptions};
use series::{
    Aggregation, Asked, Resolution, apply_metrics_within, evict_samples, install, next_task, oldest_samples, range,
    sealed,
};

const SERIES: u32 = 240;
const STEP_MS: i64 = 1_000;
const FIVE_MS: i64 = 300_000;
/// Rows that become one chunk, of 8 MB with all columns.
const ROWS_OF_CHUNK: i64 = 4_096;
/// Rows that stay in the head.
const ROWS_OF_HEAD: i64 = 17;

fn pool() -> Pool {
    let quota = 64 << 20;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    Pool::open(&options).expect("options are valid")
}

/// Values that do not compress, by differences neither.
fn noise(row: i64, series: u32) -> f64 {
    let mut bits = row as u64 * 500 + u64::from(series) + 1;
    for _ in 0..2 {
        bits = (bits ^ (bits >> 31)).wrapping_mul(0x2545_f491_4f6c_dd1d);
    }
    f64::from_bits(bits >> 2 | 0x3000_0000_0000_0000)
}

/// With a window of half a day for late samples.
fn apply(space: &mut Space<'_>, samples: Vec<(i64, u32, f64)>) -> u64 {
    let ids: Vec<u128> = (0..u128::from(SERIES)).collect();
    let block = encode_blocks(&ids, samples, usize::MAX).remove(0).block;
    let block = Block::parse(&block).expect("our own");
    apply_metrics_within(space, "t", "production/shop", &[], &block, 43_200_000).expect("room").applied
}

fn apply_rows(space: &mut Space<'_>, rows: std::ops::Range<i64>, step_ms: i64) {
    for row in rows {
        apply(space, (0..SERIES).map(|one| (row * step_ms, one, noise(row, one))).collect());
    }
}

fn work(space: &mut Space<'_>) {
    while let Some(task) = next_task(space) {
        install(space, task.run()).expect("room");
    }
}

/// Samples of a series in each five minutes.
fn counts(space: &Space<'_>, id: u128, to: i64) -> Vec<f64> {
    let (mut times, mut values) = ([0.0; 200], [0.0; 200]);
    let asked = Asked { from: 0, to, step: FIVE_MS, aggregation: Aggregation::Count };
    let n = range(space, id, asked, &mut times, &mut values).expect("valid");
    values[..n].to_vec()
}

/// What they are with a sample every so often, and late ones.
fn counts_with(late: &[i64], to: i64, step_ms: i64) -> Vec<f64> {
    let of_step = |step: i64| FIVE_MS / step_ms + late.iter().filter(|time| **time / FIVE_MS == step).count() as i64;
    (0..to / FIVE_MS).map(|step| of_step(step) as f64).collect()
}

/// Drops all chunks of samples; of those that the tiers lose too the last time, and these.
fn evict_sealed(space: &mut Space<'_>) -> Vec<(i64, &'static [Resolution])> {
    let mut coarser = Vec::new();
    let mut dropping = None;
    while sealed(space).chunks > 0 {
        let oldest = oldest_samples(space, Resolution::Raw).expect("a chunk");
        let evicted = evict_samples(space, &oldest, &mut dropping);
        if !evicted.coarser.is_empty() {
            coarser.push((evicted.until, evicted.coarser));
        }
    }
    coarser
}

#[test]
fn a_block_too_large_to_be_made_anew_keeps_no_later_one_from_it() {
    let mut pool = pool();
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    let mut space = Space { pool: &mut pool, heap: &mut heap };
    apply_rows(&mut space, 0..ROWS_OF_CHUNK + ROWS_OF_HEAD, STEP_MS);
    work(&mut space);
    assert_eq!(sealed(&space).chunks, u64::from(SERIES) + 1, "one chunk");
    assert!(sealed(&space).bytes > 4 << 20, "too large");
    let rows = ROWS_OF_CHUNK + 512 + ROWS_OF_HEAD;
    apply_rows(&mut space, ROWS_OF_CHUNK + ROWS_OF_HEAD..rows, STEP_MS);
    let (in_large, later) = ((ROWS_OF_CHUNK - 100) * STEP_MS + 1, (ROWS_OF_CHUNK + 200) * STEP_MS + 1);
    assert_eq!(apply(&mut space, vec![(in_large, 0, 0.5), (later, 0, 0.5)]), 2);
    work(&mut space);

    // Whole steps of five minutes in which the sealed rows lie.
    let to = (ROWS_OF_CHUNK + 512) * STEP_MS / FIVE_MS * FIVE_MS;
    let with = |late: &[i64]| counts_with(late, to, STEP_MS);
    assert_eq!(counts(&space, 0, to), with(&[in_large, later]));

    let coarser = evict_sealed(&mut space);
    let large = (ROWS_OF_CHUNK - 1) * STEP_MS;
    assert_eq!(coarser, [(large, [Resolution::FiveMinutes, Resolution::Hour].as_slice())]);
    assert_eq!(counts(&space, 0, to), with(&[later]), "the tiers know the later one");
}

#[test]
fn a_block_that_was_merged_before_keeps_no_later_one_from_it() {
    let mut pool = pool();
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    let mut space = Space { pool: &mut pool, heap: &mut heap };
    let (step_ms, sealed_rows) = (15_000, 16 * 128);
    apply_rows(&mut space, 0..sealed_rows + ROWS_OF_HEAD, step_ms);
    work(&mut space);
    let (merged, later) = (100 * step_ms + 1, (sealed_rows - 100) * step_ms + 1);
    assert_eq!(apply(&mut space, vec![(merged, 0, 0.5), (later, 0, 0.5)]), 2);
    // The next chunk queues the group.
    apply_rows(&mut space, sealed_rows + ROWS_OF_HEAD..sealed_rows + 128 + ROWS_OF_HEAD, step_ms);
    work(&mut space);
    let to = sealed_rows * step_ms / FIVE_MS * FIVE_MS;
    assert_eq!(counts(&space, 0, to), counts_with(&[merged, later], to, step_ms));
    evict_sealed(&mut space);
    assert_eq!(counts(&space, 0, to), counts_with(&[later], to, step_ms), "the tiers know the later one");
}
