//! Thousands of cuts that a writer takes while pages are changed, taken and given back, with small rings, slow and fast writers,
//! and ends in the middle on either side: a writer gets the pages of its cut and nothing else, whoever gives up lets the other
//! side go, and what is written of each cut adds up to the shard. The seed is printed; `ROUNDS` sets how many, `SEED` from which.

use paged::{COPY_BEFORE, COPY_SLOT_BYTES, Copies, Heap, PAGE_BYTES, PageImage, PageNo, PagesMut};
use paged::{Region, Ring, Space, Taken};
use pool::{Pool, PoolOptions};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const ROUNDS: u64 = 4_000;
const PAGES_MAX: u64 = 90;
/// No round takes that long.
const HANGS_AFTER: Duration = Duration::from_secs(30);
/// A writer that is never woken must not help itself.
const PATIENCE: Duration = Duration::from_secs(3_600);

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

type Content = BTreeMap<PageNo, (Region, Vec<u8>)>;

fn content(image: &PageImage) -> Content {
    image.iter().map(|(n, region, page)| (n, (region, page.to_vec()))).collect()
}

/// A shard, and what a reader of all its snapshots would have.
struct World {
    pool: Pool,
    heap: Heap,
    /// What changed since the last cut that was written.
    changed: BTreeSet<PageNo>,
    /// Pages as of that cut.
    written: Content,
}

impl World {
    fn new() -> Self {
        let bytes = 2 * PAGES_MAX * PAGE_BYTES as u64;
        let options = PoolOptions {
            pool_bytes: 2 * bytes,
            quota_bytes: [bytes, bytes, 0, 0],
            borrow_bytes_max: [bytes; 4],
            shards: 1,
        };
        let mut pool = Pool::open(&options).expect("options are valid");
        let heap = Heap::create(&mut pool, 0).expect("room");
        Self { pool, heap, changed: BTreeSet::new(), written: Content::new() }
    }

    /// Changes, takes or gives back a page.
    fn change(&mut self, random: &mut Random) {
        let used: Vec<PageNo> = (0..self.heap.len()).filter(|n| self.heap.is_used(*n)).collect();
        let some = used[random.below(used.len() as u64) as usize];
        let mut space = Space { pool: &mut self.pool, heap: &mut self.heap };
        let kind = random.below(8);
        let n = if kind == 0 && (used.len() as u64) < PAGES_MAX {
            let regions = [Region::InfrastructureState, Region::DeploymentHistory];
            space.allocate(regions[random.below(2) as usize]).expect("room")
        } else if kind == 1 && some != 0 {
            space.free(some);
            some
        } else {
            let at = random.below(PAGE_BYTES as u64) as usize;
            space.page_mut(some)[at] = random.next() as u8;
            some
        };
        self.changed.insert(n);
    }

    fn used(&self) -> BTreeSet<PageNo> {
        (0..self.heap.len()).filter(|n| self.heap.is_used(*n)).collect()
    }

    /// What was written of a cut: all pages of it, or those that changed and with them the ones that went.
    fn take_written(&mut self, whole: bool, changed: &BTreeSet<PageNo>, seen: Content) {
        self.written.retain(|n, _| !whole && !changed.contains(n));
        self.written.extend(seen);
    }
}

/// Who ends a cut before its time, if anybody does, and after how many of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Nobody,
    /// After so many blocks.
    Writer(u64),
    /// The cut is given up.
    Engine(u64),
    /// The shard is dropped.
    Shard(u64),
}

impl Ends {
    fn some(random: &mut Random) -> Self {
        match random.below(9) {
            0 => Self::Writer(random.below(6)),
            1 => Self::Engine(random.below(60)),
            2 => Self::Shard(random.below(60)),
            _ => Self::Nobody,
        }
    }
}

/// As the writer of a snapshot does: it gives the ring up however it ends.
struct LetGo<'a>(&'a Ring);

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes the pages of one cut; all that came, and whether that is all.
fn write(ring: &Ring, asked: &Sender<()>, ends: Ends, pace: Duration, seed: u64) -> (Content, Taken) {
    let (mut seen, mut copies, random) = (Content::new(), Copies::default(), &mut Random(seed));
    let _let_go = LetGo(ring);
    for block in 0.. {
        if ends == Ends::Writer(block) {
            return (seen, Taken::Aborted);
        }
        while ring.wants_slice() {
            // Nobody listens when the engine ended the cut.
            let _ = asked.send(());
        }
        if !pace.is_zero() && random.one_in(3) {
            thread::sleep(pace);
        }
        match ring.take(&mut copies, PATIENCE) {
            Taken::Some => {}
            end => return (seen, end),
        }
        for ((n, region), slot) in copies.places.iter().zip(copies.slots.chunks_exact(COPY_SLOT_BYTES)) {
            let page = slot[COPY_BEFORE..][..PAGE_BYTES].to_vec();
            assert!(seen.insert(*n, (*region, page)).is_none(), "page {n} came twice");
        }
    }
    unreachable!("blocks have no end of their own")
}

/// How many cuts ended in which way, and changes that waited.
#[derive(Debug, Default)]
struct Seen {
    complete: u64,
    by_writer: u64,
    by_engine: u64,
    by_shard: u64,
    waits: u64,
}

fn round(world: &mut World, random: &mut Random, seen: &mut Seen) {
    for _ in 0..random.below(60) {
        world.change(random);
    }
    assert!(world.heap.changed().iter().eq(world.changed.iter().copied()));
    let whole = world.written.is_empty() || random.one_in(6);
    let used = world.used();
    let pages = if whole { used } else { used.intersection(&world.changed).copied().collect() };
    let mut cut = content(&world.heap.image(&world.pool));
    let all = cut.clone();
    cut.retain(|n, _| pages.contains(n));
    let most = if random.one_in(4) { 60 } else { 7 };
    let ring = Arc::new(Ring::with_capacity(1 + random.below(most) as usize));
    world.heap.cut(pages.into_iter().collect(), Arc::clone(&ring));
    let changed = std::mem::take(&mut world.changed);

    let ends = Ends::some(random);
    let pace = Duration::from_micros([0, 0, 0, 20, 200][random.below(5) as usize]);
    let (asked, asks) = mpsc::channel();
    let (got, end) = thread::scope(|scope| {
        let (ring, seed) = (&ring, random.next());
        let writer = scope.spawn(move || write(ring, &asked, ends, pace, seed));
        let (mut changes, unasked) = (random.below(300), random.one_in(2));
        for step in 0.. {
            match ends {
                Ends::Engine(at) if at == step => world.heap.end_cut(false),
                Ends::Shard(at) if at == step => world.heap.drop_pages(&mut world.pool),
                _ if writer.is_finished() => {}
                _ => {
                    if changes > 0 && !random.one_in(4) {
                        changes -= 1;
                        world.change(random);
                    } else if asks.recv_timeout(Duration::from_micros(50)).is_ok() || unasked && random.one_in(20) {
                        // Also unasked: a slice that a writer before asked for.
                        world.heap.copy_some(&world.pool, 1 + random.below(9) as u32);
                    }
                    continue;
                }
            }
            break;
        }
        writer.join().expect("no panic")
    });
    let complete = end == Taken::Complete;
    let came = got.len();
    assert!(complete || end == Taken::Aborted && ends != Ends::Nobody, "{end:?} after {came} pages, {ends:?}");
    assert!(got.iter().all(|(n, page)| cut.get(n) == Some(page)), "a page that is not of the cut");
    assert!(!complete || came == cut.len(), "{came} pages of {}", cut.len());
    seen.waits += ring.waits().count;
    if world.heap.is_empty() {
        seen.by_shard += 1;
        assert_eq!(world.pool.pages_of(0), 0);
        *world = World::new();
        return;
    }
    let written = complete && !matches!(ends, Ends::Engine(_));
    world.heap.end_cut(written);
    if written {
        seen.complete += 1;
        world.take_written(whole, &changed, got);
        assert!(world.written == all, "what is written does not add up to the shard");
    } else {
        seen.by_engine += u64::from(matches!(ends, Ends::Engine(_)));
        seen.by_writer += u64::from(matches!(ends, Ends::Writer(_)));
        world.changed.extend(changed);
    }
}

#[test]
fn a_writer_gets_the_pages_of_its_cut_and_nobody_waits_for_ever() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let rounds = number("ROUNDS").unwrap_or(ROUNDS);
    let seed = number("SEED")
        .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64);
    println!("seed {seed}");
    let at = Arc::new(AtomicU64::new(0));
    let (tell, told) = mpsc::channel();
    let work = {
        let at = Arc::clone(&at);
        move || {
            let (mut world, mut random, mut seen) = (World::new(), Random(seed), Seen::default());
            for _ in 0..rounds {
                round(&mut world, &mut random, &mut seen);
                at.fetch_add(1, Ordering::Relaxed);
                tell.send(()).expect("is waited for");
            }
            seen
        }
    };
    // Threads that wait for each other are told of, and go with the process.
    let thread = thread::spawn(work);
    loop {
        match told.recv_timeout(HANGS_AFTER) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => panic!("round {at:?} of seed {seed} hangs"),
        }
    }
    let seen = thread.join().unwrap_or_else(|_| panic!("round {at:?} of seed {seed}"));
    println!("{seen:?}");
    let Seen { complete, by_writer, by_engine, by_shard, waits } = seen;
    let ends = [complete, by_writer, by_engine, by_shard, waits];
    assert!(ends.iter().all(|count| count * 100 > rounds), "{ends:?} of {rounds}");
}
