//! How long a call keeps the event loop in a stream of scrapes of a wide target: CPU time of applying one row, and of taking and
//! installing what is done in the background, where that is done between two scrapes.
//!
//! `cargo bench -p series --bench sealing`

use codec::{Block, encode_blocks};
use cpu_time::ThreadTime;
use paged::{Heap, Space};
use pool::{Pool, PoolOptions};
use series::{apply_metrics, install, next_task};
use std::time::Duration;

const ROWS: i64 = 600;
/// Background tasks between two scrapes.
const TASKS: usize = 8;

/// A shape for each of four columns: a counter with a fraction, a gauge, a constant, noise.
fn value(row: i64, column: u32) -> f64 {
    let noise = ((row * 2_654_435_761 + i64::from(column) * 40_503) % 100_003) as f64;
    match column % 4 {
        0 => row as f64 * 1.25 + noise / 1e6,
        1 => (noise / 100.0).round() / 10.0,
        2 => f64::from(column),
        _ => noise * 0.3,
    }
}

struct Shard {
    pool: Pool,
    heap: Heap,
}

impl Shard {
    fn new() -> Self {
        let quota = 512 << 20;
        let options =
            PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
        let mut pool = Pool::open(&options).expect("options are valid");
        let heap = Heap::create(&mut pool, 0).expect("room");
        Self { pool, heap }
    }

    fn space(&mut self) -> Space<'_> {
        Space { pool: &mut self.pool, heap: &mut self.heap }
    }
}

fn timed<T>(times: &mut Vec<Duration>, call: impl FnOnce() -> T) -> T {
    let start = ThreadTime::now();
    let done = call();
    times.push(start.elapsed());
    done
}

fn print(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let us = |part: usize| times[(times.len() * part / 1_000).min(times.len() - 1)].as_secs_f64() * 1e6;
    let all: Duration = times.iter().sum();
    let mean = all.as_secs_f64() * 1e6 / times.len() as f64;
    println!("{name:32} {:>9.0} {:>9.0} {:>9.0} {mean:>9.0}", us(500), us(990), us(1_000));
}

fn main() {
    println!("{:32} {:>9} {:>9} {:>9} {:>9}", "µs CPU a call", "median", "p99", "max", "mean");
    for series in [40, 240, 500, 1_500, 10_000] {
        for tasks in [0, TASKS] {
            let mut shard = Shard::new();
            let ids: Vec<u128> = (0..series).map(|n| codec::series_id(&[("n", &n.to_string())])).collect();
            let (mut applying, mut taking, mut installing) = (Vec::new(), Vec::new(), Vec::new());
            for row in 0..ROWS {
                let samples = (0..series as u32).map(|column| (row * 15_000, column, value(row, column)));
                let block = encode_blocks(&ids, samples.collect(), usize::MAX).remove(0).block;
                let block = Block::parse(&block).expect("our own");
                let mut space = shard.space();
                timed(&mut applying, || apply_metrics(&mut space, "t", "production/s", &[], &block).expect("room"));
                for _ in 0..tasks {
                    let Some(task) = timed(&mut taking, || next_task(&mut space)) else { break };
                    let done = task.run();
                    timed(&mut installing, || install(&mut space, done).expect("our own"));
                }
            }
            // The first one makes the series.
            applying.remove(0);
            let rest = if tasks == 0 { "alone" } else { "with upkeep" };
            print(&format!("apply {series} {rest}"), &mut applying);
            if tasks > 0 {
                print(&format!("take a task {series}"), &mut taking);
                print(&format!("install {series}"), &mut installing);
            }
        }
    }
}
