//! What comes in order, or nearly, leaves full pages, also between entries that stay; random keys leave what halving leaves.

use paged::{Heap, Region, Space, Tree};
use pool::{Pool, PoolOptions};

const TREE: Tree = Tree::of(Region::DeploymentHistory);
const ENTRIES: u64 = 20_000;

/// Share of the pages' bytes that the entries take.
fn fill(value_bytes: usize, key_of: impl Fn(u64) -> Vec<u8>) -> f64 {
    let quota = 8192 * 4096;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    let mut pool = Pool::open(&options).expect("options are valid");
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    let mut bytes = 0;
    for n in 0..ENTRIES {
        let key = key_of(n);
        bytes += key.len() + value_bytes + 7;
        TREE.insert(&mut Space { pool: &mut pool, heap: &mut heap }, &key, &vec![7; value_bytes]).expect("room");
    }
    bytes as f64 / (f64::from(pool.pages_of(0)) * 4096.0)
}

/// A number that looks like chance.
fn mixed(n: u64) -> u64 {
    (n ^ (n >> 7)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn grouped(group: u64, order: u64, n: u64) -> Vec<u8> {
    [group.to_be_bytes(), order.to_be_bytes(), n.to_be_bytes()].concat()
}

#[test]
fn pages_stay_full_of_what_comes_about_in_order() {
    let ascending = fill(40, |n| grouped(n % 9, n, n));
    assert!(ascending > 0.85, "ascending in groups: {ascending}");
    let newest_first = fill(40, |n| grouped(n % 9, !n, n));
    assert!(newest_first > 0.85, "descending in groups: {newest_first}");
    let about = fill(40, |n| grouped(n % 9, !(n * 9 + mixed(n) % 200), n));
    assert!(about > 0.80, "about descending in groups: {about}");
    let large = fill(360, |n| grouped(n % 40, n, n));
    assert!(large > 0.80, "large cells, ascending in groups: {large}");
    let random = fill(40, |n| mixed(n).to_be_bytes().to_vec());
    assert!(random > 0.64, "random: {random}");
}
