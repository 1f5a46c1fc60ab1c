//! A target of which no sample is left answers from its tiers.

use codec::{Block, encode_blocks};
use paged::{Heap, Space};
use pool::{Pool, PoolOptions};
use series::{
    Aggregation, Asked, Resolution, apply_metrics, evict_samples, install, next_task, oldest_samples, ranges,
};

const QUOTA: u64 = 2_000 * 4096;
const HOUR: i64 = 3_600_000;
const START: i64 = 1_000 * HOUR;

fn pool() -> Pool {
    let options = PoolOptions { pool_bytes: QUOTA * 4, quota_bytes: [QUOTA; 4], borrow_bytes_max: [0; 4], shards: 1 };
    Pool::open(&options).expect("options are valid")
}

#[test]
fn a_window_that_ends_within_the_hour_in_which_the_five_minutes_begin() {
    let mut pool = pool();
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    let mut space = Space { pool: &mut pool, heap: &mut heap };
    for row in 0..8_000 {
        let block = encode_blocks(&[7], vec![(START + row * 15_000, 0, row as f64)], usize::MAX).remove(0).block;
        apply_metrics(&mut space, "t", "a/b", &[], &Block::parse(&block).expect("our own")).expect("room");
        while let Some(task) = next_task(&mut space) {
            install(&mut space, task.run()).expect("room");
        }
    }
    while let Some(oldest) = oldest_samples(&space, Resolution::Raw) {
        evict_samples(&mut space, &oldest, &mut None);
    }
    let fives = oldest_samples(&space, Resolution::FiveMinutes).expect("there are some");
    let mut dropping = None;
    while oldest_samples(&space, Resolution::FiveMinutes).as_ref() == Some(&fives) {
        evict_samples(&mut space, &fives, &mut dropping);
    }
    for minutes in (1..8_000 / 4).step_by(7) {
        let to = START + minutes * 60_000;
        let asked = Asked { from: START, to, step: 61_000, aggregation: Aggregation::Count };
        let (mut times, mut values, mut counts) = (vec![0.0; 2_000], vec![0.0; 2_000], [0.0]);
        let answered = ranges(&space, &[7], asked, u64::MAX, &mut times, &mut values, &mut counts).expect("valid");
        assert_eq!(answered.coarse_until, Some(to));
        assert!(times[..counts[0] as usize].iter().all(|time| *time < to as f64));
    }
}
