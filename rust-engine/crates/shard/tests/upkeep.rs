//! What the background does enters no digest, and what it holds may be dropped at any time.

use codec::encode_blocks;
use pool::PoolOptions;
use shard::{Engine, Handle};

fn engine() -> Engine {
    let quota = 4096 * 4096;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 2 };
    Engine::open(&options).expect("options are valid")
}

fn apply(engine: &mut Engine, handle: Handle, from: i64, to: i64) {
    let ids: Vec<u128> = (1..50).collect();
    for time in from..to {
        let samples = (0..49).map(|column| (time * 1_000, column, (time * i64::from(column)) as f64)).collect();
        let block = encode_blocks(&ids, samples, usize::MAX).remove(0).block;
        engine.apply_metrics(handle, "t", "production/shop", &[], &block).expect("room");
    }
}

fn upkeep(engine: &mut Engine, handle: Handle, tasks: usize) -> u64 {
    let mut chunks = 0;
    for _ in 0..tasks {
        let Some(task) = engine.next_task(handle).expect("loaded") else { break };
        chunks += engine.install(handle, task.run()).expect("installed").chunks;
    }
    chunks
}

#[test]
fn one_digest_with_upkeep_cut_off_and_taken_up_by_another_process() {
    let (mut plain, mut kept) = (engine(), engine());
    let (at, mut handle) = (plain.create(0).expect("room"), kept.create(0).expect("room"));
    apply(&mut plain, at, 0, 1_500);
    apply(&mut kept, handle, 0, 700);
    assert!(upkeep(&mut kept, handle, 1) > 0, "some columns of the first 512 rows");
    let image = kept.image(handle).expect("loaded");
    assert!(upkeep(&mut kept, handle, 99) > 0, "the rest of them");
    let mut other = engine();
    handle = other.load(0, &image).expect("room");
    apply(&mut other, handle, 700, 1_500);
    assert_eq!(other.state_hash(handle).expect("loaded"), plain.state_hash(at).expect("loaded"));
    assert!(upkeep(&mut other, handle, 99) > 0);
    assert_eq!(other.state_hash(handle).expect("loaded"), plain.state_hash(at).expect("loaded"));
    apply(&mut plain, at, 1_500, 1_501);
    assert_ne!(other.state_hash(handle).expect("loaded"), plain.state_hash(at).expect("loaded"));
}

#[test]
fn a_task_of_a_dropped_shard_is_nothing_to_its_successor() {
    let mut engine = engine();
    let former = engine.create(0).expect("room");
    apply(&mut engine, former, 0, 700);
    let done = engine.next_task(former).expect("loaded").expect("due").run();
    engine.drop_shard(former).expect("loaded");
    let handle = engine.create(0).expect("room");
    apply(&mut engine, handle, 0, 200);
    let before = engine.state_hash(handle).expect("loaded");
    assert_eq!(engine.install(former, done).expect("nothing"), series::Repacked::default());
    assert_eq!(engine.state_hash(handle).expect("loaded"), before);
    assert!(engine.next_task(handle).expect("loaded").is_none());
}
