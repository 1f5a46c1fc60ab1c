//! What applying waits for in a region that is full all the time: CPU time of the calls where there is room to spare, and where
//! there is none, with and without cleaning between them as the consumer does it. The longest scrapes are those that seal.
//!
//! `cargo bench -p shard --bench full_pool`

use codec::encode_blocks;
use cpu_time::ThreadTime;
use pool::PoolOptions;
use shard::{Engine, Handle};
use std::time::Duration;

const MIB: u64 = 1 << 20;
const SHARDS: u16 = 4;
/// A slice of the consumer's cleaning.
const SLICE: Duration = Duration::from_micros(500);
/// Calls between two slices.
const CALLS_BETWEEN: usize = 16;

/// The calls of one kind: a name, how many to measure, and the call of a number.
struct Load {
    name: &'static str,
    calls: usize,
    /// Prepared outside of what is measured.
    prepare: fn(usize) -> Call,
}

enum Call {
    Deployment(String),
    Metrics(String, Vec<u8>),
}

fn run(n: usize) -> Call {
    let event = serde_json::json!({ "occurredAt": n * 1_000, "source": "github", "environment": "ci",
        "service": format!("ci/s{}", n % 50), "subject": "ci_run", "phase": "finished", "conclusion": "success",
        "key": format!("github:o/r/run/{n}"), "attempt": 1, "name": "t".repeat(300), "branch": "main" });
    Call::Deployment(event.to_string())
}

/// One scrape of one of the targets, with values that do not compress.
fn scrape(n: usize, targets: usize, series: usize) -> Call {
    let (target, row) = (n % targets, n / targets);
    let time = 1_700_000_000_000 + row as i64 * 15_000;
    let ids: Vec<u128> = (0..series).map(|one| ((target + 1) as u128) << 64 | one as u128).collect();
    let mut random = n as u64 + 1;
    let samples = (0..series).map(|one| {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (time, one as u32, f64::from_bits(random >> 2))
    });
    let block = encode_blocks(&ids, samples.collect(), usize::MAX).remove(0).block;
    Call::Metrics(format!("t{series}-{target}"), block)
}

fn apply(engine: &mut Engine, handles: &[Handle], n: usize, call: &Call) {
    match call {
        Call::Deployment(json) => {
            drop(engine.apply_deployment(handles[n % handles.len()], json, n as i64).expect("room"))
        }
        Call::Metrics(target, block) => {
            let shard = target.bytes().map(usize::from).sum::<usize>() % handles.len();
            engine.apply_metrics(handles[shard], target, "production/s", &[], block).expect("room");
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Region {
    Spare,
    Full { cleans: bool },
}

fn main() {
    let loads = [
        Load { name: "CI run of 0.5 KB", calls: 20_000, prepare: run },
        Load { name: "scrape of 500 series", calls: 6_400, prepare: |n| scrape(n, 40, 500) },
        Load { name: "scrape of 1,500 series", calls: 2_560, prepare: |n| scrape(n, 8, 1_500) },
    ];
    println!(
        "| µs CPU a call | region of 128 MiB | p50 | p99 | p99.9 | max | slice max |\n|---|---|---|---|---|---|---|"
    );
    for load in &loads {
        for region in [Region::Spare, Region::Full { cleans: false }, Region::Full { cleans: true }] {
            measure(load, region);
        }
    }
}

fn measure(load: &Load, region: Region) {
    let quota = 128 * MIB;
    let options =
        PoolOptions { pool_bytes: 4 * quota, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: SHARDS };
    let mut engine = Engine::open(&options).expect("options are valid");
    let handles: Vec<Handle> = (0..SHARDS).map(|shard| engine.create(shard).expect("room")).collect();
    let mut n = 0;
    let mut next = |engine: &mut Engine| {
        let call = (load.prepare)(n);
        let begin = ThreadTime::now();
        apply(engine, &handles, n, &call);
        n += 1;
        begin.elapsed().as_secs_f64() * 1e6
    };
    let is_full = |engine: &Engine| engine.memory().regions.iter().any(|region| region.evicted > 0);
    while region != Region::Spare && !is_full(&engine) {
        for _ in 0..256 {
            next(&mut engine);
        }
    }
    let cleans = region == Region::Full { cleans: true };
    let (mut took, mut slice_max) = (Vec::with_capacity(load.calls), 0.0f64);
    for call in 0..load.calls {
        took.push(next(&mut engine));
        if cleans && call % CALLS_BETWEEN == 0 {
            let begin = ThreadTime::now();
            engine.clean(SLICE).expect("cleans");
            slice_max = slice_max.max(begin.elapsed().as_secs_f64() * 1e6);
        }
    }
    assert_eq!(is_full(&engine), region != Region::Spare);
    took.sort_by(f64::total_cmp);
    let [p50, p99, p999, max] = [0.5, 0.99, 0.999, 1.0].map(|part| took[((took.len() - 1) as f64 * part) as usize]);
    let slice = if cleans { format!("{slice_max:.0}") } else { "–".to_owned() };
    let shown = match region {
        Region::Spare => "room to spare",
        Region::Full { cleans: false } => "full",
        Region::Full { cleans: true } => "full, cleaned between",
    };
    println!("| {} | {shown} | {p50:.1} | {p99:.1} | {p999:.1} | {max:.1} | {slice} |", load.name);
}
