//! Files that are not what was written: recognised, refused with the reason, and the older snapshot is used.

#[path = "simulated/mod.rs"]
mod simulated;
#[path = "simulated/world.rs"]
mod world;

use paged::PageImage;
use simulated::{Random, Simulated};
use snapshot::{SnapshotError, Storage};
use std::path::Path;
use world::{World, find, keys, wanted};

/// Three snapshots of a shard; the pages of each cut.
fn three(disk: &Simulated, shard: u16, seed: u64) -> Vec<PageImage> {
    let random = &mut Random(seed);
    let mut world = World::new(shard);
    (1..=3)
        .map(|at| {
            world.change(random, 80);
            let image = world.image();
            let written = world.snapshot(disk, &wanted(shard, at), &keys(1), random).expect("no failure");
            assert_eq!(written.info.pages as usize, image.used());
            image
        })
        .collect()
}

fn last(disk: &Simulated, ending: &str) -> String {
    disk.listing().into_keys().rfind(|name| name.ends_with(ending)).expect("there is one")
}

/// What `find` gives: the second of three snapshots, and this as the reason that the third one is not used.
fn assert_second(disk: &Simulated, images: &[PageImage], reason: &str) {
    let (found, refused) = find(disk, 0, &keys(1)).expect("the second is usable");
    assert!(found.is_some_and(|found| found.image == images[1]), "{reason}");
    assert!(refused.len() == 1 && refused[0].contains(reason), "{refused:?} does not say {reason}");
}

#[test]
fn every_flipped_bit_and_every_cut_is_recognised() {
    let disk = Simulated::new(1, 0);
    let images = three(&disk, 0, 7);
    let random = &mut Random(9);
    for ending in [".manifest", ".segment"] {
        let name = last(&disk, ending);
        let whole = disk.content(&name);
        let mut places: Vec<usize> = (0..64.min(whole.len())).chain([whole.len() - 1]).collect();
        places.extend((0..100).map(|_| random.below(whole.len() as u64) as usize));
        for at in places {
            disk.change(&name, |bytes| bytes[at] ^= 1 << random.below(8));
            let (found, refused) = find(&disk, 0, &keys(1)).expect("the second is usable");
            // A segment's dead pages are needed by nobody; their seals are covered by the segment's digest all the same.
            let image = found.expect("one of them").image;
            assert!(image == images[if refused.is_empty() { 2 } else { 1 }], "{name} at {at}: {refused:?}");
            assert!(ending == ".segment" || !refused.is_empty(), "{name} at {at}");
            disk.change(&name, |bytes| bytes.clone_from(&whole));
        }
        for length in [0, 1, 31, 32, 60, whole.len() / 2, whole.len() - 1] {
            disk.change(&name, |bytes| bytes.truncate(length));
            assert_second(&disk, &images, if ending == ".segment" || length < 48 { "truncated" } else { "seal" });
            disk.change(&name, |bytes| bytes.clone_from(&whole));
        }
        disk.change(&name, |bytes| bytes.push(0));
        assert_second(&disk, &images, if ending == ".segment" { "bytes after its end" } else { "manifest seal" });
        disk.change(&name, |bytes| bytes.clone_from(&whole));
    }
    assert!(find(&disk, 0, &keys(1)).expect("whole again").1.is_empty());
}

#[test]
fn files_of_another_shard_or_snapshot_under_the_right_name_are_recognised() {
    let disk = Simulated::new(1, 0);
    let images = three(&disk, 0, 7);
    let other = Simulated::new(2, 0);
    three(&other, 1, 8);
    let (manifest, segment) = (last(&disk, ".manifest"), last(&disk, ".segment"));
    let (whole_manifest, whole_segment) = (disk.content(&manifest), disk.content(&segment));

    disk.change(&segment, |bytes| *bytes = other.content(&last(&other, ".segment")));
    assert_second(&disk, &images, "another segment under this name");
    let older = segments(&disk).swap_remove(0);
    let older = disk.content(&older);
    disk.change(&segment, |bytes| *bytes = older);
    assert_second(&disk, &images, "another segment under this name");
    disk.change(&segment, |bytes| *bytes = whole_segment);

    disk.change(&manifest, |bytes| *bytes = other.content(&last(&other, ".manifest")));
    assert_second(&disk, &images, "is snapshot 2 of shard 1 by w");
    disk.change(&manifest, |bytes| *bytes = whole_manifest);
    assert!(find(&disk, 0, &keys(1)).expect("whole again").1.is_empty());
}

fn segments(disk: &Simulated) -> Vec<String> {
    disk.listing().into_keys().filter(|name| name.ends_with(".segment")).collect()
}

#[test]
fn another_key_is_a_refusal_and_nothing_is_overwritten_or_removed() {
    let disk = Simulated::new(1, 0);
    let images = three(&disk, 0, 7);
    let before: Vec<(String, Vec<u8>)> =
        disk.listing().into_keys().map(|name| (name.clone(), disk.content(&name))).collect();
    assert!(matches!(find(&disk, 0, &keys(2)), Err(SnapshotError::KeyWrong { .. })));
    // Even one that goes on under the same writer's name leaves them.
    let mut stranger = World::new(0);
    for at in 5..9 {
        stranger.change(&mut Random(3), 40);
        stranger.snapshot(&disk, &wanted(0, at), &keys(2), &mut Random(4)).expect("writes beside them");
    }
    for (name, content) in before {
        assert!(disk.content(&name) == content, "{name}");
    }
    let (found, refused) = find(&disk, 0, &keys(1)).expect("ours are there");
    assert!(found.is_some_and(|found| found.image == images[2]));
    assert!(refused.iter().all(|reason| reason.ends_with("sealed with another key")), "{refused:?}");
}

#[test]
fn a_file_that_could_not_be_read_is_told_before_one_of_another_key() {
    let disk = Simulated::new(1, 0);
    three(&disk, 0, 7);
    let mut world = World::new(0);
    world.change(&mut Random(3), 40);
    let image = world.image();
    world.snapshot(&disk, &wanted(0, 9), &keys(2), &mut Random(4)).expect("writes beside them");
    let (manifest, segment) = (last(&disk, ".manifest"), last(&disk, ".segment"));
    for name in [&manifest, &segment] {
        disk.make_unreadable(Some(name.clone()));
        let told = find(&disk, 0, &keys(2)).err();
        let is_it = |file: &str| file.ends_with(name.as_str());
        assert!(
            matches!(&told, Some(SnapshotError::Failed { operation: "read", file, .. }) if is_it(file)),
            "{told:?}"
        );
    }
    disk.make_unreadable(None);
    assert!(find(&disk, 0, &keys(2)).expect("readable again").0.is_some_and(|found| found.image == image));
    // What is gone does not come back: the key may be all that is lacking.
    disk.remove(Path::new(&segment)).expect("is there");
    assert!(matches!(find(&disk, 0, &keys(2)), Err(SnapshotError::KeyWrong { .. })));
}

#[test]
fn segments_stay_within_their_bounds_and_only_what_changed_is_written() {
    let disk = Simulated::new(1, 0);
    let random = &mut Random(11);
    let mut world = World::new(0);
    world.change(random, 400);
    let (mut pages, mut all) = (0, 0);
    for at in 0..200 {
        world.change(random, 2);
        let written = world.snapshot(&disk, &wanted(0, at), &keys(1), random).expect("no failure");
        let files = disk.listing();
        let segments = segments(&disk).len();
        assert_eq!(files.keys().filter(|name| name.ends_with(".manifest")).count(), 2.min(at as usize + 1));
        // Two manifests of at most 16 segments, the older of which differs in what was rewritten.
        assert!(segments <= 32, "{segments} segments");
        pages += u64::from(written.pages);
        all += u64::from(written.info.pages);
        // What is not pages is less than one: headers and the manifest.
        let named = written.info.bytes / 4120 - 2;
        assert!(named <= u64::from(written.info.pages) * 2, "{named} pages named for {}", written.info.pages);
    }
    assert!(disk.listing().keys().all(|name| !name.ends_with(".tmp")));
    assert!(pages * 2 < all, "{pages} pages written of {all}");
}
