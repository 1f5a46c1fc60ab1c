//! A group whose last samples are gone is forgotten in steps, and nobody finds it meanwhile.

use codec::{Announced, Block, encode_blocks};
use paged::{Heap, Space};
use pool::{Pool, PoolOptions};
use series::{
    Applied, MatchOp, Matcher, Resolution, apply_metrics, describe, evict_samples, label_values, oldest_samples, series,
};

const SERIES: usize = 240;
const LABELS: usize = 10;

struct Shard {
    pool: Pool,
    heap: Heap,
}

/// Labels of a series, none of which another has.
fn labels_of(one: usize) -> Vec<(String, String)> {
    (0..LABELS).map(|n| (format!("name{n}"), format!("value {n} of {one}"))).collect()
}

fn id(one: usize) -> u128 {
    codec::series_id(&[("n", &one.to_string())])
}

impl Shard {
    fn new() -> Self {
        let quota = 16 << 20;
        let options =
            PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
        let mut pool = Pool::open(&options).expect("options are valid");
        let heap = Heap::create(&mut pool, 0).expect("room");
        Self { pool, heap }
    }

    fn space(&mut self) -> Space<'_> {
        Space { pool: &mut self.pool, heap: &mut self.heap }
    }

    fn scrape(&mut self, time: i64) -> Applied {
        let ids: Vec<u128> = (0..SERIES).map(id).collect();
        let samples = (0..SERIES as u32).map(|column| (time, column, 1.0)).collect();
        let block = encode_blocks(&ids, samples, usize::MAX).remove(0).block;
        let block = Block::parse(&block).expect("our own");
        let labels: Vec<_> = (0..SERIES).map(labels_of).collect();
        let pairs: Vec<Vec<(&str, &str)>> = labels
            .iter()
            .map(|all| all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
            .collect();
        let told: Vec<Announced<'_>> =
            ids.iter().zip(&pairs).map(|(id, labels)| Announced { id: *id, labels: labels.clone() }).collect();
        apply_metrics(&mut self.space(), "t", "production/shop", &told, &block).expect("room")
    }

    /// One step of eviction; the series that went with it.
    fn step(&mut self) -> Option<u32> {
        let oldest = oldest_samples(&self.space(), Resolution::Raw)?;
        let evicted = evict_samples(&mut self.space(), &oldest, &mut None);
        Some(evicted.series.map_or(0, |(service, series)| {
            assert_eq!(service, "production/shop");
            series
        }))
    }

    /// Series in any list, with a matcher, and values of a label.
    fn found(&mut self) -> [usize; 4] {
        let all = series(&self.space(), None, &[], 1_000, None).expect("valid");
        let of_service = series(&self.space(), Some("production/shop"), &[], 1_000, None).expect("valid");
        let like = Matcher { name: "name3".to_owned(), op: MatchOp::Like, value: "value 3.*".to_owned() };
        let like = series(&self.space(), None, &[like], 1_000, None).expect("valid");
        let labelled = all.items.iter().filter(|one| one.labels.len() == LABELS).count();
        assert_eq!((all.truncated, of_service.truncated, like.truncated), (false, false, false));
        assert_eq!(labelled, all.items.len());
        let values = label_values(&self.space(), "production/shop", "name9", 1_000);
        [all.items.len(), of_service.items.len(), like.items.len(), values.items.len()]
    }

    fn described(&mut self) -> usize {
        let mut items = 0;
        describe(&self.space(), |_| items += 1);
        items
    }

    fn reload(&mut self) {
        let image = self.heap.image(&self.pool);
        self.heap.drop_pages(&mut self.pool);
        self.heap = Heap::vacant(0, image.regions().iter().map(Option::is_some));
        for (n, region, page) in image.iter() {
            self.heap.install(&mut self.pool, n, region, page).expect("room");
        }
    }
}

#[test]
fn it_goes_in_steps_and_is_not_found_from_the_first_one_on() {
    let mut shard = Shard::new();
    shard.scrape(1_000);
    assert_eq!(shard.found(), [SERIES; 4]);
    assert_eq!(shard.step(), Some(SERIES as u32));
    let mut steps = 0;
    loop {
        assert_eq!((shard.found(), shard.described()), ([0; 4], 0), "after {steps} steps");
        if steps == 70 {
            shard.reload();
        }
        match shard.step() {
            None => break,
            series => assert_eq!(series, Some(0)),
        }
        steps += 1;
    }
    assert!(steps > SERIES * LABELS / 16, "{steps} steps");
    // The root page, and a leaf with the number of the next group.
    assert!(shard.pool.pages_of(0) <= 2);
}

#[test]
fn a_target_that_sends_again_meanwhile_begins_anew() {
    for after in [1, 2, 60, 152, 157] {
        let mut shard = Shard::new();
        shard.scrape(1_000);
        for _ in 0..after {
            assert!(shard.step().is_some());
        }
        let applied = shard.scrape(2_000);
        assert_eq!((applied.applied, applied.created, applied.unannounced), (SERIES as u64, SERIES as u32, 0));
        while oldest_samples(&shard.space(), Resolution::Raw).is_some_and(|oldest| oldest.time < 2_000) {
            shard.step();
            assert_eq!((shard.found(), shard.described()), ([SERIES; 4], SERIES * 2));
        }
        assert_eq!(shard.scrape(3_000).created, 0);
        while shard.step().is_some() {}
        assert!(shard.pool.pages_of(0) <= 2);
    }
}
