//! Thousands of crashes at any operation of the disk: what is read then is one state that was cut, never older than the
//! last one that was reported written. The seed is printed; `CRASHES` sets how many.

#[path = "simulated/mod.rs"]
mod simulated;
#[path = "simulated/world.rs"]
mod world;

use simulated::{Random, Simulated};
use world::{World, find, keys, wanted};

/// One life of a disk: snapshots, failures and crashes. How many crashes came.
fn life(seed: u64) -> u64 {
    let random = &mut Random(seed);
    let fails = [0, 40, 15][random.below(3) as usize];
    let disk = Simulated::new(random.next(), fails);
    let keys = keys(1);
    let mut world = World::new(3);
    let mut crashes = 0;
    // The states that may be found: the last one reported written, then those cut after it.
    let mut cut = Vec::new();
    let mut written = None;
    for at in 0..40u64 {
        if random.one_in(3) {
            disk.crash_in(1 + random.below(40));
        }
        let steps = random.below(30);
        world.change(random, steps);
        cut.push((at, world.image()));
        if world.snapshot(&disk, &wanted(3, at), &keys, random).is_ok() {
            written = Some(at);
            cut.retain(|(cut_at, _)| *cut_at >= at);
        }
        if !disk.has_crashed() {
            continue;
        }
        crashes += 1;
        disk.restart();
        let found = loop {
            // A disk that fails while it is read is tried again, as the pipeline does.
            disk.crash_in(u64::MAX);
            match find(&disk, 3, &keys) {
                Ok((found, refused)) if refused.iter().all(|reason| !reason.contains("by the test")) => break found,
                _ => {}
            }
        };
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
    crashes
}

#[test]
fn nothing_written_is_lost_and_nothing_is_mixed() {
    let wanted: u64 = std::env::var("CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000);
    let start =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let first = std::env::var("SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(start);
    println!("first seed {first}");
    let (mut crashes, mut lives) = (0, 0);
    while crashes < wanted {
        crashes += life(first.wrapping_add(lives));
        lives += 1;
    }
    println!("{crashes} crashes in {lives} lives");
}
