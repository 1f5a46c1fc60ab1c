//! Snapshots of a shard that changes all the time, written on another thread.

use paged::{PAGE_BYTES, RING_PAGES_MAX};
use pool::{PoolOptions, Region};
use shard::{Engine, EngineError, Handle, SnapshotWritten};
use snapshot::{Offsets, Wanted};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("snapshot-chain-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("temporary folder");
        Self(folder)
    }

    fn key(&self) -> PathBuf {
        self.0.join("keys").join("snapshot.key")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn engine(quota: u64) -> Engine {
    let options =
        PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [quota / 2; 4], shards: 2 };
    Engine::open(&options).expect("options are valid")
}

fn wanted(folder: &Path, offset: u32) -> Wanted {
    Wanted {
        folder: folder.to_owned(),
        shard: 0,
        writer: "w".to_owned(),
        offsets: Offsets::from([("devops.deployments".to_owned(), offset.to_string())]),
        clock: f64::from(offset),
    }
}

fn change(engine: &mut Engine, handle: Handle, n: u64) {
    let scopes = [format!("scope {}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 20_000)];
    engine.rolling_add(handle, &scopes, n as i64, n.is_multiple_of(3), 2.0).expect("room");
}

/// A snapshot during which the shard changes `between` times before each slice that the writer asks for.
fn take(engine: &mut Engine, handle: Handle, folder: &Folder, offset: u32, between: u64) -> SnapshotWritten {
    let writing = engine.begin_snapshot(handle, wanted(&folder.0, offset)).expect("none is running");
    let refused = engine.begin_snapshot(handle, wanted(&folder.0, offset));
    assert!(matches!(refused, Err(EngineError::SnapshotRunning { shard: 0 })));
    let (asked, asks) = mpsc::channel();
    let result = thread::scope(|scope| {
        let (writing, key_file) = (&writing, folder.key());
        let writer = scope.spawn(move || writing.run(&key_file, &mut || asked.send(()).expect("the engine listens")));
        let mut n = u64::from(offset) << 32;
        for () in asks {
            for _ in 0..between {
                change(engine, handle, n);
                n += 1;
            }
            engine.copy_slice(handle);
        }
        writer.join().expect("no panic")
    });
    engine.finish_snapshot(handle, writing, result).expect("writes")
}

fn restored_hash(folder: &Folder, quota: u64) -> String {
    let committed = Offsets::from([("devops.deployments".to_owned(), "999".to_owned())]);
    let mut engine = self::engine(quota);
    let restored = engine.restore(&folder.0, 0, &committed, &folder.key()).expect("restores");
    assert!(restored.refused.is_empty(), "{:?}", restored.refused);
    let (handle, _) = restored.loaded.expect("fits");
    engine.state_hash(handle).expect("loaded")
}

#[test]
fn each_is_the_state_of_its_call_and_holds_what_changed_since() {
    let (folder, quota) = (Folder::new("changed"), 64 << 20);
    let mut engine = engine(quota);
    let handle = engine.create(0).expect("room");
    for n in 0..20_000 {
        change(&mut engine, handle, n);
    }
    for offset in 1..8 {
        let hash = engine.state_hash(handle).expect("loaded");
        let written = take(&mut engine, handle, &folder, offset, if offset == 4 { 0 } else { 20 });
        assert_eq!(restored_hash(&folder, quota), hash, "snapshot {offset}");
        if offset > 1 {
            assert!(
                written.written_pages * 2 < written.info.pages,
                "{} of {}",
                written.written_pages,
                written.info.pages
            );
        }
        if offset == 5 {
            // Nothing changed during the one before, nor since.
            assert_eq!(written.written_pages, 0);
        }
    }
}

#[test]
fn a_change_waits_while_the_ring_is_full_and_is_counted() {
    let (folder, quota) = (Folder::new("waits"), 256 << 20);
    let mut engine = engine(quota);
    let handle = engine.create(0).expect("room");
    let mut n = 0;
    while engine.memory().shards[0].pages < 3 * RING_PAGES_MAX as u32 {
        let service = format!("production/s{n}");
        let event = serde_json::json!({ "occurredAt": n, "source": "e", "service": service, "environment": "production",
            "key": "k", "phase": "firing", "title": "t", "description": "d".repeat(60 * 1024), "startsAt": n });
        engine.apply_incident(handle, &event.to_string(), 0).expect("room");
        n += 1;
    }
    let hash = engine.state_hash(handle).expect("loaded");
    let pages = engine.memory().shards[0].pages;
    let writing = engine.begin_snapshot(handle, wanted(&folder.0, 1)).expect("none is running");
    let (start, started) = mpsc::channel::<()>();
    let result = thread::scope(|scope| {
        let (writing, key_file) = (&writing, folder.key());
        let writer = scope.spawn(move || {
            started.recv().expect("is told");
            writing.run(&key_file, &mut || {})
        });
        // A writer that has not begun: what is changed fills the ring.
        for _ in 0..RING_PAGES_MAX.div_ceil(128) {
            engine.copy_slice(handle);
        }
        start.send(()).expect("listens");
        for i in 0..n {
            let service = format!("production/s{i}");
            let event = serde_json::json!({ "occurredAt": i + 1, "source": "e", "service": service,
                "environment": "production", "key": "k", "phase": "resolved", "title": "u", "startsAt": i });
            engine.apply_incident(handle, &event.to_string(), 0).expect("room");
        }
        while !writer.is_finished() {
            engine.copy_slice(handle);
            thread::yield_now();
        }
        writer.join().expect("no panic")
    });
    let written = engine.finish_snapshot(handle, writing, result).expect("writes");
    assert!(written.waits > 0 && written.waited_ms >= written.waited_ms_max && written.waited_ms_max > 0.0);
    assert_eq!((written.written_pages, written.info.pages), (pages, pages));
    assert!(written.written_bytes > u64::from(pages) * PAGE_BYTES as u64);
    assert_eq!(restored_hash(&folder, quota), hash);
}

#[test]
fn a_dropped_shard_lets_its_writer_go_and_a_failure_loses_no_change() {
    let (folder, quota) = (Folder::new("dropped"), 16 << 20);
    let mut engine = engine(quota);
    let handle = engine.create(0).expect("room");
    (0..3_000).for_each(|n| change(&mut engine, handle, n));
    take(&mut engine, handle, &folder, 1, 0);
    (0..100).for_each(|n| change(&mut engine, handle, n));

    // The folder is no folder: nothing can be written.
    let file = folder.0.join("file");
    std::fs::write(&file, "").expect("writes");
    let writing = engine.begin_snapshot(handle, wanted(&file, 2)).expect("none is running");
    engine.copy_slice(handle);
    let result = writing.run(&folder.key(), &mut || {});
    assert!(matches!(engine.finish_snapshot(handle, writing, result), Err(EngineError::Snapshot(_))));
    (100..200).for_each(|n| change(&mut engine, handle, n));
    let hash = engine.state_hash(handle).expect("loaded");
    take(&mut engine, handle, &folder, 3, 0);
    assert_eq!(restored_hash(&folder, quota), hash);

    change(&mut engine, handle, 7);
    let writing = engine.begin_snapshot(handle, wanted(&folder.0, 4)).expect("none is running");
    engine.drop_shard(handle).expect("loaded");
    let result = writing.run(&folder.key(), &mut || {});
    assert!(result.is_err());
    assert!(engine.finish_snapshot(handle, writing, result).is_err());
    assert_eq!(restored_hash(&folder, quota), hash);
    assert_eq!(engine.memory().used_bytes, 0);
    assert_eq!(engine.memory().regions[Region::DeploymentHistory.index()].used_bytes, 0);
}
