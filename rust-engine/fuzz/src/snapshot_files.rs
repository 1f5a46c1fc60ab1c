//! A folder of snapshots in which somebody who has no key changes what he likes.

use crate::Target;
use crate::memory::Memory;
use paged::{Heap, PageImage, PagesMut, Ring, Space};
use pool::{Pool, PoolOptions, REGIONS};
use snapshot::{Offsets, Plan, SnapshotError, SnapshotKeys, Wanted};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The target. An input is a list of changes: what, on which files, where.
pub const TARGET: Target = Target { name: "snapshot_files", run, seeds, words: &[] };

const SNAPSHOTS: u64 = 3;
const CHANGE_BYTES: usize = 6;

/// What is found is a state that was cut, as it was, or nothing.
pub fn run(bytes: &[u8]) -> bool {
    static MADE: OnceLock<Made> = OnceLock::new();
    let made = MADE.get_or_init(make);
    let mut files = made.files.clone();
    for change in bytes.as_chunks::<CHANGE_BYTES>().0.iter().take(64) {
        apply(&mut files, *change);
    }
    let folder = Memory::of(files);
    let committed = Offsets::from([("topic".to_owned(), "9".to_owned())]);
    match snapshot::find(&folder, Path::new("s"), 0, &committed, &keys()) {
        Ok((None, _)) | Err(SnapshotError::KeyWrong { .. }) => false,
        Ok((Some(found), _)) => {
            let at: usize = found.info.offsets["topic"].parse().expect("a number");
            let mut pages = BTreeMap::new();
            let whole = found.read(&folder, &mut |n, region, page| {
                assert!(pages.insert(n, (region, *page)).is_none(), "page {n} came twice");
                ControlFlow::Continue(())
            });
            assert!(whole.expect("what was read once is read again"), "nobody broke off");
            let state = made.states[at].iter().map(|(n, region, page)| (n, (region, *page)));
            assert!(state.eq(pages), "not the state of {at}");
            true
        }
        Err(other) => panic!("{other:?} is no answer to what is in files"),
    }
}

struct Made {
    files: BTreeMap<String, Vec<u8>>,
    /// By their offset.
    states: Vec<PageImage>,
}

fn keys() -> SnapshotKeys {
    SnapshotKeys::from_bytes([7; 32])
}

/// Snapshots that build on each other.
fn make() -> Made {
    let bytes = 64 * 4096;
    let options =
        PoolOptions { pool_bytes: bytes, quota_bytes: [bytes / 4; 4], borrow_bytes_max: [bytes; 4], shards: 1 };
    let mut pool = Pool::open(&options).expect("options are valid");
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    let (folder, mut base, mut states) = (Memory::default(), None, Vec::new());
    for at in 0..SNAPSHOTS {
        for n in 0..6 {
            let mut space = Space { pool: &mut pool, heap: &mut heap };
            let page = space.allocate(REGIONS[n as usize % 4]).expect("room");
            space.page_mut(page).fill((at * 16 + n) as u8);
        }
        states.push(heap.image(&pool));
        let plan = Plan::of(&heap, base);
        let ring = Arc::new(Ring::new(plan.copies.count()));
        heap.cut(plan.copies.clone(), Arc::clone(&ring));
        heap.copy_some(&pool, u32::MAX);
        let wanted = Wanted {
            folder: "s".into(),
            shard: 0,
            writer: "w".to_owned(),
            offsets: Offsets::from([("topic".to_owned(), at.to_string())]),
            clock: at as f64,
        };
        let written = snapshot::write(&folder, &wanted, &keys(), &plan, &ring, &mut || {}).expect("writes");
        heap.end_cut(true);
        base = Some(written.manifest);
    }
    let files = folder.files().clone();
    Made { files, states }
}

fn apply(files: &mut BTreeMap<String, Vec<u8>>, [what, file, other, low, high, byte]: [u8; CHANGE_BYTES]) {
    let name = |n: u8| files.keys().nth(usize::from(n) % files.len().max(1)).cloned();
    let (Some(file), Some(other)) = (name(file), name(other)) else { return };
    let from = files.get(&other).cloned().unwrap_or_default();
    let Some(content) = files.get_mut(&file) else { return };
    let at = usize::from(u16::from_le_bytes([low, high])) % content.len().max(1);
    match what % 8 {
        0 | 1 => content[at..].iter_mut().take(1).for_each(|old| *old ^= byte.max(1)),
        2 => content.truncate(at),
        3 => content.push(byte),
        4 => *content = from,
        // A part of another file in the place of this one's.
        5 => {
            let end = (at + usize::from(byte) * 32).min(content.len()).min(from.len());
            let start = at.min(end);
            content[start..end].copy_from_slice(&from[start..end]);
        }
        6 => drop(files.remove(&file)),
        _ => drop(files.insert(format!("shard-00.w.{:010}.manifest", byte % 8), from)),
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let change = |what: u8, file: u8, other: u8| [what, file, other, 40, 0, 9].to_vec();
    // Not the segment that every snapshot stands on.
    (0..8).flat_map(|what| [1, 3, 4].map(move |file| change(what, file, file + 1))).collect()
}
