//! A restore beside other work: nothing is seen of it before its end, and whatever ends it early leaves nothing behind.

use pool::PoolOptions;
use shard::{Engine, EngineError, Handle, RestoreStep, restore};
use snapshot::{Offsets, Wanted};
use std::fs;
use std::path::PathBuf;
use store::DeploymentFilter;

const QUOTA: u64 = 800 * 4096;

fn engine() -> Engine {
    let options =
        PoolOptions { pool_bytes: QUOTA * 4, quota_bytes: [QUOTA; 4], borrow_bytes_max: [QUOTA * 3; 4], shards: 3 };
    Engine::open(&options).expect("options are valid")
}

fn alert(engine: &mut Engine, handle: Handle, n: u32, bytes: usize) -> Result<(), EngineError> {
    incident(engine, handle, n, bytes, "firing")
}

fn incident(engine: &mut Engine, handle: Handle, n: u32, bytes: usize, phase: &str) -> Result<(), EngineError> {
    let service = format!("production/s{n}");
    let event = serde_json::json!({ "occurredAt": n, "source": "e", "service": service, "environment": "production",
        "key": "k", "phase": phase, "title": "t", "description": "d".repeat(bytes), "startsAt": n });
    engine.apply_incident(handle, &event.to_string(), 0).map(|_| ())
}

/// Two snapshots of a shard of some 1,000 pages and the states that they hold.
struct Written {
    folder: PathBuf,
    hashes: Vec<String>,
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Written {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("restore-in-batches-{name}-{}", std::process::id()));
        let mut engine = engine();
        let handle = engine.create(0).expect("room");
        let mut written = Self { folder, hashes: Vec::new() };
        for round in 0..2 {
            (0..60 + round * 10).for_each(|n| alert(&mut engine, handle, n, 60_000).expect("room"));
            written.hashes.push(engine.state_hash(handle).expect("loaded"));
            let offsets = Offsets::from([("topic".to_owned(), round.to_string())]);
            let wanted = Wanted {
                folder: written.folder.clone(),
                shard: 0,
                writer: "w".to_owned(),
                offsets,
                clock: f64::from(round),
            };
            let writing = engine.begin_snapshot(handle, wanted).expect("none is running");
            (0..32).for_each(|_| engine.copy_slice(handle));
            let result = writing.run(&written.key(), &mut || {});
            engine.finish_snapshot(handle, writing, result).expect("writes");
        }
        written
    }

    fn key(&self) -> PathBuf {
        self.folder.join("snapshot.key")
    }

    /// Bytes of the newest segment are no longer what was written.
    fn damage(&self) {
        let names = fs::read_dir(&self.folder).expect("a folder").map(|entry| entry.expect("readable").path());
        let newest = names.filter(|path| path.extension().is_some_and(|ending| ending == "segment")).max();
        let newest = newest.expect("there are segments");
        let mut bytes = fs::read(&newest).expect("readable");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&newest, bytes).expect("writable");
    }
}

/// A restore during which `between` runs before each step.
fn restored(
    written: &Written,
    engine: &mut Engine,
    mut between: impl FnMut(&mut Engine, &RestoreStep),
) -> (Option<Handle>, Vec<String>) {
    let committed = Offsets::from([("topic".to_owned(), "9".to_owned())]);
    let restored = restore(&written.folder, 0, &committed, &written.key(), &mut |step| {
        between(engine, &step);
        engine.restore_step(step)
    });
    let restored = restored.expect("no error of the others");
    (restored.loaded.map(|(handle, _)| handle), restored.refused)
}

#[test]
fn nothing_is_seen_of_it_before_its_end_and_others_go_on() {
    let written = Written::new("others");
    let mut engine = engine();
    let other = engine.create(1).expect("room");
    let (mut batches, mut seen) = (0, Vec::new());
    let (handle, refused) = restored(&written, &mut engine, |engine, step| {
        if let RestoreStep::Install(handle, batch) = step {
            batches += 1;
            assert!(batch.places.len() <= 128);
            assert!(matches!(engine.state_hash(*handle), Err(EngineError::ShardGone { shard: 0 })));
            assert!(matches!(engine.create(0), Err(EngineError::ShardLoaded { shard: 0 })));
            alert(engine, other, batches, 2_000).expect("room");
            seen.push(batch.places.len());
        }
    });
    assert!(refused.is_empty() && seen.iter().sum::<usize>() > 900, "{refused:?} {seen:?}");
    let handle = handle.expect("fits");
    assert_eq!(engine.state_hash(handle).expect("loaded"), written.hashes[1]);
    assert_eq!(engine.memory().shards.len(), 2);
    alert(&mut engine, handle, 1, 2_000).expect("goes on");
}

#[test]
fn a_file_that_changes_after_it_was_checked_is_recognised_and_the_older_snapshot_is_used() {
    let written = Written::new("damaged");
    let mut engine = engine();
    let mut begun = 0;
    let (handle, refused) = restored(&written, &mut engine, |_, step| {
        if let RestoreStep::Begin { .. } = step {
            begun += 1;
            if begun == 1 {
                written.damage();
            }
        }
    });
    assert_eq!(begun, 2);
    assert!(refused.iter().any(|reason| reason.contains("damaged")), "{refused:?}");
    assert_eq!(engine.state_hash(handle.expect("the older one")).expect("loaded"), written.hashes[0]);
    let memory = engine.memory();
    assert_eq!(u64::from(memory.shards[0].pages) * memory.page_bytes, memory.used_bytes);
}

#[test]
fn one_that_is_damaged_from_the_start_costs_the_others_nothing() {
    let written = Written::new("costly");
    let mut engine = engine();
    let other = engine.create(1).expect("room");
    // What is over may go, and fills the pool: whatever is made room for costs some of it.
    (0..400).for_each(|n| incident(&mut engine, other, n, 30_000, "resolved").expect("room"));
    let (hash, evicted) = (engine.state_hash(other).expect("loaded"), engine.memory().regions[2].evicted);
    assert!(evicted > 0, "the pool is full");
    written.damage();
    fs::read_dir(&written.folder).expect("a folder").for_each(|entry| {
        let path = entry.expect("readable").path();
        if path.extension().is_some_and(|ending| ending == "segment") {
            fs::write(path, b"no segment").expect("writable");
        }
    });
    let (handle, refused) = restored(&written, &mut engine, |_, step| panic!("{step:?} although nothing is usable"));
    assert!(handle.is_none() && refused.len() == 2, "{refused:?}");
    assert_eq!(engine.state_hash(other).expect("loaded"), hash);
    assert_eq!(engine.memory().regions[2].evicted, evicted);
}

#[test]
fn it_gives_way_to_events_that_find_no_other_room() {
    let written = Written::new("gives-way");
    let mut large = engine();
    restored(&written, &mut large, |_, _| {});
    // What the snapshot leaves of this pool is less than one large event needs.
    let quota = u64::from(large.memory().shards[0].pages + 48) / 4 * 4096;
    let options =
        PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [quota * 3; 4], shards: 3 };
    let mut engine = Engine::open(&options).expect("options are valid");
    let other = engine.create(1).expect("room");
    let mut applied = 0;
    let (handle, refused) = restored(&written, &mut engine, |engine, step| {
        if let RestoreStep::Finish(..) = step {
            alert(engine, other, 1, 250_000).expect("the restore gives way");
            applied += 1;
        }
    });
    assert!(handle.is_none() && applied == 1, "{refused:?}");
    assert!(refused[0].contains("gave the room that it had back"), "{refused:?}");
    assert_eq!(engine.incidents(other, &store::IncidentFilter::default(), 9, None).expect("lists").items.len(), 1);
    let memory = engine.memory();
    assert_eq!(u64::from(memory.shards[0].pages) * memory.page_bytes, memory.used_bytes);
    let again = engine.create(0).expect("the log can give it back");
    engine.deployments(again, &DeploymentFilter::default(), 9, None).expect("empty");
}
