//! A cut that a writer takes while its pages change: every page comes once, as it was, and nobody waits for ever.

use paged::{COPY_BEFORE, COPY_SLOT_BYTES, Copies, Heap, PAGE_BYTES, PagesMut, Region, Ring, Space, Taken};
use pool::{Pool, PoolOptions};
use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

const PAGES: u32 = 1_000;

fn world(pages: u32) -> (Pool, Heap) {
    let bytes = 2 * u64::from(pages) * PAGE_BYTES as u64;
    let options =
        PoolOptions { pool_bytes: bytes, quota_bytes: [bytes, 0, 0, 0], borrow_bytes_max: [bytes; 4], shards: 1 };
    let mut pool = Pool::open(&options).expect("options are valid");
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    for n in 1..pages {
        let mut space = Space { pool: &mut pool, heap: &mut heap };
        assert_eq!(space.allocate(Region::InfrastructureState).expect("room"), n);
    }
    (pool, heap)
}

#[test]
fn a_writer_is_let_go_when_a_cut_is_dropped_all_of_whose_pages_came_by_changes() {
    let (mut pool, mut heap) = world(3);
    let ring = Arc::new(Ring::new(3));
    heap.cut((0..3).collect(), Arc::clone(&ring));
    assert!(ring.wants_slice());
    for n in 0..3 {
        Space { pool: &mut pool, heap: &mut heap }.page_mut(n).fill(1);
    }
    let mut copies = Copies::default();
    assert_eq!(ring.take(&mut copies, Duration::from_secs(30)), Taken::Some);
    heap.drop_pages(&mut pool);
    drop(heap);
    let mut end = Taken::Some;
    while end == Taken::Some {
        end = ring.take(&mut copies, Duration::from_secs(30));
    }
    assert_eq!(end, Taken::Aborted);
}

#[test]
fn each_page_comes_once_as_it_was() {
    let (mut pool, mut heap) = world(PAGES);
    for round in 0..40u32 {
        // Small rings and slices, so that both sides meet in every order.
        let ring = Arc::new(Ring::with_capacity(1 + round as usize % 7));
        for n in 0..PAGES {
            Space { pool: &mut pool, heap: &mut heap }.page_mut(n).fill((n + round) as u8);
        }
        heap.cut((0..PAGES).collect(), Arc::clone(&ring));
        let (asked, asks) = mpsc::channel();
        let seen = thread::scope(|scope| {
            let ring = &ring;
            let writer = scope.spawn(move || {
                let (mut seen, mut copies) = (BTreeMap::new(), Copies::default());
                loop {
                    if ring.wants_slice() {
                        asked.send(()).expect("the other side listens");
                    }
                    match ring.take(&mut copies, Duration::from_secs(30)) {
                        Taken::Some => {}
                        Taken::Complete => return seen,
                        end => panic!("{end:?} after {} pages", seen.len()),
                    }
                    for ((n, _), page) in copies.places.iter().zip(copies.slots.chunks(COPY_SLOT_BYTES)) {
                        let page = &page[COPY_BEFORE..][..PAGE_BYTES];
                        assert!(page.iter().all(|byte| *byte == page[0]));
                        assert!(seen.insert(*n, page[0]).is_none(), "page {n} came twice");
                    }
                }
            });
            for (asked, ()) in (0..).zip(asks) {
                Space { pool: &mut pool, heap: &mut heap }.page_mut((asked * 389) % PAGES).fill(255);
                heap.copy_some(&pool, 1 + round % 5);
            }
            writer.join().expect("no panic")
        });
        heap.end_cut(true);
        assert_eq!(seen.len() as u32, PAGES);
        assert!(seen.iter().all(|(n, byte)| *byte == (*n + round) as u8));
        assert!(heap.changed().count() > 0, "what changed since the cut is known");
    }
}
