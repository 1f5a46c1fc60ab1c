use crate::clock::{cpu_ns, median};
use crate::gorilla;
use crate::made_up::{Random, SHAPES};
use crate::row::Row;
use crate::shard::{Shard, TARGET, block, ids};
use tsz::Encode;

const SHARDS: usize = 5;

/// 10,000 samples in one call.
pub fn bench() -> Vec<Row> {
    let row = |key, goal, (ours, peer): (f64, f64)| Row {
        key,
        unit: "µs CPU, 10,000 samples",
        goal: Some(goal),
        ours,
        peer: Some(peer),
    };
    vec![
        row("ingestContiguous", 50.0, calls(500, 20, 7, false)),
        row("ingestRandomSeries", 300.0, calls(10_000, 1, 40, true)),
        row("ingestSealing", 2_000.0, calls(78, 128, 12, false)),
    ]
}

/// Median of calls of `rows` rows of `series` series, the first of each shard left out; ours and the peer's.
fn calls(series: usize, rows: usize, calls: usize, shuffled: bool) -> (f64, f64) {
    let Load { times, columns, blocks } = &Load::new(series, rows, calls, shuffled);
    let mut ours = Vec::new();
    let mut peer = Vec::new();
    for _ in 0..SHARDS {
        let mut shard = Shard::new();
        let mut encoders: Vec<_> = (0..series).map(|_| gorilla::encoder(times[0])).collect();
        for (call, block) in blocks.iter().enumerate() {
            let ns = cpu_ns(|| assert_eq!(shard.apply(block).applied, (rows * series) as u64));
            let theirs = cpu_ns(|| {
                for row in call * rows..(call + 1) * rows {
                    for (encoder, values) in encoders.iter_mut().zip(columns) {
                        encoder.encode(gorilla::point(times[row], values[row]));
                    }
                }
            });
            if call > 0 {
                ours.push(ns / 1_000.0);
                peer.push(theirs / 1_000.0);
            }
        }
    }
    (median(ours), median(peer))
}

/// Samples of one target, and the blocks in which they come.
pub struct Load {
    times: Vec<i64>,
    columns: Vec<Vec<f64>>,
    pub blocks: Vec<Vec<u8>>,
}

impl Load {
    /// Blocks of `rows` rows of `series` series each, which are shuffled after the first block or not.
    pub fn new(series: usize, rows: usize, calls: usize, shuffled: bool) -> Self {
        let mut random = Random(11);
        let columns: Vec<Vec<f64>> =
            (0..series).map(|n| SHAPES[n % SHAPES.len()].series(rows * calls, &mut random)).collect();
        let times: Vec<i64> = (0..(rows * calls) as i64).map(|row| 1_700_000_000_000 + row * 15_000).collect();
        let ids = ids(TARGET, series);
        let mut order: Vec<usize> = (0..series).collect();
        let blocks: Vec<Vec<u8>> = (0..calls)
            .map(|call| {
                if shuffled && call > 0 {
                    order.sort_by_cached_key(|_| random.next());
                }
                let ids: Vec<u128> = order.iter().map(|n| ids[*n]).collect();
                let columns: Vec<Vec<f64>> = order.iter().map(|n| columns[*n].clone()).collect();
                block(&ids, &times, &columns, call * rows, (call + 1) * rows)
            })
            .collect();
        Self { times, columns, blocks }
    }
}
