//! docs/column-block.md: what a MetricBatch carries.

use crate::{Target, small_engine};
use codec::{Block, encode_blocks};

/// The target.
pub const TARGET: Target = Target { name: "column_block", run, seeds, words: &[] };

/// A block that parses can be read whole, and applied once.
pub fn run(bytes: &[u8]) -> bool {
    let Ok(block) = Block::parse(bytes) else { return false };
    let mut seen = 0;
    block.each(|row, column, _| {
        assert!(row < block.rows() && column < block.series(), "{row}, {column}");
        seen += 1;
    });
    assert!(seen == block.count(), "{seen} samples of {}", block.count());
    let times: Vec<i64> = (0..block.rows()).map(|row| block.time(row)).collect();
    assert!(times.is_sorted() && times[0] >= 0, "{times:?}");
    let (mut engine, handle) = small_engine::open();
    let mut apply = || small_engine::taken(engine.apply_metrics(handle, "{}", "production/s", &[], bytes));
    let Some(first) = apply() else { return true };
    let again = apply().expect("there was room for it");
    assert!(again.applied == 0 || first.out_of_order > 0, "{} samples twice", again.applied);
    small_engine::hash(&engine, handle);
    true
}

fn seeds() -> Vec<Vec<u8>> {
    let ids: Vec<u128> = (0..6).map(|n| n * 7 + 1).collect();
    let dense = (0..20).flat_map(|time| (0..6).map(move |column| (time * 15_000, column, time as f64))).collect();
    let sparse = (0..20).map(|time| (time * 15_000, (time % 6) as u32, 0.1)).collect();
    let long = (0..300).map(|time| (time * 15_000, 0, (time % 7) as f64)).collect();
    let blocks = [(ids.as_slice(), dense), (&ids, sparse), (&ids[..1], long)];
    blocks.into_iter().map(|(ids, samples)| encode_blocks(ids, samples, usize::MAX).remove(0).block).collect()
}
