//! The columns of a wide target are sealed some at a time, and nobody sees how far that has come.

use codec::{Block, encode_blocks};
use paged::{Heap, Region, Space};
use pool::{Pool, PoolOptions};
use series::{
    Aggregation, Applied, Asked, Resolution, apply_metrics, describe, evict_samples, install, next_task,
    oldest_samples, pages_for_block, range, sealed,
};

const SERIES: u32 = 500;
const STEP_MS: i64 = 15_000;
const DAY_MS: i64 = 86_400_000;

struct Shard {
    pool: Pool,
    heap: Heap,
}

fn value(row: i64, series: u32) -> f64 {
    (row * i64::from(series) % 1_009) as f64 / 8.0
}

impl Shard {
    fn new() -> Self {
        let quota = 64 << 20;
        let options =
            PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
        let mut pool = Pool::open(&options).expect("options are valid");
        let heap = Heap::create(&mut pool, 0).expect("room");
        Self { pool, heap }
    }

    /// With the rows [0, rows) of all series.
    fn with_rows(rows: i64) -> Self {
        let mut shard = Self::new();
        (0..rows).for_each(|row| drop(shard.scrape(row, SERIES)));
        shard
    }

    fn space(&mut self) -> Space<'_> {
        Space { pool: &mut self.pool, heap: &mut self.heap }
    }

    fn scrape(&mut self, row: i64, series: u32) -> Applied {
        self.apply(series, (0..series).map(|one| (row * STEP_MS, one, value(row, one))).collect())
    }

    fn apply(&mut self, series: u32, samples: Vec<(i64, u32, f64)>) -> Applied {
        let ids: Vec<u128> = (0..u128::from(series)).collect();
        let block = encode_blocks(&ids, samples, usize::MAX).remove(0).block;
        let block = Block::parse(&block).expect("our own");
        apply_metrics(&mut self.space(), "t", "production/shop", &[], &block).expect("room")
    }

    /// One task of the background; false when nothing is due.
    fn work(&mut self) -> bool {
        let task = next_task(&mut self.space());
        task.is_some_and(|task| install(&mut self.space(), task.run()).is_ok())
    }

    fn read(&mut self, id: u32, step: i64, aggregation: Aggregation) -> Vec<(f64, u64)> {
        let (mut times, mut values) = (vec![0.0; 2_000], vec![0.0; 2_000]);
        let asked = Asked { from: 0, to: DAY_MS, step, aggregation };
        let n = range(&self.space(), u128::from(id), asked, &mut times, &mut values).expect("valid");
        times.into_iter().zip(values).take(n).map(|(time, value)| (time, value.to_bits())).collect()
    }

    /// All that can be seen of the samples, and the answers to some queries.
    fn seen(&mut self) -> impl PartialEq + std::fmt::Debug + use<> {
        let mut items = Vec::new();
        describe(&self.space(), |item| items.push(item.to_vec()));
        items.sort_unstable();
        let mut answers = Vec::new();
        for id in [0, 31, 32, 239, 240, 499] {
            answers.push(self.read(id, 0, Aggregation::Last));
            answers.push(self.read(id, 300_000, Aggregation::Max));
            answers.push(self.read(id, 3_600_000, Aggregation::Increase));
            answers.push(self.read(id, 70_000, Aggregation::Count));
        }
        (items, answers)
    }
}

#[test]
fn no_call_seals_more_than_a_few_columns() {
    let mut shard = Shard::new();
    let mut before = 0;
    let mut sealing = 0;
    for row in 0..600 {
        shard.scrape(row, SERIES);
        let chunks = sealed(&shard.space()).chunks;
        assert!(chunks - before <= 17, "{} chunks with row {row}", chunks - before);
        sealing += u32::from(chunks > before);
        before = chunks;
    }
    // Of each of three groups four chunks, with their timestamps.
    assert_eq!(before, 4 * (u64::from(SERIES) + 3));
    assert!(sealing < 200);
}

#[test]
fn what_is_seen_does_not_tell_how_far_sealing_has_come() {
    let mut shard = Shard::with_rows(150);
    let late = (0..SERIES).filter(|one| one % 3 == 0).map(|one| (40 * STEP_MS + 1, one, 0.5));
    assert_eq!(shard.apply(SERIES, late.collect()).applied, u64::from(SERIES.div_ceil(3)));
    let seen = shard.seen();
    let mut tasks = 0;
    while shard.work() {
        tasks += 1;
        assert!(shard.seen() == seen, "after {tasks} tasks");
        let again = shard.apply(SERIES, vec![(7 * STEP_MS, 5, 0.0), (40 * STEP_MS + 1, 3, 0.0)]);
        assert_eq!((again.applied, again.duplicates), (0, 2));
    }
    assert!(tasks > 16);
    assert!(sealed(&shard.space()).chunks > u64::from(SERIES));
}

#[test]
fn a_series_that_comes_meanwhile_has_no_sample_before() {
    let mut shard = Shard::with_rows(150);
    assert!(shard.work());
    let more = SERIES + 20;
    assert_eq!(shard.scrape(150, more).applied, u64::from(more));
    for done in [false, true] {
        assert_eq!(shard.read(more - 1, 0, Aggregation::Last).len(), 1);
        assert_eq!(shard.read(0, 0, Aggregation::Last).len(), 151);
        while !done && shard.work() {}
    }
}

#[test]
fn a_full_pool_refuses_to_seal_and_nothing_is_lost() {
    let mut shard = Shard::with_rows(150);
    let seen = shard.seen();
    let mut filled = Vec::new();
    while let Ok(page) = shard.pool.allocate(0, Region::InfrastructureState) {
        filled.push(page);
    }
    let mut refused = 0;
    for page in filled {
        let Some(task) = next_task(&mut shard.space()) else { break };
        refused += u32::from(install(&mut shard.space(), task.run()).expect("no other error").refused);
        shard.pool.free(page);
    }
    assert!(refused > 0);
    while shard.work() {}
    assert!(shard.seen() == seen);
}

#[test]
fn rows_that_are_being_sealed_go_in_steps_before_those_of_the_running_head() {
    let mut shard = Shard::with_rows(150);
    for _ in 0..3 {
        assert!(shard.work());
    }
    let chunks = sealed(&shard.space()).chunks;
    let mut dropping = None;
    let mut dropped = Vec::new();
    // Of each of three groups.
    for step in 0.. {
        let oldest = oldest_samples(&shard.space(), Resolution::Raw).expect("a head");
        if oldest.time > 0 {
            break;
        }
        assert!(step < 20, "it has an end");
        let first = |shard: &mut Shard, id| shard.read(id, 0, Aggregation::Last)[0].0;
        assert!((0..SERIES).step_by(31).all(|id| [0.0, 128.0 * STEP_MS as f64].contains(&first(&mut shard, id))));
        dropped.push(evict_samples(&mut shard.space(), &oldest, &mut dropping));
    }
    let samples: Vec<u64> = dropped.iter().map(|one| one.samples).filter(|samples| *samples > 0).collect();
    assert_eq!(samples, [240 * 128, 240 * 128, 20 * 128]);
    assert!(dropped.iter().filter(|one| one.samples > 0).all(|one| one.until == 127 * STEP_MS));
    assert_eq!((chunks, sealed(&shard.space()).chunks), (96, 0));
    assert_eq!(shard.read(0, 0, Aggregation::Last).len(), 150 - 128);
    assert!(!shard.work(), "nothing of them is left to be sealed");
    assert_eq!(shard.apply(SERIES, vec![(127 * STEP_MS, 0, 0.0)]).out_of_order, 1);
    for row in 150..300 {
        shard.scrape(row, SERIES);
    }
    while let Some(oldest) = oldest_samples(&shard.space(), Resolution::Raw) {
        evict_samples(&mut shard.space(), &oldest, &mut dropping);
    }
    while let Some(oldest) = oldest_samples(&shard.space(), Resolution::FiveMinutes) {
        evict_samples(&mut shard.space(), &oldest, &mut dropping);
    }
    // The root page, and a leaf with the number of the next group.
    assert!(shard.pool.pages_of(0) <= 2);
}

#[test]
fn what_goes_before_a_tier_has_it_is_told_of_the_coarser_ones_too() {
    let mut shard = Shard::with_rows(150);
    let mut dropping = None;
    let mut next = |shard: &mut Shard, resolution| {
        let oldest = oldest_samples(&shard.space(), resolution).expect("there is one");
        evict_samples(&mut shard.space(), &oldest, &mut dropping)
    };
    let tiers = [Resolution::FiveMinutes, Resolution::Hour];
    let full = next(&mut shard, Resolution::Raw);
    assert_eq!((full.until, full.coarser), (127 * STEP_MS, tiers.as_slice()));
    while shard.work() {}
    // Of the two groups that are sealed.
    let chunk = next(&mut shard, Resolution::Raw);
    assert_eq!((chunk.until, chunk.coarser), (127 * STEP_MS, [].as_slice()));
    let block = next(&mut shard, Resolution::FiveMinutes);
    assert_eq!((block.until, block.coarser), (127 * STEP_MS, [Resolution::Hour].as_slice()));
    let head = loop {
        let evicted = next(&mut shard, Resolution::Raw);
        if evicted.until > 127 * STEP_MS {
            break evicted;
        }
    };
    assert_eq!((head.until, head.coarser), (149 * STEP_MS, tiers.as_slice()));
}

#[test]
fn a_chunk_that_goes_before_the_tiers_know_its_late_samples_is_told_of_them_too() {
    let mut shard = Shard::with_rows(150);
    while shard.work() {}
    assert_eq!(shard.apply(SERIES, vec![(40 * STEP_MS + 1, 0, 0.5)]).applied, 1);
    let oldest = oldest_samples(&shard.space(), Resolution::Raw).expect("a chunk");
    let chunk = evict_samples(&mut shard.space(), &oldest, &mut None);
    assert_eq!(chunk.coarser, [Resolution::FiveMinutes, Resolution::Hour]);
}

/// Values that do not compress and fall as often as they grow, so that no piece of a tier is a counter's.
fn noise(row: i64, series: u32) -> f64 {
    let bits = (row as u64 * 500 + u64::from(series) + 1).wrapping_mul(0x2545_f491_4f6c_dd1d);
    f64::from_bits(bits >> 2 | 0x3000_0000_0000_0000)
}

#[test]
fn a_block_needs_no_more_pages_than_it_asks_for() {
    // Buckets of 20, of 5 and of 4 rows; rows that are buckets of their own; and several rows at once, the last ones late.
    for (apart, at_once, series) in
        [(15_000, 1, 240), (60_000, 1, 240), (75_000, 1, 500), (300_000, 1, 240), (15_000, 200, 300), (75_000, 50, 40)]
    {
        let mut shard = Shard::new();
        let mut asked_most = 0;
        for call in 0..460 / at_once {
            let rows = call * at_once..(call + 1) * at_once;
            let samples = rows.flat_map(|row| (0..series).map(move |one| (row * apart, one, noise(row, one))));
            let ids: Vec<u128> = (0..u128::from(series)).collect();
            let block = encode_blocks(&ids, samples.collect(), usize::MAX).remove(0).block;
            let block = Block::parse(&block).expect("our own");
            let asked = pages_for_block(&shard.space(), "t", &block);
            asked_most = asked_most.max(asked);
            let mut filled = Vec::new();
            while shard.pool.ledger().available(Region::InfrastructureState) > asked {
                filled.push(shard.pool.allocate(0, Region::InfrastructureState).expect("available"));
            }
            let done = apply_metrics(&mut shard.space(), "t", "production/shop", &[], &block);
            assert_eq!(done.expect("room").applied, block.count() as u64, "{apart} {at_once} {call}");
            filled.into_iter().for_each(|page| shard.pool.free(page));
        }
        assert!(sealed(&shard.space()).chunks > u64::from(series) * 2);
        assert!(asked_most < 4_000, "{asked_most} pages for {apart} {at_once}");
    }
}
