use codec::{Block, encode_blocks};
use paged::{Heap, PageSet, PagesMut, Ring, Space, View};
use pool::{Pool, PoolOptions, Region};
use std::sync::Arc;

pub const TARGET: &str = "{instance=\"host:9100\",job=\"node\"}";

/// One shard in a pool of its own.
pub struct Shard {
    pool: Pool,
    heap: Heap,
}

impl Shard {
    pub fn new() -> Self {
        let quota = 512 << 20;
        let options =
            PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
        let mut pool = Pool::open(&options).expect("options are valid");
        let heap = Heap::create(&mut pool, 0).expect("room");
        Self { pool, heap }
    }

    pub fn apply(&mut self, block: &[u8]) -> series::Applied {
        self.apply_to(TARGET, block)
    }

    pub fn apply_to(&mut self, target: &str, block: &[u8]) -> series::Applied {
        let mut space = self.space();
        let block = Block::parse(block).expect("our own");
        series::apply_metrics(&mut space, target, "production/node", &[], &block).expect("room")
    }

    /// What is done in the background, until nothing is due.
    pub fn repack(&mut self) {
        while let Some(task) = series::next_task(&mut self.space()) {
            series::install(&mut self.space(), task.run()).expect("our own");
        }
    }

    pub fn space(&mut self) -> Space<'_> {
        Space { pool: &mut self.pool, heap: &mut self.heap }
    }

    pub fn view(&self) -> View<'_> {
        View { pool: &self.pool, heap: &self.heap }
    }

    /// Takes pages of its pool and writes something into each.
    pub fn take_pages(&mut self, pages: u32, region: Region) {
        for _ in 0..pages {
            let mut space = self.space();
            let n = space.allocate(region).expect("room");
            space.page_mut(n).fill(n as u8);
        }
    }

    /// Makes a cut of these pages, which come through a ring with room for all that one may hold.
    pub fn cut(&mut self, pages: PageSet) -> Arc<Ring> {
        let ring = Arc::new(Ring::new(pages.count()));
        self.heap.cut(pages, Arc::clone(&ring));
        ring
    }

    /// Copies some pages of the cut.
    pub fn copy_some(&mut self, most: u32) {
        self.heap.copy_some(&self.pool, most);
    }

    pub fn pages(&self) -> u32 {
        self.pool.pages_of(0)
    }
}

/// Ids as far apart as hashes are.
pub fn ids(target: &str, series: usize) -> Vec<u128> {
    (0..series as u128).map(|n| codec::series_id(&[("__name__", target), ("n", &n.to_string())])).collect()
}

/// One block of rows [from, to) of all series; a value that is NaN is left out.
pub fn block(ids: &[u128], times: &[i64], series: &[Vec<f64>], from: usize, to: usize) -> Vec<u8> {
    let mut samples = Vec::with_capacity((to - from) * ids.len());
    for row in from..to {
        let cells = series.iter().enumerate().filter(|(_, values)| !values[row].is_nan());
        samples.extend(cells.map(|(column, values)| (times[row], column as u32, values[row])));
    }
    encode_blocks(ids, samples, usize::MAX).remove(0).block
}
