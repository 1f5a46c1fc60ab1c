//! The labels of series, announced beside a block.

use crate::{Target, small_engine};
use codec::{Announced, announced, encode_announced, encode_blocks, series_id};

/// The target.
pub const TARGET: Target = Target { name: "announcements", run, seeds, words: &["__name__", "job", "instance"] };

/// Announcements that parse are written as they were read, and name the series of a block.
pub fn run(bytes: &[u8]) -> bool {
    let Ok(named) = announced(bytes) else { return false };
    assert!(named.is_empty() || encode_announced(&named) == bytes, "not written as it was read");
    let mut ids: Vec<u128> = named.iter().map(|one| one.id).chain([1]).collect();
    ids.sort_unstable();
    ids.dedup();
    let samples = (0..ids.len() as u32).map(|column| (1_000, column, 1.0)).collect();
    let block = encode_blocks(&ids, samples, usize::MAX).remove(0).block;
    let (mut engine, handle) = small_engine::open();
    let applied = small_engine::taken(engine.apply_metrics(handle, "{}", "production/s", bytes, &block));
    if applied.is_none() {
        return true;
    }
    let found = engine.series(handle, None, &[], ids.len() + 1, None).expect("no matcher is wrong");
    assert!(found.items.len() <= ids.len(), "{} series of {}", found.items.len(), ids.len());
    small_engine::hash(&engine, handle);
    true
}

fn seeds() -> Vec<Vec<u8>> {
    let labels = [
        vec![("__name__", "up"), ("instance", "i:1"), ("job", "j")],
        vec![("__name__", "http_requests_total"), ("code", "200"), ("job", "j"), ("namespace", "n")],
        vec![],
    ];
    let one = |labels: &Vec<(&'static str, &'static str)>| Announced { id: series_id(labels), labels: labels.clone() };
    vec![encode_announced(&labels.iter().map(one).collect::<Vec<_>>()), encode_announced(&[one(&labels[0])])]
}
