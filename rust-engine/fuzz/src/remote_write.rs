//! A remote-write request's body, as anybody may post it.

use crate::wire::timeseries;
use crate::{Target, small_engine};
use codec::{Block, Decoded, Limits, RemoteWriteDecoder, announced};
use std::collections::BTreeMap;

/// The target. The first byte says whether the rest is a body or what is in it once it is decompressed.
pub const TARGET: Target =
    Target { name: "remote_write", run, seeds, words: &["__name__", "job", "instance", "service", "namespace"] };

const LIMITS: Limits =
    Limits { series_max: 100, samples_max: 1_000, decoded_bytes_max: 1 << 18, label_bytes_max: 2_000 };
const NOW_MS: i64 = 1_000_000;

/// A request that is taken is within the limits, its batches can be applied, and the second time it holds the same samples.
pub fn run(bytes: &[u8]) -> bool {
    let Some((kind, rest)) = bytes.split_first() else { return false };
    let body = match kind % 2 {
        0 => snap::raw::Encoder::new().compress_vec(rest).expect("compresses"),
        _ => rest.to_vec(),
    };
    let mut decoder = RemoteWriteDecoder::new(LIMITS);
    let Ok(first) = decoder.decode(&body, NOW_MS) else {
        assert!(decoder.decode(&body, NOW_MS).is_err(), "refused, then taken");
        return false;
    };
    let held = samples(&first);
    assert!(first.ahead + held.len() <= LIMITS.samples_max, "{} samples", held.len());
    let again = decoder.decode(&body, NOW_MS).expect("taken, then refused");
    assert!(samples(&again) == held, "other samples the second time");
    let (mut engine, handle) = small_engine::open();
    for batch in first.batches {
        small_engine::taken(engine.apply_metrics(
            handle,
            &batch.target,
            "production/s",
            &batch.announced,
            &batch.block,
        ));
    }
    small_engine::hash(&engine, handle);
    true
}

/// Samples by target, series and time.
fn samples(decoded: &Decoded) -> BTreeMap<(&str, u128, i64), u64> {
    let mut held = BTreeMap::new();
    for batch in &decoded.batches {
        let block = Block::parse(&batch.block).expect("our own");
        let named = announced(&batch.announced).expect("our own");
        assert!(named.len() <= batch.series && block.count() == batch.samples, "the batch says something else");
        block.each(|row, column, value| {
            assert!(block.time(row) <= batch.latest_ms);
            held.insert((batch.target.as_str(), block.id(column), block.time(row)), value.to_bits());
        });
    }
    held
}

fn seeds() -> Vec<Vec<u8>> {
    let many: Vec<(i64, f64)> = (0..200).map(|n| (n * 1_000, n as f64)).collect();
    let plain = [
        timeseries(&[("__name__", "up"), ("job", "a"), ("instance", "b")], &[(1, 1.0), (2, 2.0)]),
        timeseries(&[("__name__", "x"), ("job", "a"), ("service", "s"), ("namespace", "n")], &many),
        timeseries(&[("__name__", "late")], &[(NOW_MS + 700_000, 1.0)]),
    ]
    .concat();
    let body = snap::raw::Encoder::new().compress_vec(&plain).expect("compresses");
    vec![[&[0], plain.as_slice()].concat(), [&[1], body.as_slice()].concat()]
}
