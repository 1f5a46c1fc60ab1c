use crate::clock::median_ns;
use crate::gorilla;
use crate::hand_over::{HandedOver, Question};
use crate::made_up::{Random, SHAPES, Shape};
use crate::row::Row;
use crate::shard::{Shard, TARGET, block, ids};
use series::{Aggregation, Asked, range, ranges};
use std::path::Path;

const STEP_MS: i64 = 15_000;
const START: i64 = 1_700_000_000_000;

/// What was asked is handed over to other peers in the folder.
pub fn bench(peers: Option<&Path>) -> Vec<Row> {
    vec![month(peers), sum_of_many(peers)]
}

/// The average of 1,000 steps over 30 days of a noisy gauge.
fn month(peers: Option<&Path>) -> Row {
    let rows = 30 * 24 * 3600 * 1000 / STEP_MS as usize;
    let mut random = Random(3);
    let columns: Vec<Vec<f64>> =
        [Shape::Noisy, Shape::Busy, Shape::Constant, Shape::Sparse].map(|of| of.series(rows, &mut random)).into();
    let (shard, times, ids) = filled(&columns, 2_000);
    let (from, to) = (START, START + rows as i64 * STEP_MS);
    let asked = Asked { from, to, step: (to - from) / 1_000, aggregation: Aggregation::Avg };
    let (mut at, mut out) = (vec![0.0; 1_000], vec![0.0; 1_000]);
    let ours = median_ns(15, || {
        assert_eq!(range(&shard.view(), ids[0], asked, &mut at, &mut out), Ok(1_000));
    });
    let bytes = gorilla::encode(&times, &columns[0]);
    let (mut sums, mut counts) = (vec![0.0; 1_000], vec![0.0; 1_000]);
    let peer = median_ns(15, || {
        sums.fill(0.0);
        counts.fill(0.0);
        gorilla::each(&bytes, |time, value| {
            let step = ((time - from) / asked.step) as usize;
            sums[step] += value;
            counts[step] += 1.0;
        });
    });
    assert!(sums.iter().zip(&counts).zip(&out).all(|((sum, count), ours)| (sum / count - ours).abs() < 1e-6));
    let key = "rangeMonthRaw";
    let question = Question::AverageOfFirst;
    if let Some(folder) = peers {
        HandedOver { key, times: &times, series: &columns, question, asked, answer: &out }.write(folder);
    }
    Row {
        key,
        unit: "µs CPU, 1,000 points over 30 days",
        goal: Some(2_000.0),
        ours: ours / 1_000.0,
        peer: Some(peer / 1_000.0),
    }
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
        assert_eq!(ranges(&shard.view(), &ids, asked, u64::MAX, &mut at, &mut out, &mut counts), Ok(true));
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

fn filled(columns: &[Vec<f64>], rows_a_call: usize) -> (Shard, Vec<i64>, Vec<u128>) {
    let rows = columns[0].len();
    let times: Vec<i64> = (0..rows as i64).map(|row| START + row * STEP_MS).collect();
    let ids = ids(TARGET, columns.len());
    let mut shard = Shard::new();
    for from in (0..rows).step_by(rows_a_call) {
        shard.apply(&block(&ids, &times, columns, from, (from + rows_a_call).min(rows)));
    }
    (shard, times, ids)
}
