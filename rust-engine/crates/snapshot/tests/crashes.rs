//! Thousands of crashes at any operation of the disk: what is read then is one state that was cut, never older than the
//! last one that was reported written, while keys change and snapshots build on each other. The seed is printed; `CRASHES` sets how many.

#[path = "simulated/mod.rs"]
mod simulated;
#[path = "simulated/world.rs"]
mod world;

use simulated::{Random, Simulated};
use snapshot::SnapshotKeys;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use world::{Whole, World, find, wanted};

const CRASHES: u64 = 10_000;

/// The key file: a new key comes in front, and the old ones go when docs/snapshot-format.md says that they may.
struct KeyFile {
    keys: Vec<[u8; 32]>,
    /// Snapshots since the change that are sealed whole with the first key.
    whole: u32,
}

impl KeyFile {
    fn keys(&self) -> SnapshotKeys {
        SnapshotKeys::of(&self.keys).expect("as many as a file may hold")
    }

    fn change(&mut self) {
        if self.keys.len() < 8 {
            self.keys.insert(0, [self.keys[0][0].wrapping_add(1); 32]);
            self.whole = 0;
        }
    }

    fn written(&mut self, key_changed: bool) {
        self.whole = if key_changed { 0 } else { self.whole + 1 };
        if self.whole >= 2 {
            self.keys.truncate(1);
        }
    }
}

/// What lives held beside their crashes.
#[derive(Default)]
struct Seen {
    crashes: u64,
    /// Snapshots that stand on segments of older ones.
    built_on_others: u64,
    /// Keys that came in front of others.
    key_changes: u64,
}

/// One life of a disk: snapshots, failures and crashes.
fn life(seed: u64, seen: &mut Seen) {
    let random = &mut Random(seed);
    let fails = [0, 40, 15][random.below(3) as usize];
    let disk = Simulated::new(random.next(), fails);
    let mut key_file = KeyFile { keys: vec![[1; 32]], whole: 0 };
    let mut world = World::new(3);
    // The states that may be found: the last one reported written, then those cut after it.
    let mut cut = Vec::new();
    let mut written = None;
    for at in 0..40u64 {
        if random.one_in(3) {
            disk.crash_in(1 + random.below(40));
        }
        if random.one_in(12) {
            key_file.change();
            seen.key_changes += 1;
        }
        let steps = random.below(30);
        world.change(random, steps);
        cut.push((at, world.image()));
        if let Ok(done) = world.snapshot(&disk, &wanted(3, at), &key_file.keys(), random) {
            written = Some(at);
            key_file.written(done.key_changed);
            seen.built_on_others += u64::from(done.pages < done.info.pages);
            cut.retain(|(cut_at, _)| *cut_at >= at);
        }
        if !disk.has_crashed() {
            continue;
        }
        seen.crashes += 1;
        disk.restart();
        let found = found_after_a_crash(&disk, &key_file.keys());
        world = match found {
            None => {
                assert!(written.is_none(), "seed {seed}: snapshot {written:?} is gone");
                cut.clear();
                World::new(3)
            }
            Some(found) => {
                let at: u64 = found.info.offsets["topic"].parse().expect("a number");
                let state = cut.iter().find(|(cut_at, _)| *cut_at == at);
                assert!(state.is_some(), "seed {seed}: {at} is older than {written:?}");
                let same = state.is_some_and(|(_, image)| *image == found.image);
                assert!(same, "seed {seed}: the state of {at} is not what was cut");
                written = Some(at);
                cut.retain(|(cut_at, _)| *cut_at == at);
                World::of(3, found)
            }
        };
    }
}

/// A disk that fails while it is read is tried again, as the pipeline does.
fn found_after_a_crash(disk: &Simulated, keys: &SnapshotKeys) -> Option<Whole> {
    disk.crash_in(u64::MAX);
    for _ in 0..20 {
        match find(disk, 3, keys) {
            Ok((found, refused)) if refused.iter().all(|reason| !reason.contains("by the test")) => return found,
            _ => {}
        }
    }
    let fails = disk.fail_one_in(0);
    let found = find(disk, 3, keys);
    disk.fail_one_in(fails);
    found.expect("there is a key for whatever counts").0
}

#[test]
fn nothing_written_is_lost_and_nothing_is_mixed() {
    let wanted: u64 = std::env::var("CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(CRASHES);
    let start =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let first = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(start);
    println!("first seed {first}");
    let lives = AtomicU64::new(0);
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let work = || {
        let mut seen = Seen::default();
        while seen.crashes < wanted.div_ceil(workers) {
            life(first.wrapping_add(lives.fetch_add(1, Ordering::Relaxed)), &mut seen);
        }
        seen
    };
    let seen: Vec<Seen> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("see above")).collect()
    });
    let sum = |figure: fn(&Seen) -> u64| seen.iter().map(figure).sum::<u64>();
    let [crashes, keys, built_on_others] =
        [sum(|seen| seen.crashes), sum(|seen| seen.key_changes), sum(|seen| seen.built_on_others)];
    println!("{crashes} crashes in {lives:?} lives, {keys} keys, {built_on_others} snapshots built on others");
    assert!(built_on_others > crashes / 10 && keys > crashes / 10);
}
