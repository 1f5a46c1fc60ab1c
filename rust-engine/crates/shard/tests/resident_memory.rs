//! Resident memory stays under the pool and a margin: while the pool is filled five times over, while a snapshot of the
//! largest shard is written, while that shard is restored into the full pool.
//!
//! `POOL_MIB=2048 cargo test --release -p shard --test resident_memory -- --nocapture` is the size of the product.

#[path = "workload/mod.rs"]
mod workload;

use pool::PoolOptions;
use shard::{Engine, Handle};
use snapshot::{Offsets, Wanted};
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;
use workload::{event, restore_beside};

const MIB: u64 = 1 << 20;
/// Beside the pool, everything of the process among it.
const MARGIN_BYTES: u64 = 64 * MIB;
const SHARDS: u16 = 3;
const LONG: usize = 90_000;

/// A field of /proc/self/status in bytes.
fn status(field: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("this test needs Linux");
    let line = text.lines().find(|line| line.starts_with(field)).expect("the kernel tells it");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024
}

/// The engine, what it was given, and the largest that the process was.
struct Soak {
    engine: Engine,
    pool: u64,
    given: u64,
    applied: u64,
    handles: Vec<Handle>,
    /// What shard 0 was told.
    next: u64,
}

impl Soak {
    /// Gives one event to a shard; most to shard 0, which gets as large as the pool allows.
    fn apply(&mut self) {
        let shard = if self.next % 8 == 7 { 1 + (self.next / 8 % 2) as usize } else { 0 };
        let handle = self.handles[shard % self.handles.len()];
        let event = event(self.next * 7 + self.next / 10, LONG);
        self.given += event.bytes();
        event.apply(&mut self.engine, handle).expect("room is made");
        self.next += 1;
        self.applied += 1;
        if self.applied.is_multiple_of(1_000) {
            self.check();
        }
    }

    /// The ledger within its rules, and the process within its bound.
    fn check(&self) {
        let memory = self.engine.memory();
        let by_region: u64 = memory.regions.iter().map(|region| region.used_bytes).sum();
        let by_shard: u64 = memory.shards.iter().map(|shard| u64::from(shard.pages) * memory.page_bytes).sum();
        assert_eq!((by_region, by_shard), (memory.used_bytes, memory.used_bytes));
        assert!(memory.used_bytes + memory.idle_bytes <= self.pool);
        for region in &memory.regions {
            assert!(region.used_bytes <= 2 * region.quota_bytes, "{}", region.region);
            assert!(region.used_bytes - region.borrowed_bytes + region.lent_bytes <= region.quota_bytes);
        }
        let peak = status("VmHWM");
        assert!(peak <= self.pool + MARGIN_BYTES, "{} MiB of {}", peak / MIB, (self.pool + MARGIN_BYTES) / MIB);
    }

    fn tell(&self, what: &str, since: Instant) {
        self.check();
        let memory = self.engine.memory();
        let evicted: u64 = memory.regions.iter().map(|region| region.evicted).sum();
        println!(
            "{what}: {} events, {} MiB given, pool {} of {} MiB used, {evicted} evicted, resident {} MiB, peak {} MiB, {:.1} s",
            self.applied,
            self.given / MIB,
            memory.used_bytes / MIB,
            self.pool / MIB,
            status("VmRSS") / MIB,
            status("VmHWM") / MIB,
            since.elapsed().as_secs_f64(),
        );
    }
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A snapshot of shard 0 while events go on; the reader of the ring is the one that writes the files.
fn snapshot(soak: &mut Soak, folder: &Folder) {
    let wanted =
        Wanted { folder: folder.0.clone(), shard: 0, writer: "w".to_owned(), offsets: Offsets::new(), clock: 0.0 };
    let handle = soak.handles[0];
    let writing = soak.engine.begin_snapshot(handle, wanted).expect("none is running");
    let (asked, asks) = mpsc::channel();
    let result = thread::scope(|scope| {
        let (writing, key) = (&writing, folder.0.join("snapshot.key"));
        let writer = scope.spawn(move || writing.run(&key, &mut || asked.send(()).expect("the engine listens")));
        for () in asks {
            soak.engine.copy_slice(handle);
            soak.apply();
        }
        writer.join().expect("no panic")
    });
    soak.engine.finish_snapshot(handle, writing, result).expect("writes");
}

#[test]
fn the_process_stays_under_the_pool_and_a_margin() {
    let mib: u64 = std::env::var("POOL_MIB").ok().and_then(|text| text.parse().ok()).unwrap_or(144);
    let quota_bytes = [8, 4, 2, 2].map(|share| mib * MIB / 16 * share);
    let pool = mib * MIB;
    let options = PoolOptions { pool_bytes: pool, quota_bytes, borrow_bytes_max: quota_bytes, shards: SHARDS };
    let mut engine = Engine::open(&options).expect("options are valid");
    let handles = (0..SHARDS).map(|shard| engine.create(shard).expect("room")).collect();
    let mut soak = Soak { engine, pool, given: 0, applied: 0, handles, next: 0 };
    let start = Instant::now();
    while soak.given < 5 * pool {
        soak.apply();
    }
    soak.tell("filled five times over", start);
    let memory = soak.engine.memory();
    assert!(memory.utilization > 0.9, "{}", memory.utilization);
    // What runs or is open is never dropped: its region alone is not full.
    assert!(memory.regions[..3].iter().all(|region| region.evicted > 0), "every region was full");
    let largest = u64::from(memory.shards[0].pages) * memory.page_bytes;
    // Else a second copy of it would stay within the margin, and this test could not fail by one.
    assert!(largest > MARGIN_BYTES, "shard 0 holds {} MiB", largest / MIB);

    let folder = Folder(std::env::temp_dir().join(format!("resident-memory-{}", std::process::id())));
    let since = Instant::now();
    snapshot(&mut soak, &folder);
    soak.tell("snapshot of the largest shard", since);

    let since = Instant::now();
    soak.engine.drop_shard(soak.handles.remove(0)).expect("loaded");
    while soak.engine.memory().utilization < 0.9 {
        (0..200).for_each(|_| soak.apply());
    }
    soak.tell("dropped, and the others filled the pool", since);

    let since = Instant::now();
    let mut steps = 0u64;
    let mut engine = std::mem::replace(&mut soak.engine, Engine::open(&small()).expect("options are valid"));
    let restored = restore_beside(&mut engine, &folder.0, &[0], 1, &mut |engine| {
        steps += 1;
        std::mem::swap(&mut soak.engine, engine);
        soak.apply();
        std::mem::swap(&mut soak.engine, engine);
    });
    soak.engine = engine;
    let restored = &restored[0];
    assert!(restored.refused.is_empty(), "{:?}", restored.refused);
    let (handle, info) = restored.loaded.as_ref().expect("the others make room");
    assert!(u64::from(info.pages) / steps <= 128 && u64::from(info.pages) * 4096 > MARGIN_BYTES);
    soak.handles.insert(0, *handle);
    soak.tell("restored into the full pool", since);

    let since = Instant::now();
    let pages = soak.engine.memory().shards.iter().map(|shard| u64::from(shard.pages)).sum::<u64>();
    let mut seen = 0;
    while soak
        .engine
        .memory()
        .components
        .iter()
        .map(|report| report.shard)
        .collect::<std::collections::BTreeSet<_>>()
        .len()
        < 3
    {
        seen += u64::from(soak.engine.survey(65_536));
    }
    println!("{seen} of {pages} pages looked at in {:.2} s", since.elapsed().as_secs_f64());
    soak.tell("looked at", since);
}

/// Stands in while the engine is elsewhere.
fn small() -> PoolOptions {
    PoolOptions { pool_bytes: 4 * 4096, quota_bytes: [4096; 4], borrow_bytes_max: [0; 4], shards: 1 }
}
