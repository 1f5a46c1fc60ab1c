//! A snapshot of 1 GiB beside `dd conv=fsync` in the same folder before and after it, and what changes wait while it runs.
//!
//! `cargo bench -p shard --bench snapshot [-- <folder>]`

use pool::PoolOptions;
use shard::{Engine, Handle};
use snapshot::{Offsets, Wanted};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;
const PAGES: u32 = 262_144;
/// Between two changes, as the event loop would have other work.
const CHANGE_EVERY: Duration = Duration::from_micros(200);

fn apply(engine: &mut Engine, handle: Handle, service: u64, at: u64) {
    let event = serde_json::json!({ "occurredAt": at, "source": "bench", "service": format!("production/s{service}"),
        "environment": "production", "key": "k", "phase": "firing", "title": "t",
        "description": "d".repeat(60 * 1024 + (at % 7) as usize), "startsAt": at });
    engine.apply_incident(handle, &event.to_string(), 0).expect("room");
}

fn dd(folder: &Path) -> Duration {
    let file = folder.join("dd");
    let start = Instant::now();
    let arguments = ["if=/dev/zero".to_owned(), format!("of={}", file.display())];
    let status = Command::new("dd").args(arguments).args(["bs=1M", "count=1024", "conv=fsync", "status=none"]).status();
    assert!(status.expect("dd runs").success());
    let took = start.elapsed();
    std::fs::remove_file(file).expect("ours");
    took
}

fn main() {
    // Cargo adds --bench.
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).map(PathBuf::from);
    let folder = given.unwrap_or_else(std::env::temp_dir).join(format!("snapshot-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let quota = 512 * MIB;
    let options =
        PoolOptions { pool_bytes: 4 * quota, quota_bytes: [quota; 4], borrow_bytes_max: [3 * quota; 4], shards: 1 };
    let mut engine = Engine::open(&options).expect("options are valid");
    let handle = engine.create(0).expect("room");
    let mut services = 0;
    while engine.memory().shards[0].pages < PAGES {
        apply(&mut engine, handle, services, services);
        services += 1;
    }
    let mut before = dd(&folder);
    for (round, changes) in [("whole", false), ("whole, under change", true), ("what changed", true)] {
        let wanted = Wanted {
            folder: folder.clone(),
            shard: 0,
            // Nobody builds on what another wrote.
            writer: if round == "whole" { "one" } else { "two" }.to_owned(),
            offsets: Offsets::new(),
            clock: 0.0,
        };
        let start = Instant::now();
        let writing = engine.begin_snapshot(handle, wanted).expect("none is running");
        let cut = start.elapsed();
        let (asked, asks) = mpsc::channel();
        let (mut slices, mut applied) = (Vec::new(), Vec::new());
        let result = thread::scope(|scope| {
            let (writing, key_file) = (&writing, folder.join("snapshot.key"));
            let writer =
                scope.spawn(move || writing.run(&key_file, &mut || asked.send(()).expect("the engine listens")));
            let mut n = 0;
            loop {
                match asks.recv_timeout(CHANGE_EVERY) {
                    Ok(()) => {
                        let since = Instant::now();
                        engine.copy_slice(handle);
                        slices.push(since.elapsed());
                    }
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                }
                if changes {
                    let since = Instant::now();
                    apply(&mut engine, handle, (n * 7919) % services, services + n);
                    applied.push(since.elapsed());
                    n += 1;
                }
            }
            writer.join().expect("no panic")
        });
        let took = start.elapsed();
        let written = engine.finish_snapshot(handle, writing, result).expect("writes");
        let after = dd(&folder);
        let ours = written.written_bytes as f64 / MIB as f64 / took.as_secs_f64();
        let beside = 2.0 * 1024.0 / (before + after).as_secs_f64();
        before = after;
        println!(
            "{round}: {} of {} pages, {ours:.0} MiB/s, dd {beside:.0}, ratio {:.2}, cut {:.2} ms; slices {}; changes {}; \
             {} of them waited for the writer, {:.3} ms at most",
            written.written_pages,
            written.info.pages,
            ours / beside,
            cut.as_secs_f64() * 1e3,
            times(&mut slices),
            times(&mut applied),
            written.waits,
            written.waited_ms_max,
        );
    }
    std::fs::remove_dir_all(&folder).expect("ours");
}

fn times(times: &mut [Duration]) -> String {
    times.sort();
    let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    let (p50, p99) = (times.get(times.len() / 2), times.get(times.len() * 99 / 100));
    format!("{}: p50 {:.3}, p99 {:.3}, most {:.3} ms", times.len(), ms(p50), ms(p99), ms(times.last()))
}
