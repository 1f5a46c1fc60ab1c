//! Random events against plain maps: whatever comes late, twice or under a key of another service, what is got, listed and
//! paged is what a naive look at all events gives.

mod buckets;
mod deployments;
mod incidents;
mod known;
mod scores;
mod services;
mod timings;

use paged::{Heap, Space};
use pool::{Pool, PoolOptions};
use proptest::prelude::*;
use store::{DeploymentFilter, IncidentFilter, ListPage, StoreError};

/// Two of one environment, and a name that begins like another one.
const SERVICES: [&str; 4] = ["production/a", "production/ab", "staging/a", "ci/a"];
/// One is longer than what a key takes as it is.
const KEYS: usize = 4;
const TIMES: i64 = 40;

fn key(n: usize) -> String {
    if n == 0 { "k".repeat(300) } else { format!("k{n}") }
}

fn environment(service: &str) -> &str {
    service.split('/').next().unwrap_or_default()
}

fn window() -> impl Strategy<Value = (Option<i64>, Option<i64>)> {
    let bound = || prop::option::of(-1..TIMES + 1);
    (bound(), bound())
}

fn is_within(time: i64, (from, to): (Option<i64>, Option<i64>)) -> bool {
    from.is_none_or(|from| from <= time) && to.is_none_or(|to| time < to)
}

struct Store {
    pool: Pool,
    heap: Heap,
}

impl Store {
    fn open() -> Self {
        let quota = 1024 * 4096;
        let options =
            PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
        let mut pool = Pool::open(&options).expect("options are valid");
        let heap = Heap::create(&mut pool, 0).expect("room");
        Self { pool, heap }
    }

    fn pages(&mut self) -> Space<'_> {
        Space { pool: &mut self.pool, heap: &mut self.heap }
    }
}

#[test]
fn a_page_of_nothing_is_refused() {
    let mut store = Store::open();
    let pages = store.pages();
    let limit = StoreError::RecordInvalid { field: "limit", reason: "0, at least 1".to_owned() };
    assert_eq!(store::deployments(&pages, &DeploymentFilter::default(), 0, None), Err(limit.clone()));
    assert_eq!(store::incidents(&pages, &IncidentFilter::default(), 0, None), Err(limit.clone()));
    assert_eq!(store::services(&pages, 0, None), Err(limit));
}

/// All items, page by page; no page is longer than asked for, and none but the last is empty.
fn read_all<T>(limit: usize, mut page: impl FnMut(Option<&str>) -> Result<ListPage<T>, StoreError>) -> Vec<T> {
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let ListPage { items, cursor: next, exact_from: None } = page(cursor.as_deref()).expect("our own cursor")
        else {
            unreachable!("all of it is kept");
        };
        assert!(items.len() <= limit);
        assert!(found.len() <= 1_000, "paging does not end");
        assert!(!items.is_empty() || next.is_none());
        found.extend(items);
        match next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}
