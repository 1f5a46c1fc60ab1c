//! Scores in a region that is filled several times over: they go with what they are about, what went is counted, and
//! everything after `until` is there; what is left comes back with the pages.

use pool::PoolOptions;
use shard::{Engine, Handle, Kind};
use store::{DeploymentFilter, SCORE_WIDTH, Subject};

const QUOTA: u64 = 160 * 4096;
const HOUR_MS: i64 = 3_600_000;

fn engine() -> (Engine, Handle) {
    let options = PoolOptions { pool_bytes: QUOTA * 4, quota_bytes: [QUOTA; 4], borrow_bytes_max: [0; 4], shards: 1 };
    let mut engine = Engine::open(&options).expect("options are valid");
    let handle = engine.create(0).expect("room");
    (engine, handle)
}

fn add(engine: &mut Engine, handle: Handle, subject: Subject, n: i64) {
    let fields = [(n * HOUR_MS / 60) as f64, 0.9, 0.8, 1.0, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0];
    let service = format!("production/s{}", n % 3);
    assert!(engine.score_add(handle, &service, subject, &format!("p{n}"), &fields).expect("room"));
}

fn times(engine: &Engine, handle: Handle, subject: Subject) -> Vec<i64> {
    let mut out = vec![0.0; 60_000 * SCORE_WIDTH];
    let window = (i64::MIN, i64::MAX);
    let mut times = Vec::new();
    let mut cursor = None;
    loop {
        let read = engine.scores_read(handle, None, subject, window, cursor.as_deref(), &mut out).expect("loaded");
        times.extend(out.chunks(SCORE_WIDTH).take(read.rows).map(|row| row[0] as i64));
        cursor = read.cursor;
        if cursor.is_none() {
            return times;
        }
    }
}

fn dropped(engine: &Engine, handle: Handle, kind: Kind) -> (u64, Option<i64>) {
    let all = engine.dropped(handle).expect("loaded");
    all.iter().find(|one| one.kind == kind).map(|one| (one.records, one.until)).expect("every kind")
}

#[test]
fn scores_of_runs_go_with_runs_that_failed_and_are_counted() {
    let (mut engine, handle) = engine();
    for n in 0..50 {
        add(&mut engine, handle, Subject::Deployment, n);
    }
    let told = 30_000;
    for n in 0..told {
        add(&mut engine, handle, Subject::CiRun, n);
        if n % 20 == 0 {
            let at = n * HOUR_MS / 60;
            let json = serde_json::json!({ "occurredAt": at, "source": "events", "environment": "production",
                "key": format!("k{n}"), "service": "production/shop", "attempt": 1, "name": "n".repeat(300),
                "subject": "ci_run", "phase": "finished", "conclusion": "failure" });
            engine.apply_deployment(handle, &json.to_string(), at).expect("room");
        }
    }
    assert_eq!(times(&engine, handle, Subject::Deployment).len(), 50);
    assert_eq!(dropped(&engine, handle, Kind::DeploymentScores), (0, None));
    let left = times(&engine, handle, Subject::CiRun);
    let (gone, until) = dropped(&engine, handle, Kind::CiRunScores);
    assert_eq!(left.len() as u64 + gone, told as u64);
    let until = until.expect("some went");
    assert_eq!(left.iter().filter(|at| **at > until).count() as i64, told - 1 - until / (HOUR_MS / 60));
    // Both kinds go day by day, so they reach back about as far.
    let (_, runs_until) = dropped(&engine, handle, Kind::CiRunsFailed);
    let oldest = engine.deployments(handle, &DeploymentFilter::default(), 10_000, None).expect("lists").items;
    assert!(!oldest.is_empty() && !left.is_empty());
    let apart = (runs_until.expect("some went") - until).abs();
    assert!(apart <= 24 * HOUR_MS, "{apart} ms apart");

    let (image, hash) = (engine.image(handle).expect("loaded"), engine.state_hash(handle).expect("loaded"));
    engine.drop_shard(handle).expect("loaded");
    let handle = engine.load(0, &image).expect("room");
    assert_eq!(engine.state_hash(handle).expect("loaded"), hash);
    assert_eq!(times(&engine, handle, Subject::CiRun), left);
}

#[test]
fn the_digest_is_that_of_the_scores_whatever_their_order() {
    let (mut one, here) = engine();
    let (mut other, there) = engine();
    for n in 0..500 {
        add(&mut one, here, Subject::CiRun, n);
        add(&mut other, there, Subject::CiRun, (n * 7 + 3) % 500);
    }
    let hash = one.state_hash(here).expect("loaded");
    assert_eq!(other.state_hash(there).expect("loaded"), hash);
    add(&mut one, here, Subject::CiRun, 500);
    assert_ne!(one.state_hash(here).expect("loaded"), hash);
}
