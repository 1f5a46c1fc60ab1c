//! Operations whose instructions are counted: `npm run check:instructions` runs each of them alone under callgrind.

use crate::shard::Shard;
use crate::{decode, ingest, pages, query, records};
use pool::Region;
use snapshot::{Disk, Offsets, Plan, SnapshotKeys, Wanted};
use std::fs;
use std::path::PathBuf;

const PAIRS: usize = 10_000;
const SNAPSHOT_PAGES: u32 = 1_024;
const SLICE_PAGES: u32 = 128;

/// What is counted; whatever it needs is there already.
type Work = Box<dyn FnMut()>;

/// A name, and what prepares the work.
type Operation = (&'static str, fn() -> Work);

const OPERATIONS: [Operation; 11] = [
    ("pageEmpty", || page_pairs(0)),
    ("page90Full", || page_pairs(90)),
    ("ingestContiguous", || ingest(500, 20, false)),
    ("ingestRandomSeries", || ingest(10_000, 1, true)),
    ("ingestSealing", || ingest(78, 128, false)),
    ("rangeMonthTier", || range(query::TIER_STEP_MS)),
    ("rangeMonthRaw", || range(query::RAW_STEP_MS)),
    ("featureVector", feature_vector),
    ("deploymentApplied", deployments),
    ("remoteWriteDecode", remote_write),
    ("snapshotPages", snapshot_pages),
];

/// Prints their names, one a line.
pub fn list() {
    OPERATIONS.iter().for_each(|(name, _)| println!("{name}"));
}

/// Does one of them once.
pub fn run(wanted: &str) -> Result<(), String> {
    let found = OPERATIONS.iter().find(|(name, _)| *name == wanted);
    let (_, prepare) = found.ok_or_else(|| format!("{wanted} is no operation"))?;
    let mut work = prepare();
    counted_by_callgrind(&mut work);
    Ok(())
}

/// Callgrind counts between its beginning and its end, by its name.
#[inline(never)]
fn counted_by_callgrind(work: &mut Work) {
    work();
    std::hint::black_box(work);
}

fn page_pairs(percent: u64) -> Work {
    let mut pool = pages::filled(percent);
    Box::new(move || {
        for _ in 0..PAIRS {
            let id = pool.allocate_uncleared(0, pages::REGION).expect("room");
            pool.free(id);
        }
    })
}

/// The third of three calls.
fn ingest(series: usize, rows: usize, shuffled: bool) -> Work {
    let [first, second, third] = <[Vec<u8>; 3]>::try_from(ingest::Load::new(series, rows, 3, shuffled).blocks)
        .unwrap_or_else(|blocks| unreachable!("{} blocks of three calls", blocks.len()));
    let mut shard = Shard::new();
    shard.apply(&first);
    shard.apply(&second);
    Box::new(move || assert_eq!(shard.apply(&third).applied, (rows * series) as u64))
}

fn range(step: i64) -> Work {
    let asked = query::averages(step);
    let (shard, _, ids) = query::filled(&query::columns(asked), 2_000);
    let (mut at, mut out) = (vec![0.0; query::POINTS], vec![0.0; query::POINTS]);
    Box::new(move || {
        assert_eq!(series::range(&shard.view(), ids[0], asked, &mut at, &mut out), Ok(query::POINTS));
    })
}

fn feature_vector() -> Work {
    let shard = records::with_features(4_000);
    let scopes = records::scopes(123, 7);
    let mut out = vec![0.0; scopes.len() * store::ROLLING_WIDTH];
    Box::new(move || records::read_features(&shard.view(), &scopes, &mut out))
}

/// The events of a hundred runs after those of a thousand.
fn deployments() -> Work {
    let mut shard = Shard::new();
    for (at, event) in records::events(0..1_000) {
        store::apply_deployment(&mut shard.space(), &event, at).expect("room");
    }
    let events = records::events(1_000..1_100);
    Box::new(move || {
        for (at, event) in &events {
            store::apply_deployment(&mut shard.space(), event, *at).expect("room");
        }
    })
}

fn remote_write() -> Work {
    let mut decoder = decode::decoder();
    let bodies = decode::bodies();
    Box::new(move || decode::decode(&mut decoder, &bodies))
}

/// A whole snapshot: each page copied into the ring, sealed and written.
fn snapshot_pages() -> Work {
    let mut shard = Shard::new();
    shard.take_pages(SNAPSHOT_PAGES, Region::InfrastructureState);
    let plan = Plan::of(shard.view().heap, None);
    let ring = shard.cut(plan.copies.clone());
    let folder = Folder(std::env::temp_dir().join(format!("instructions-{}", std::process::id())));
    let wanted =
        Wanted { folder: folder.0.clone(), shard: 0, writer: "w".to_owned(), offsets: Offsets::new(), clock: 0.0 };
    let keys = SnapshotKeys::from_bytes([7; 32]);
    Box::new(move || {
        let _keep = &folder;
        let mut ask = || shard.copy_some(SLICE_PAGES);
        let written = snapshot::write(&Disk, &wanted, &keys, &plan, &ring, &mut ask).expect("room on the disk");
        assert_eq!(written.pages, plan.copies.count());
    })
}

/// Goes with what is in it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
