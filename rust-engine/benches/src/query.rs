use crate::clock::median_ns;
use crate::gorilla;
use crate::hand_over::{HandedOver, Question};
use crate::made_up::{Random, SHAPES, Shape};
use crate::row::Row;
use crate::shard::{Shard, TARGET, block, ids};
use series::{Aggregation, Asked, range, ranges};
use std::path::Path;

const STEP_MS: i64 = 15_000;
/// A multiple of five minutes, as buckets of the tier begin.
const START: i64 = 1_700_000_100_000;
const MINUTE_MS: i64 = 60_000;
pub const POINTS: usize = 1_000;
// Buckets do not fill steps of 2,592 s: the samples answer. They fill those of 45 minutes, a day more in all.
pub const RAW_STEP_MS: i64 = 30 * 24 * 60 * MINUTE_MS / POINTS as i64;
pub const TIER_STEP_MS: i64 = 45 * MINUTE_MS;

/// What was asked is handed over to other peers in the folder.
pub fn bench(peers: Option<&Path>) -> Vec<Row> {
    let raw = Month { key: "rangeMonthRaw", goal: 2_000.0, step: RAW_STEP_MS };
    let tier = Month { key: "rangeMonthTier", goal: 200.0, step: TIER_STEP_MS };
    vec![raw.row(peers), tier.row(peers), sum_of_many(peers)]
}

/// The average of 1,000 steps of a noisy gauge with a sample each 15 s.
struct Month {
    key: &'static str,
    goal: f64,
    step: i64,
}

impl Month {
    fn row(&self, peers: Option<&Path>) -> Row {
        let Self { key, goal, step } = *self;
        let asked = averages(step);
        let from = asked.from;
        let columns = columns(asked);
        let (shard, times, ids) = filled(&columns, 2_000);
        let (mut at, mut out) = (vec![0.0; POINTS], vec![0.0; POINTS]);
        let ours = median_ns(15, || {
            assert_eq!(range(&shard.view(), ids[0], asked, &mut at, &mut out), Ok(POINTS));
        });
        let bytes = gorilla::encode(&times, &columns[0]);
        let (mut sums, mut counts) = (vec![0.0; POINTS], vec![0.0; POINTS]);
        let peer = median_ns(15, || {
            sums.fill(0.0);
            counts.fill(0.0);
            gorilla::each(&bytes, |time, value| {
                let step = ((time - from) / step) as usize;
                sums[step] += value;
                counts[step] += 1.0;
            });
        });
        let averages = sums.iter().zip(&counts).map(|(sum, count)| sum / count);
        assert!(averages.zip(&out).all(|(average, ours)| (average - ours).abs() <= 1e-9 * average.abs()));
        let question = Question::AverageOfFirst;
        if let Some(folder) = peers {
            HandedOver { key, times: &times, series: &columns, question, asked, answer: &out }.write(folder);
        }
        let (ours, peer) = (ours / 1_000.0, Some(peer / 1_000.0));
        Row { key, unit: "µs CPU, 1,000 points over 30 days", goal: Some(goal), ours, peer }
    }
}

/// The average of each step.
pub fn averages(step: i64) -> Asked {
    Asked { from: START, to: START + step * POINTS as i64, step, aggregation: Aggregation::Avg }
}

/// Four series over the time that is asked for, a noisy gauge first.
pub fn columns(asked: Asked) -> Vec<Vec<f64>> {
    let rows = ((asked.to - asked.from) / STEP_MS) as usize;
    let mut random = Random(3);
    [Shape::Noisy, Shape::Busy, Shape::Constant, Shape::Sparse].map(|of| of.series(rows, &mut random)).into()
}

/// The sum of 500 series at each of 400 points.
fn sum_of_many(peers: Option<&Path>) -> Row {
    let (series, rows) = (500, 1_000);
    let mut random = Random(5);
    let columns: Vec<Vec<f64>> = (0..series).map(|n| SHAPES[n % SHAPES.len()].series(rows, &mut random)).collect();
    let (shard, times, ids) = filled(&columns, 20);
    let (from, to) = (START + 300 * STEP_MS, START + 700 * STEP_MS);
    let asked = Asked { from, to, step: STEP_MS, aggregation: Aggregation::Last };
    let (mut at, mut out) = (vec![0.0; 400 * series], vec![0.0; 400 * series]);
    let (mut counts, mut sums) = (vec![0.0; series], vec![0.0; 400]);
    let ours = median_ns(15, || {
        let answered = ranges(&shard.view(), &ids, asked, u64::MAX, &mut at, &mut out, &mut counts);
        assert!(answered.is_ok_and(|answered| answered.is_whole));
        sums.fill(0.0);
        for of_one in out.chunks_exact(400) {
            sums.iter_mut().zip(of_one).for_each(|(sum, value)| *sum += value);
        }
    });
    let bytes: Vec<_> = columns.iter().map(|values| gorilla::encode(&times, values)).collect();
    let mut theirs = vec![0.0; 400];
    let peer = median_ns(15, || {
        theirs.fill(0.0);
        for bytes in &bytes {
            gorilla::each(bytes, |time, value| {
                if (from..to).contains(&time) {
                    theirs[((time - from) / STEP_MS) as usize] += value;
                }
            });
        }
    });
    assert_eq!(sums, theirs);
    let key = "sum500Series";
    let question = Question::SumOfAll;
    if let Some(folder) = peers {
        HandedOver { key, times: &times, series: &columns, question, asked, answer: &sums }.write(folder);
    }
    Row { key, unit: "ms CPU, 400 points each", goal: Some(5.0), ours: ours / 1e6, peer: Some(peer / 1e6) }
}

/// A shard with these series, repacked; their times and ids.
pub fn filled(columns: &[Vec<f64>], rows_a_call: usize) -> (Shard, Vec<i64>, Vec<u128>) {
    let rows = columns[0].len();
    let times: Vec<i64> = (0..rows as i64).map(|row| START + row * STEP_MS).collect();
    let ids = ids(TARGET, columns.len());
    let mut shard = Shard::new();
    for from in (0..rows).step_by(rows_a_call) {
        shard.apply(&block(&ids, &times, columns, from, (from + rows_a_call).min(rows)));
    }
    shard.repack();
    (shard, times, ids)
}
