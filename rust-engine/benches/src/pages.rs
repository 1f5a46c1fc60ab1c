use crate::clock::median_ns;
use crate::made_up::Random;
use crate::row::Row;
use pool::{PageId, Pool, PoolError, PoolOptions, Region};

const PAIRS: usize = 100_000;
pub const REGION: Region = Region::InfrastructureState;

/// Taking and giving back a page as trees do, which write all that is read of it; and one that comes zeroed, of which most
/// is the 4 KiB of zeros.
pub fn bench() -> Vec<Row> {
    let row = |key, goal, ours| Row { key, unit: "ns CPU a pair", goal, ours, peer: None };
    vec![
        row("pageEmpty", Some(10.0), pair(0, Pool::allocate_uncleared)),
        row("page90Full", Some(40.0), pair(90, Pool::allocate_uncleared)),
        row("pageZeroed90Full", None, pair(90, Pool::allocate)),
    ]
}

fn pair(percent: u64, allocate: impl Fn(&mut Pool, u16, Region) -> Result<PageId, PoolError>) -> f64 {
    let mut pool = filled(percent);
    median_ns(9, || {
        for _ in 0..PAIRS {
            let id = allocate(&mut pool, 0, REGION).expect("room");
            pool.free(id);
        }
    }) / PAIRS as f64
}

/// A pool of which so many pages in a hundred are taken.
pub fn filled(percent: u64) -> Pool {
    let quota = 256u64 << 20;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    let mut pool = Pool::open(&options).expect("options are valid");
    let all = quota / pool::PAGE_BYTES as u64;
    let taken: Vec<PageId> = (0..all).map(|_| pool.allocate(0, REGION).expect("room")).collect();
    let mut random = Random(13);
    for id in taken {
        if random.next() % 100 >= percent {
            pool.free(id);
        }
    }
    pool
}
