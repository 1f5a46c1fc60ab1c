//! Recovery of a process: 12 shards from 2 GiB of snapshots, read by two threads, then a million events of their logs.
//!
//! `npm run bench:recovery [-- <folder>]`; `POOL_MIB` and `EVENTS` make it smaller.

#[allow(dead_code)] // each harness uses a part
#[path = "../tests/workload/mod.rs"]
mod workload;

use pool::PoolOptions;
use shard::{Engine, Handle};
use snapshot::{Offsets, Wanted};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use workload::{event, restore_beside};

const MIB: u64 = 1 << 20;
const SHARDS: u16 = 12;
const READERS: usize = 2;
/// Length of the longer texts of what is in the snapshots, so that they are made in seconds.
const LONG: usize = 24_000;
/// Events made at one time: making them is not recovery.
const CHUNK: u64 = 20_000;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn options() -> PoolOptions {
    let pool_bytes = number("POOL_MIB", 2048) * MIB;
    let quota_bytes = [8, 4, 2, 2].map(|share| pool_bytes / 16 * share);
    PoolOptions { pool_bytes, quota_bytes, borrow_bytes_max: quota_bytes, shards: SHARDS }
}

/// CPU time of the process and the largest that it was.
fn process() -> (f64, u64) {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().map(|ticks| ticks.parse::<f64>().expect("a number")).sum();
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel tells it");
    (ticks / 100.0, peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024)
}

fn write_snapshots(folder: &Path) -> u64 {
    let mut engine = Engine::open(&options()).expect("options are valid");
    let handles: Vec<Handle> = (0..SHARDS).map(|shard| engine.create(shard).expect("room")).collect();
    let mut n = 0;
    while engine.memory().utilization < 0.97 {
        for _ in 0..1_000 {
            let handle = handles[(n % u64::from(SHARDS)) as usize];
            event(n * 7, LONG).apply(&mut engine, handle).expect("room is made");
            n += 1;
        }
    }
    let mut bytes = 0;
    for handle in handles {
        let wanted = Wanted {
            folder: folder.to_owned(),
            shard: handle.shard,
            writer: "w".to_owned(),
            offsets: Offsets::new(),
            clock: 0.0,
        };
        let writing = engine.begin_snapshot(handle, wanted).expect("none is running");
        let (asked, asks) = mpsc::channel();
        let result = thread::scope(|scope| {
            let (writing, key) = (&writing, folder.join("snapshot.key"));
            let writer = scope.spawn(move || writing.run(&key, &mut || asked.send(()).expect("the engine listens")));
            asks.into_iter().for_each(|()| engine.copy_slice(handle));
            writer.join().expect("no panic")
        });
        bytes += engine.finish_snapshot(handle, writing, result).expect("writes").info.bytes;
    }
    bytes
}

/// So that reading is from the disk.
fn forget(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let file = format!("if={}", entry.expect("readable").path().display());
        let done = Command::new("dd").args([file.as_str(), "iflag=nocache", "count=0", "status=none"]).status();
        assert!(done.expect("dd runs").success());
    }
}

fn recover(folder: &Path, what: &str) {
    let mut engine = Engine::open(&options()).expect("options are valid");
    let (cpu, start) = (process().0, Instant::now());
    let mut longest = Duration::ZERO;
    let mut since = Instant::now();
    let shards: Vec<u16> = (0..SHARDS).collect();
    let restored = restore_beside(&mut engine, folder, &shards, READERS, &mut |_| {
        longest = longest.max(since.elapsed());
        since = Instant::now();
    });
    let (restore, restore_cpu) = (start.elapsed(), process().0 - cpu);
    let handles: Vec<Handle> =
        restored.into_iter().map(|restored| restored.loaded.expect("an empty pool has room").0).collect();

    let (cpu, events) = (process().0, number("EVENTS", 1_000_000));
    let (mut replay, mut making) = (Duration::ZERO, 0.0);
    for first in (0..events).step_by(CHUNK as usize) {
        let before = process().0;
        let chunk: Vec<_> = (first..(first + CHUNK).min(events)).map(|n| event(n * 11 + 5, 0)).collect();
        making += process().0 - before;
        let start = Instant::now();
        for (event, handle) in chunk.iter().zip(handles.iter().cycle()) {
            event.apply(&mut engine, *handle).expect("room is made");
        }
        replay += start.elapsed();
    }
    let (after, peak) = process();
    println!(
        "{what}: restored in {:.1} s ({restore_cpu:.1} s CPU), {events} events in {:.1} s ({:.1} s CPU), together {:.1} s; \
         peak {peak} MiB",
        restore.as_secs_f64(),
        replay.as_secs_f64(),
        after - cpu - making,
        (restore + replay).as_secs_f64(),
    );
    println!("  longest time between two batches {:.0} ms", longest.as_secs_f64() * 1e3);
}

fn main() {
    // Cargo adds --bench.
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).map(PathBuf::from);
    let folder = given.unwrap_or_else(std::env::temp_dir).join(format!("recovery-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let start = Instant::now();
    let bytes = write_snapshots(&folder);
    println!("{} MiB of snapshots in {:.0} s", bytes / MIB, start.elapsed().as_secs_f64());
    forget(&folder);
    recover(&folder, "from the disk");
    recover(&folder, "from the page cache");
    fs::remove_dir_all(&folder).expect("ours");
}
