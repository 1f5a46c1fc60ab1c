//! Merging chunks in the background, cut off anywhere and taken up again, changes nothing of what is read.

use codec::{Block, encode_blocks};
use paged::{Heap, Space};
use pool::{Pool, PoolOptions};
use proptest::prelude::*;
use series::{
    Aggregation, Asked, Done, Dropping, Resolution, Task, apply_metrics, apply_metrics_within, describe, evict_samples,
    install, next_task, oldest_samples, range, sealed,
};
use std::collections::BTreeMap;

const SERIES: u128 = 70;
const ROOM: usize = 30_000;
const WINDOW_MS: i64 = 20_000;

type Model = BTreeMap<u128, BTreeMap<i64, u64>>;

#[derive(Clone, Debug)]
enum Step {
    /// So many rows, a row of so many left out of each series in turn.
    Rows(i64, i64),
    /// Rows that come so much later than their time, of one series of so many.
    Late {
        by: i64,
        rows: i64,
        stride: u128,
    },
    Take,
    Run,
    Install,
    /// All that is due, at once.
    Repack,
    Evict,
    /// The shard is dropped and loaded from a copy of its pages.
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1i64..400, 2i64..9).prop_map(|(rows, hole)| Step::Rows(rows, hole)),
        5 => (0i64..25_000, 1i64..8, 1u128..50).prop_map(|(by, rows, stride)| Step::Late { by, rows, stride }),
        6 => Just(Step::Take),
        4 => Just(Step::Run),
        4 => Just(Step::Install),
        1 => Just(Step::Repack),
        1 => Just(Step::Evict),
        1 => Just(Step::Reload),
    ];
    prop::collection::vec(step, 1..80)
}

struct Shard {
    pool: Pool,
    heap: Heap,
    taken: Option<Task>,
    done: Option<Done>,
    dropping: Option<Dropping>,
}

impl Shard {
    fn new() -> Self {
        let quota = 4096 * 8192;
        let options =
            PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
        let mut pool = Pool::open(&options).expect("options are valid");
        let heap = Heap::create(&mut pool, 0).expect("room");
        Self { pool, heap, taken: None, done: None, dropping: None }
    }

    fn space(&mut self) -> Space<'_> {
        Space { pool: &mut self.pool, heap: &mut self.heap }
    }

    fn apply(&mut self, rows: &[(i64, Vec<u128>)]) -> u64 {
        let ids: Vec<u128> = (0..SERIES).collect();
        let samples = rows.iter().flat_map(|(time, ids)| ids.iter().map(|id| (*time, *id, value(*time, *id))));
        self.apply_samples(&ids, samples.collect()).applied
    }

    fn apply_samples(&mut self, ids: &[u128], samples: Vec<(i64, u128, f64)>) -> series::Applied {
        let samples = samples.into_iter().map(|(time, id, value)| (time, id as u32, value));
        let block = &encode_blocks(ids, samples.collect(), usize::MAX)[0].block;
        let block = Block::parse(block).expect("our own");
        let space = &mut self.space();
        apply_metrics_within(space, "t", "production/shop", &[], &block, WINDOW_MS).expect("room")
    }

    fn repack(&mut self) -> u64 {
        let mut chunks = 0;
        for _ in 0..10_000 {
            let Some(task) = next_task(&mut self.space()) else { return chunks };
            chunks += install(&mut self.space(), task.run()).expect("installed").chunks;
        }
        unreachable!("the work has an end")
    }

    /// Takes one step in the eviction of the oldest samples.
    fn evict_step(&mut self) -> bool {
        let all = [Resolution::Raw, Resolution::FiveMinutes, Resolution::Hour];
        let oldest = all.iter().find_map(|resolution| oldest_samples(&self.space(), *resolution));
        let Some(oldest) = oldest else { return false };
        let mut space = Space { pool: &mut self.pool, heap: &mut self.heap };
        evict_samples(&mut space, &oldest, &mut self.dropping);
        true
    }

    fn reload(&mut self) {
        self.dropping = None;
        let image = self.heap.image(&self.pool);
        self.heap.drop_pages(&mut self.pool);
        self.heap = Heap::vacant(0, image.regions().iter().map(Option::is_some));
        for (n, region, page) in image.iter() {
            self.heap.install(&mut self.pool, n, region, page).expect("room");
        }
    }

    fn read(&mut self, id: u128) -> BTreeMap<i64, u64> {
        self.read_between(id, 0, i64::MAX)
    }

    fn read_between(&mut self, id: u128, from: i64, to: i64) -> BTreeMap<i64, u64> {
        let (mut times, mut values) = (vec![0.0; ROOM], vec![0.0; ROOM]);
        let asked = Asked { from, to, step: 0, aggregation: Aggregation::Last };
        let n = range(&self.space(), id, asked, &mut times, &mut values).expect("valid");
        times.into_iter().zip(values).take(n).map(|(time, value)| (time as i64, value.to_bits())).collect()
    }

    /// What is described of the samples and series, whatever its order.
    fn described(&mut self) -> Vec<Vec<u8>> {
        let mut items = Vec::new();
        describe(&self.space(), |item| items.push(item.to_vec()));
        items.sort_unstable();
        items
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Take => {
                let task = next_task(&mut self.space());
                self.taken = task.or(self.taken.take());
            }
            Step::Run => self.done = self.taken.take().map(Task::run).or(self.done.take()),
            Step::Install => {
                if let Some(done) = self.done.take() {
                    install(&mut self.space(), done).expect("installed");
                }
            }
            Step::Repack => {
                self.repack();
            }
            Step::Reload => self.reload(),
            Step::Rows(..) | Step::Late { .. } | Step::Evict => {}
        }
    }
}

fn value(time: i64, id: u128) -> f64 {
    match id % 5 {
        0 => 7.0,
        1 => (time / 10) as f64,
        2 => f64::from_bits(if time % 97 == 0 { series::STALE_BITS } else { (time as u64) << 40 }),
        3 => (time * 7_919 % 1_009) as f64 / 8.0,
        _ => f64::NAN,
    }
}

/// Rows from a time on, with jitter.
fn rows(from: i64, count: i64, hole: i64) -> Vec<(i64, Vec<u128>)> {
    let row = |n: i64| {
        let ids = (0..SERIES).filter(|id| *id % 9 != 8 || (n + *id as i64) % hole != 0);
        (from + n * 10 + n % hole % 3, ids.collect())
    };
    (0..count).map(row).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn repacked_or_not_the_samples_are_the_same(steps in steps()) {
        let (mut shard, mut plain) = (Shard::new(), Shard::new());
        let mut model = Model::new();
        let mut next = 0;
        let mut evicted = false;
        let (mut newest, mut dropped) = (i64::MIN, i64::MIN);
        for step in &steps {
            match step {
                Step::Rows(count, hole) => {
                    let rows = rows(next, *count, *hole);
                    next += count * 10;
                    newest = newest.max(rows.last().map_or(i64::MIN, |(time, _)| *time));
                    let applied = shard.apply(&rows);
                    prop_assert!(evicted || applied == plain.apply(&rows));
                    for (time, ids) in rows {
                        for id in ids {
                            model.entry(id).or_default().entry(time).or_insert(value(time, id).to_bits());
                        }
                    }
                }
                Step::Late { by, rows, stride } => {
                    let ids: Vec<u128> = (0..SERIES).collect();
                    let times = (0..*rows).map(|row| (next - by).max(0) + row * 25);
                    let late = |time: i64| ids.iter().filter(move |id| *id % stride == 0).map(move |id| (time, *id, -1.5));
                    let samples: Vec<(i64, u128, f64)> = times.flat_map(late).collect();
                    let done = shard.apply_samples(&ids, samples.clone());
                    prop_assert!(evicted || done == plain.apply_samples(&ids, samples.clone()));
                    let (mut kept, mut gone) = (0, 0);
                    for (time, id, value) in &samples {
                        if *time <= dropped || newest.saturating_sub(*time) > WINDOW_MS {
                            gone += 1;
                            continue;
                        }
                        model.entry(*id).or_default().entry(*time).or_insert_with(|| {
                            kept += 1;
                            value.to_bits()
                        });
                    }
                    newest = newest.max(samples.iter().map(|(time, ..)| *time).max().unwrap_or(i64::MIN));
                    let wanted = (kept, samples.len() as u64 - kept - gone, gone);
                    prop_assert_eq!((done.applied, done.duplicates, done.out_of_order), wanted);
                }
                Step::Evict => {
                    evicted = shard.evict_step() || evicted;
                    // What is older than the oldest that is left of any series went for all of them.
                    for (id, points) in &mut model {
                        let left = shard.read(*id);
                        points.retain(|time, _| {
                            let is_left = left.contains_key(time);
                            dropped = dropped.max(if is_left { i64::MIN } else { *time });
                            is_left
                        });
                        prop_assert_eq!(&left, points);
                    }
                    // Nothing is known any more of a target that is gone.
                    if shard.described().is_empty() {
                        (newest, dropped) = (i64::MIN, i64::MIN);
                    }
                }
                step => shard.step(step),
            }
        }
        for (id, points) in &model {
            prop_assert_eq!(&shard.read(*id), points);
        }
        if !evicted {
            prop_assert!(shard.described() == plain.described(), "described alike");
        }
        shard.repack();
        for (id, points) in &model {
            prop_assert_eq!(&shard.read(*id), points);
        }
        while shard.evict_step() {}
        // The root page, and a leaf with the number of the next group.
        prop_assert!(shard.pool.pages_of(0) <= 2);
    }
}

#[test]
fn merged_chunks_are_longer_and_take_fewer_bytes() {
    let mut shard = Shard::new();
    let rows = rows(0, 2_300, 4);
    for row in &rows {
        shard.apply(std::slice::from_ref(row));
    }
    let before = (sealed(&shard.space()), shard.described());
    assert!(shard.repack() > 0);
    let after = sealed(&shard.space());
    assert_eq!((after.samples, before.0.samples), (before.0.samples, after.samples));
    assert!(after.bytes * 2 < before.0.bytes, "{after:?} of {:?}", before.0);
    // 2,176 rows are sealed: 2,048 of them merged, one chunk of 128 left.
    assert_eq!(before.0.chunks, after.chunks / 2 * 17);
    assert!(shard.described() == before.1);
    assert_eq!(shard.repack(), 0, "nothing is due any more");
}

#[test]
fn a_window_that_ends_before_later_chunks_of_a_merger_is_read_whole() {
    let mut shard = Shard::new();
    let rows = rows(0, 1_200, 4);
    let mut model = Model::new();
    for (time, ids) in &rows {
        shard.apply(&[(*time, ids.clone())]);
        for id in ids {
            model.entry(*id).or_default().insert(*time, value(*time, *id).to_bits());
        }
    }
    let mut tasks = 0;
    loop {
        for (id, points) in &model {
            for (from, to) in [(0, 500), (700, 2_000), (1_500, 4_000), (3_000, 9_000)] {
                let wanted: BTreeMap<i64, u64> = points.range(from..to).map(|(time, bits)| (*time, *bits)).collect();
                assert_eq!(shard.read_between(*id, from, to), wanted, "{id} in {from}..{to} after {tasks} tasks");
            }
        }
        let Some(task) = next_task(&mut shard.space()) else { break };
        install(&mut shard.space(), task.run()).expect("installed");
        tasks += 1;
    }
    assert!(tasks > 1, "columns are merged in several tasks");
}

#[test]
fn chunks_that_are_being_merged_go_together_in_steps_and_nobody_sees_a_part_of_them() {
    // A merger of 70 columns has three tasks.
    for tasks in [1, 2, 3] {
        let mut shard = Shard::new();
        for row in &rows(0, 1_100, 4) {
            shard.apply(std::slice::from_ref(row));
        }
        for _ in 0..tasks {
            let task = next_task(&mut shard.space()).expect("a merger");
            install(&mut shard.space(), task.run()).expect("installed");
        }
        let former = next_task(&mut shard.space());
        let before: Vec<BTreeMap<i64, u64>> = (0..SERIES).map(|id| shard.read(id)).collect();
        let oldest = oldest_samples(&shard.space(), Resolution::Raw).expect("chunks");
        let (mut samples, mut steps) = (0, 0);
        while oldest_samples(&shard.space(), Resolution::Raw).as_ref() == Some(&oldest) {
            let mut space = Space { pool: &mut shard.pool, heap: &mut shard.heap };
            let evicted = evict_samples(&mut space, &oldest, &mut shard.dropping);
            (samples, steps) = (samples + evicted.samples, steps + 1);
            assert_eq!(evicted.until, oldest.time);
            if steps == 3 {
                shard.reload();
                if let Some(task) = next_task(&mut shard.space()) {
                    install(&mut shard.space(), task.run()).expect("nothing of what goes");
                }
            }
            for (id, points) in before.iter().enumerate() {
                let left: BTreeMap<i64, u64> =
                    points.range(oldest.time + 1..).map(|(time, bits)| (*time, *bits)).collect();
                assert_eq!(shard.read(id as u128), left);
            }
        }
        let gone = before.iter().map(|points| points.range(..=oldest.time).count() as u64).sum::<u64>();
        assert_eq!(samples, gone);
        assert!(steps > 5 && gone >= 1_024 * (SERIES as u64 - 8), "{gone} in {steps} steps");
        if let Some(former) = former {
            install(&mut shard.space(), former.run()).expect("nothing");
        }
        for (id, points) in before.iter().enumerate() {
            assert_eq!(shard.read(id as u128).len(), points.range(oldest.time + 1..).count());
        }
        while shard.evict_step() {}
        assert!(shard.pool.pages_of(0) <= 2);
    }
}

#[test]
fn a_full_pool_refuses_and_nothing_is_lost() {
    let mut shard = Shard::new();
    let rows = rows(0, 1_000, 4);
    for row in &rows {
        shard.apply(std::slice::from_ref(row));
    }
    let before = shard.described();
    let region = paged::Region::InfrastructureState;
    let mut filled = Vec::new();
    while let Ok(page) = shard.pool.allocate(0, region) {
        filled.push(page);
    }
    let mut refused = 0;
    // With no page, with one more, two more ... each time as far as it goes.
    for page in filled {
        let Some(task) = next_task(&mut shard.space()) else { break };
        refused += u32::from(install(&mut shard.space(), task.run()).expect("no other error").refused);
        assert!(shard.described() == before);
        shard.pool.free(page);
    }
    assert!(refused > 0);
    shard.repack();
    assert!(shard.described() == before);
}

/// What a column can look like: whole numbers and decimals, rare changes, NaNs with a payload, signed zeros, holes.
fn column() -> impl Strategy<Value = Vec<Option<u64>>> {
    let cell = prop_oneof![
        3 => (-50i64..50).prop_map(|n| (n as f64).to_bits()),
        2 => (-5_000i64..5_000).prop_map(|n| (n as f64 / 1_000.0).to_bits()),
        1 => any::<u64>(),
        1 => Just((-0.0f64).to_bits()),
        1 => Just(f64::MAX.to_bits()),
        1 => Just(9.1e15f64.to_bits()),
    ];
    let runs = |rows: usize| prop::collection::vec((prop::option::weighted(0.8, cell.clone()), 1..rows), 1..40);
    prop_oneof![runs(100), runs(6)].prop_map(|runs| {
        runs.into_iter()
            .flat_map(|(cell, rows)| vec![cell; rows])
            .collect::<Vec<_>>()
            .into_iter()
            .cycle()
            .take(128)
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn chunks_hold_every_bit(mut columns in prop::collection::vec(column(), 1..12)) {
        let mut shard = Shard::new();
        // A series of its own says which rows there are; the head keeps 16 and more.
        columns.push(vec![Some(0); 128]);
        let ids: Vec<u128> = (0..columns.len() as u128).collect();
        for row in 0..160 {
            let cell = |column: usize| columns[column].get(row).copied().unwrap_or(Some(0));
            let samples = (0..columns.len()).filter_map(|n| Some((row as i64, n as u32, f64::from_bits(cell(n)?))));
            let block = &encode_blocks(&ids, samples.collect(), usize::MAX)[0].block;
            let block = Block::parse(block).expect("our own");
            apply_metrics(&mut shard.space(), "t", "production/shop", &[], &block).expect("room");
        }
        prop_assert!(sealed(&shard.space()).chunks > 1);
        for (id, column) in ids.iter().zip(&columns) {
            let wanted: Vec<(i64, u64)> =
                column.iter().enumerate().filter_map(|(row, cell)| Some((row as i64, (*cell)?))).collect();
            let found: Vec<(i64, u64)> = shard.read(*id).into_iter().filter(|(time, _)| *time < 128).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
