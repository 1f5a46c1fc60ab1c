//! What tiers, chunks and head answer together is what a plain map of the samples says: with late rows, holes, stale markers,
//! resets, merges at any moment, samples that are gone, and after a restore.

use codec::{Block, encode_blocks};
use paged::{Heap, Space};
use pool::{Pool, PoolOptions};
use proptest::prelude::*;
use series::{
    Aggregation, Asked, Resolution, STALE_BITS, Slice, SlicePoints, Slices, apply_metrics, evict_samples, install,
    next_task, oldest_samples, range, ranges, sealed,
};
use std::collections::BTreeMap;

const FIVE: i64 = 300_000;
const HOUR: i64 = 3_600_000;
/// Rows that are in the head for sure.
const HEAD_LATE: usize = 12;
const AGGREGATIONS: [Aggregation; 8] = [
    Aggregation::Last,
    Aggregation::Avg,
    Aggregation::Min,
    Aggregation::Max,
    Aggregation::Sum,
    Aggregation::Count,
    Aggregation::Increase,
    Aggregation::Rate,
];

type Points = BTreeMap<i64, f64>;

#[derive(Clone, Copy, Debug)]
enum Shape {
    Constant(f64),
    /// The same, now and then NaN.
    Faltering(f64),
    /// Grows by up to so much; now and then it begins again.
    Counter {
        by: u32,
        resets: bool,
        scale: f64,
    },
    Gauge(f64),
    /// Mostly NaN, infinite or -0.
    Odd,
}

#[derive(Clone, Copy, Debug)]
struct Series {
    shape: Shape,
    /// One row of so many is left out; below 2: none.
    hole: usize,
    /// One row of so many is a stale marker; 0: none.
    stale: usize,
}

#[derive(Clone, Debug)]
enum Act {
    /// So many rows, so far apart; late ones among them.
    Rows {
        count: usize,
        interval: i64,
        jitter: bool,
        late: usize,
    },
    Gap(i64),
    Upkeep(usize),
    Evict(usize),
    Restore,
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(0.1), any::<i32>().prop_map(f64::from)]
            .prop_map(Shape::Constant),
        prop_oneof![Just(0.0), Just(5.0)].prop_map(Shape::Faltering),
        (1u32..1_000, any::<bool>(), prop::sample::select(vec![1.0, 0.01, 1.0 / 3.0]))
            .prop_map(|(by, resets, scale)| Shape::Counter { by, resets, scale }),
        prop::sample::select(vec![1.0, 0.1, 1.0 / 7.0]).prop_map(Shape::Gauge),
        Just(Shape::Odd),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let interval = prop::sample::select(vec![1_000, 15_000, 15_000, 60_000, 150_000, 300_000, 3_600_000]);
    prop_oneof![
        6 => (50usize..700, interval, any::<bool>(), 0..HEAD_LATE)
            .prop_map(|(count, interval, jitter, late)| Act::Rows { count, interval, jitter, late }),
        1 => (1i64..100_000_000).prop_map(Act::Gap),
        3 => (1usize..40).prop_map(Act::Upkeep),
        1 => (1usize..4).prop_map(Act::Evict),
        1 => Just(Act::Restore),
    ]
}

/// Rows are sealed long before the late ones come. What was late is in no tier: nothing is evicted here.
fn late_act() -> impl Strategy<Value = Act> {
    let interval = prop::sample::select(vec![1_000, 15_000, 60_000]);
    prop_oneof![
        6 => (50usize..700, interval, any::<bool>(), HEAD_LATE..260)
            .prop_map(|(count, interval, jitter, late)| Act::Rows { count, interval, jitter, late }),
        1 => (1i64..10_000_000).prop_map(Act::Gap),
        3 => (1usize..40).prop_map(Act::Upkeep),
        1 => Just(Act::Restore),
    ]
}

fn pool() -> Pool {
    let quota = 4096 * 4096;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    Pool::open(&options).expect("options are valid")
}

struct State {
    pool: Pool,
    heap: Heap,
    series: Vec<Series>,
    model: Vec<Points>,
    /// What each counter stands at.
    counters: Vec<f64>,
    rows: usize,
    now: i64,
    noise: u64,
}

impl State {
    fn noise(&mut self) -> u64 {
        self.noise = self.noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.noise >> 33
    }

    fn value(&mut self, column: usize) -> f64 {
        let noise = self.noise();
        match self.series[column].shape {
            Shape::Constant(value) => value,
            Shape::Faltering(value) => {
                if noise.is_multiple_of(20) {
                    f64::NAN
                } else {
                    value
                }
            }
            Shape::Counter { by, resets, scale } => {
                let counter = &mut self.counters[column];
                *counter =
                    if resets && noise.is_multiple_of(40) { 0.0 } else { *counter + (noise % u64::from(by)) as f64 };
                *counter * scale
            }
            Shape::Gauge(scale) => (noise % 10_000) as f64 * scale - 300.0,
            Shape::Odd => match noise % 6 {
                0 => f64::INFINITY,
                1 => -0.0,
                2 => noise as f64,
                _ => f64::NAN,
            },
        }
    }

    /// Writes the samples of a row; those that are kept go to the model.
    fn write(&mut self, time: i64, only: Option<usize>) {
        self.rows += 1;
        let ids: Vec<u128> = (0..self.series.len() as u128).collect();
        for column in 0..self.series.len() {
            let Series { hole, stale, .. } = self.series[column];
            let is_left_out = hole >= 2 && self.rows.is_multiple_of(hole);
            if is_left_out || only.is_some_and(|only| only != column) {
                continue;
            }
            let is_stale = stale > 0 && self.rows.is_multiple_of(stale);
            let value = if is_stale { f64::from_bits(STALE_BITS) } else { self.value(column) };
            let block = &encode_blocks(&ids, vec![(time, column as u32, value)], usize::MAX)[0].block;
            let mut space = Space { pool: &mut self.pool, heap: &mut self.heap };
            let done =
                apply_metrics(&mut space, "t", "a/b", &[], &Block::parse(block).expect("our own")).expect("room");
            if done.applied == 1 {
                self.model[column].insert(time, value);
            }
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Rows { count, interval, jitter, late } => {
                for row in 0..*count {
                    self.now += interval;
                    let time = self.now + if *jitter { (self.noise() % 1_000) as i64 } else { 0 };
                    self.write(time, None);
                    // Where samples are evicted a late one finds its row in the head: from a chunk it might go before the tiers have it.
                    if row % 9 == 0 && (row >= *late || *late >= HEAD_LATE) {
                        let column = self.noise() as usize % self.series.len();
                        let time = self.now - interval * (*late as i64) - 1_500;
                        self.write(time, Some(column));
                    }
                }
            }
            Act::Gap(length) => self.now += length,
            Act::Upkeep(tasks) => {
                for _ in 0..*tasks {
                    let mut space = Space { pool: &mut self.pool, heap: &mut self.heap };
                    let Some(task) = next_task(&mut space) else { break };
                    install(&mut space, task.run()).expect("installed");
                }
            }
            Act::Evict(chunks) => {
                for _ in 0..*chunks {
                    let mut space = Space { pool: &mut self.pool, heap: &mut self.heap };
                    // The chunks of three times: what goes first is one of samples.
                    if sealed(&space).chunks > 4 * (self.series.len() as u64 + 1) {
                        let oldest = oldest_samples(&space, Resolution::Raw).expect("there is one");
                        let mut dropping = None;
                        while oldest_samples(&space, Resolution::Raw).as_ref() == Some(&oldest) {
                            evict_samples(&mut space, &oldest, &mut dropping);
                        }
                    }
                }
            }
            Act::Restore => {
                let image = self.heap.image(&self.pool);
                let mut pool = pool();
                self.heap = Heap::vacant(0, image.regions().iter().map(Option::is_some));
                for (n, region, page) in image.iter() {
                    self.heap.install(&mut pool, n, region, page).expect("room");
                }
                self.pool = pool;
            }
        }
    }

    fn read(&mut self, id: u128, asked: Asked) -> Vec<(i64, f64)> {
        let room = 20_000;
        let (mut times, mut values) = (vec![0.0; room], vec![0.0; room]);
        let space = Space { pool: &mut self.pool, heap: &mut self.heap };
        let n = range(&space, id, asked, &mut times, &mut values).expect("valid");
        times.into_iter().zip(values).take(n).map(|(time, value)| (time as i64, value)).collect()
    }

    /// The time of the first row whose samples are all there, when others are gone.
    fn gone_until(&mut self) -> Option<i64> {
        let raw = Asked { from: i64::MIN / 4, to: i64::MAX / 4, step: 0, aggregation: Aggregation::Last };
        let left =
            (0..self.series.len()).filter_map(|id| self.read(id as u128, raw).first().map(|(time, _)| *time)).min();
        let ever = self.model.iter().filter_map(|points| points.keys().next().copied()).min();
        left.filter(|left| Some(*left) != ever)
    }
}

/// The steps of some samples as they count: (when, value).
fn steps(samples: &[(i64, f64)], asked: Asked) -> Vec<(i64, f64)> {
    let Asked { from, to, step, aggregation } = asked;
    let mut found: Vec<(i64, Vec<f64>, Option<f64>)> = Vec::new();
    let mut before: Option<f64> = None;
    let grows = matches!(aggregation, Aggregation::Increase | Aggregation::Rate);
    let since = if grows { from - step.max(FIVE) } else { from };
    for (time, value) in
        samples.iter().filter(|(time, value)| (since..to).contains(time) && value.to_bits() != STALE_BITS)
    {
        if grows && value.is_nan() {
            continue;
        }
        let grown = before.replace(*value).map(|before| if *value < before { *value } else { value - before });
        if *time < from {
            continue;
        }
        let start = from + (time - from) / step * step;
        if found.last().is_none_or(|(last, ..)| *last != start) {
            found.push((start, Vec::new(), None));
        }
        let (_, values, increase) = found.last_mut().expect("just pushed");
        values.push(*value);
        *increase = increase.take().into_iter().chain(grown).reduce(|one, other| one + other);
    }
    let value = |values: &[f64], increase: Option<f64>| {
        let known = || values.iter().copied().filter(|value| !value.is_nan());
        Some(match aggregation {
            Aggregation::Last => values[values.len() - 1],
            Aggregation::Avg => values.iter().sum::<f64>() / values.len() as f64,
            Aggregation::Min => known().reduce(f64::min).unwrap_or(f64::NAN),
            Aggregation::Max => known().reduce(f64::max).unwrap_or(f64::NAN),
            Aggregation::Sum => values.iter().sum(),
            Aggregation::Count => values.len() as f64,
            Aggregation::Increase => increase.filter(|increase| !increase.is_nan())?,
            Aggregation::Rate => increase.filter(|increase| !increase.is_nan())? / (step as f64 / 1000.0),
        })
    };
    found.iter().filter_map(|(start, values, increase)| Some((*start, value(values, *increase)?))).collect()
}

/// Sums may be added up in another order.
fn alike(found: f64, wanted: f64) -> bool {
    found == wanted || (found.is_nan() && wanted.is_nan()) || (found - wanted).abs() <= 1e-9 * wanted.abs().max(1e4)
}

fn check(state: &mut State, asked: Asked) -> Result<(), TestCaseError> {
    let gone = state.gone_until();
    let Asked { from, to, step, aggregation } = asked;
    let grows = matches!(aggregation, Aggregation::Increase | Aggregation::Rate);
    let fits = step % FIVE == 0 && from % FIVE == 0;
    // Where samples are gone a bucket counts at its start.
    let coarse_until = gone.map_or(i64::MIN, |gone| (gone + FIVE - 1).div_euclid(FIVE) * FIVE);
    for column in 0..state.series.len() {
        let place =
            |time: i64| if time.div_euclid(FIVE) * FIVE < coarse_until { time.div_euclid(FIVE) * FIVE } else { time };
        let samples: Vec<(i64, f64)> = state.model[column].iter().map(|(time, value)| (place(*time), *value)).collect();
        let wanted = steps(&samples, asked);
        let found = state.read(column as u128, asked);
        if grows && gone.is_some() {
            // Of samples that are gone the increase may not be known.
            for (start, value) in found {
                let wanted = wanted.iter().find(|(other, _)| *other == start);
                prop_assert!(
                    wanted.is_some_and(|(_, wanted)| alike(value, *wanted)),
                    "{} at {}: {} not {:?}",
                    column,
                    start,
                    value,
                    wanted
                );
            }
            continue;
        }
        prop_assert_eq!(
            found.iter().map(|(start, _)| *start).collect::<Vec<_>>(),
            wanted.iter().map(|(start, _)| *start).collect::<Vec<_>>(),
            "{} {:?} fits {} gone {:?}",
            column,
            asked,
            fits,
            gone
        );
        for ((start, value), (_, wanted)) in found.iter().zip(&wanted) {
            prop_assert!(alike(*value, *wanted), "{} {:?} at {}: {} not {}", column, asked, start, value, wanted);
        }
    }
    // All at once is what each is alone.
    let ids: Vec<u128> = (0..state.series.len() as u128).rev().collect();
    let room = 500;
    let (mut times, mut values) = (vec![0.0; room * ids.len()], vec![0.0; room * ids.len()]);
    let mut counts = vec![0.0; ids.len()];
    let space = Space { pool: &mut state.pool, heap: &mut state.heap };
    let answered = ranges(&space, &ids, asked, u64::MAX, &mut times, &mut values, &mut counts).expect("valid");
    prop_assert!(answered.is_whole);
    let mut slices = Slices::of(&space, &ids, asked, u64::MAX, room).expect("valid");
    let slice = slices.take(&space).map_or_else(|| SlicePoints { answered, ..SlicePoints::default() }, Slice::compute);
    prop_assert!(slices.is_done());
    prop_assert_eq!(&slice.answered, &answered);
    let mut begin = 0;
    for (place, count) in slice.counts {
        prop_assert_eq!(count, counts[place] as usize);
        prop_assert_eq!(&slice.times[begin..begin + count], &times[place * room..][..count]);
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&slice.values[begin..begin + count]), bits(&values[place * room..][..count]));
        begin += count;
    }
    if !grows {
        let coarse_until = coarse_until.min(to);
        let is_coarse = coarse_until > from && !(fits && to.div_euclid(FIVE) * FIVE >= coarse_until);
        prop_assert_eq!(answered.coarse_until, Some(coarse_until).filter(|_| gone.is_some() && is_coarse));
    }
    for (place, id) in ids.iter().enumerate() {
        let share = place * room..place * room + counts[place] as usize;
        let alone = state.read(*id, asked);
        let together: Vec<(i64, u64)> = times[share.clone()]
            .iter()
            .zip(&values[share])
            .map(|(time, value)| (*time as i64, value.to_bits()))
            .collect();
        prop_assert_eq!(
            together,
            alone.iter().take(room).map(|(time, value)| (*time, value.to_bits())).collect::<Vec<_>>()
        );
    }
    Ok(())
}

fn series() -> impl Strategy<Value = Series> {
    (shape(), prop::sample::select(vec![0, 0, 2, 3, 50]), prop::sample::select(vec![0, 0, 0, 5, 40]))
        .prop_map(|(shape, hole, stale)| Series { shape, hole, stale })
}

/// Step, first time and length as shares of the span, whether it begins with an hour, and how many times a width the step is.
type Query = (usize, f64, f64, bool, i64);

fn run(series: Vec<Series>, acts: &[Act], start: i64, queries: &[Query], noise: u64) -> Result<(), TestCaseError> {
    let mut pool = pool();
    let heap = Heap::create(&mut pool, 0).expect("room");
    let model = vec![Points::new(); series.len()];
    let counters = vec![0.0; series.len()];
    let mut state = State { pool, heap, series, model, counters, rows: 0, now: start, noise };
    for act in acts {
        state.act(act);
    }
    for (n, (step, from, length, aligned, times)) in queries.iter().enumerate() {
        let span = state.now - start + 1;
        let step = [FIVE, FIVE * times, HOUR, HOUR * times, 70_000 * times, span / times + 1][*step];
        let from = start - FIVE * 2 + (span as f64 * from) as i64;
        let to = from + ((span as f64) * length) as i64 + 1;
        let (from, to) = if *aligned { (from.div_euclid(HOUR) * HOUR, to) } else { (from, to) };
        for aggregation in AGGREGATIONS {
            check(
                &mut state,
                Asked { from, to: if n % 2 == 0 { to } else { to.div_euclid(HOUR) * HOUR + HOUR }, step, aggregation },
            )?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn tiers_and_samples_equal_a_map(
        series in prop::collection::vec(series(), 1..5),
        acts in prop::collection::vec(act(), 1..14),
        start in 1_000_000_000i64..2_000_000_000,
        queries in prop::collection::vec((0usize..6, 0.0f64..1.0, 0.0f64..1.0, any::<bool>(), 1i64..40), 3..7),
        noise in any::<u64>(),
    ) {
        run(series, &acts, start, &queries, noise)?;
    }

    #[test]
    fn late_samples_count_in_every_step(
        series in prop::collection::vec(series(), 1..5),
        acts in prop::collection::vec(late_act(), 1..10),
        start in 1_000_000_000i64..2_000_000_000,
        queries in prop::collection::vec((0usize..6, 0.0f64..1.0, 0.0f64..1.0, any::<bool>(), 1i64..40), 3..7),
        noise in any::<u64>(),
    ) {
        run(series, &acts, start, &queries, noise)?;
    }
}

#[test]
fn what_came_late_is_in_the_tiers_when_the_samples_are_gone() {
    let mut pool = pool();
    let heap = Heap::create(&mut pool, 0).expect("room");
    let of = |shape, hole| Series { shape, hole, stale: 0 };
    let series = vec![
        of(Shape::Gauge(0.1), 0),
        of(Shape::Counter { by: 9, resets: false, scale: 1.0 }, 3),
        of(Shape::Gauge(1.0), 50),
    ];
    let (model, counters, start) = (vec![Points::new(); 3], vec![0.0; 3], 1_000 * HOUR + 77);
    let mut state = State { pool, heap, series, model, counters, rows: 0, now: start, noise: 5 };
    let mut kept = 0;
    for row in 0..3_000 {
        state.now += 15_000;
        state.write(state.now, None);
        if row % 40 == 7 && row < 2_500 {
            // A row of its own, and the cells that a sealed row may lack.
            for (time, column) in
                [(state.now - HOUR / 2 - 4_000, 0), (state.now - HOUR / 2, 1), (state.now - HOUR / 3, 2)]
            {
                let before = state.model[column].len();
                state.write(time, Some(column));
                kept += state.model[column].len() - before;
            }
        }
        if row % 100 == 0 {
            state.act(&Act::Upkeep(4));
        }
    }
    assert!(kept > 60, "{kept} late samples are kept");
    state.act(&Act::Upkeep(10_000));
    let mut space = Space { pool: &mut state.pool, heap: &mut state.heap };
    let mut dropping = None;
    while sealed(&space).chunks > 0 {
        let oldest = oldest_samples(&space, Resolution::Raw).expect("there is one");
        evict_samples(&mut space, &oldest, &mut dropping);
    }
    for aggregation in AGGREGATIONS {
        for step in [FIVE, HOUR, 3 * HOUR] {
            let (from, to) = (1_000 * HOUR, 1_013 * HOUR);
            check(&mut state, Asked { from, to, step, aggregation }).expect("as the map");
        }
    }
}
