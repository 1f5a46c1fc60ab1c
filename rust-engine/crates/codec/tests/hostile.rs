//! Decoders give back what was encoded and refuse the rest by name, whatever the bytes.

mod wire;

use codec::{
    Announced, Batch, Block, Limits, RemoteWriteDecoder, announced, encode_announced, encode_blocks, series_id,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use wire::{body, field, timeseries};

const LIMITS: Limits =
    Limits { series_max: 100, samples_max: 1_000, decoded_bytes_max: 1 << 20, label_bytes_max: 1_000 };

fn reason_of(bytes: &[u8]) -> (&'static str, String) {
    let error = RemoteWriteDecoder::new(LIMITS).decode(bytes, 0).expect_err("refused");
    (error.field, error.reason)
}

type Samples = Vec<(i64, u32, f64)>;

fn samples() -> impl Strategy<Value = Samples> {
    prop::collection::vec((0i64..50, 0u32..6, any::<f64>()), 1..120)
}

fn collected(block: &Block<'_>) -> BTreeMap<(i64, u128), u64> {
    let mut found = BTreeMap::new();
    block.each(|row, column, value| {
        found.insert((block.time(row), block.id(column)), value.to_bits());
    });
    found
}

proptest! {
    #[test]
    fn a_block_gives_back_its_samples(samples in samples()) {
        let ids: Vec<u128> = (0..6).map(|n| n * 7 + 1).collect();
        let mut model = BTreeMap::new();
        for (time, column, value) in &samples {
            model.entry((*time, ids[*column as usize])).or_insert(value.to_bits());
        }
        let [encoded] = <[_; 1]>::try_from(encode_blocks(&ids, samples.clone(), usize::MAX)).expect("one block");
        prop_assert_eq!(encoded.samples, model.len());
        prop_assert_eq!(Some(encoded.latest_ms), samples.iter().map(|(time, ..)| *time).max());
        prop_assert_eq!(collected(&Block::parse(&encoded.block).expect("our own")), model);
    }

    #[test]
    fn mutated_blocks_are_refused_or_read(samples in samples(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let ids: Vec<u128> = (0..6).collect();
        let mut bytes = encode_blocks(&ids, samples.clone(), usize::MAX).remove(0).block;
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            if let Ok(block) = Block::parse(bytes) {
                collected(&block);
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Block::parse(&bytes);
        let _ = announced(&bytes);
        let _ = RemoteWriteDecoder::new(LIMITS).decode(&bytes, 0);
        let _ = RemoteWriteDecoder::new(LIMITS).decode(&snap::raw::Encoder::new().compress_vec(&bytes).expect("compresses"), 0);
    }

    #[test]
    fn mutated_requests_are_refused_or_read(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut message = [
            timeseries(&[("__name__", "up"), ("job", "a"), ("instance", "b")], &[(1, 1.0), (2, 2.0)]),
            timeseries(&[("__name__", "down"), ("job", "a")], &[(1, 1.0)]),
        ].concat();
        let at = at.index(message.len());
        message[at] = byte;
        let body = body(&[message]);
        if let Ok(decoded) = RemoteWriteDecoder::new(LIMITS).decode(&body, 0) {
            for batch in decoded.batches {
                collected(&Block::parse(&batch.block).expect("our own"));
                announced(&batch.announced).expect("our own");
            }
        }
    }
}

#[test]
fn a_request_becomes_a_batch_for_each_target() {
    let request = body(&[
        timeseries(
            &[("job", "a"), ("__name__", "up"), ("instance", "b:1"), ("namespace", "n"), ("pod", "p1")],
            &[(5, 1.0)],
        ),
        timeseries(
            &[("__name__", "x"), ("instance", "b:1"), ("job", "a"), ("namespace", "n"), ("pod", "p2")],
            &[(5, 2.0), (6, 3.0)],
        ),
        timeseries(&[("__name__", "lonely")], &[(7, 4.0)]),
        field(3, b"metadata is skipped"),
    ]);
    let mut decoder = RemoteWriteDecoder::new(LIMITS);
    let batches = decoder.decode(&request, 1_000).expect("valid").batches;
    assert_eq!(batches.iter().map(|b| b.target.as_str()).collect::<Vec<_>>(), ["{instance=\"b:1\",job=\"a\"}", "{}"]);
    let shared: Vec<_> = batches[0].labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(shared, [("instance", "b:1"), ("job", "a")], "pods and namespaces tell no service");
    assert_eq!((batches[0].samples, batches[0].series, batches[0].latest_ms), (3, 2, 6));
    let named = announced(&batches[0].announced).expect("our own");
    assert_eq!(named.len(), 2);
    assert_eq!(named[0].labels[0], ("__name__", "up"));

    let again = decoder.decode(&request, 1_000 + 3_599_999).expect("valid").batches;
    assert!(again.iter().all(|batch| batch.announced.is_empty()));
    decoder.forget("{}");
    let lost = decoder.decode(&request, 1_000 + 3_599_999).expect("valid").batches;
    assert_eq!(lost.iter().map(|batch| batch.announced.is_empty()).collect::<Vec<_>>(), [true, false]);
    let hour = decoder.decode(&request, 1_000 + 3_600_000).expect("valid").batches;
    assert!(!hour[0].announced.is_empty());
}

#[test]
fn what_is_wrong_is_named() {
    let up = [("__name__", "up")];
    assert_eq!(reason_of(&[1, 2, 3]).0, "body");
    assert_eq!(
        reason_of(&body(&[timeseries(&[("job", "a")], &[(1, 1.0)])])),
        ("labels", "without __name__".to_owned())
    );
    assert_eq!(reason_of(&body(&[timeseries(&[up[0], up[0]], &[(1, 1.0)])])).0, "labels");
    assert_eq!(reason_of(&body(&[timeseries(&up, &[(-1, 1.0)])])).0, "timestamp");
    assert_eq!(reason_of(&body(&vec![timeseries(&up, &[(1, 1.0)]); 101])).0, "timeseries");
    assert_eq!(reason_of(&body(&[timeseries(&up, &vec![(1, 1.0); 1_001])])).0, "samples");
    assert_eq!(reason_of(&body(&[timeseries(&[up[0], ("l", &"x".repeat(2_000))], &[(1, 1.0)])])).0, "labels");
    assert_eq!(reason_of(&body(&[field(1, &[0xff])])).0, "timeseries");
    // The decoded size is in the first bytes: refused before anything is decompressed.
    assert!(reason_of(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0]).1.contains("at most 1048576"));
}

#[test]
fn announcements_must_be_the_hash_of_their_labels() {
    let labels = vec![("__name__", "up"), ("job", "a")];
    let one = Announced { id: series_id(&labels), labels };
    let bytes = encode_announced(std::slice::from_ref(&one));
    assert_eq!(announced(&bytes).expect("our own"), std::slice::from_ref(&one));
    let forged = encode_announced(&[Announced { id: 5, ..one }]);
    assert_eq!(announced(&forged).expect_err("forged").field, "announced.id");
}

/// What all batches hold, each of which fits a record.
fn held(batches: &[Batch]) -> BTreeMap<(i64, u128), u64> {
    let mut found = BTreeMap::new();
    for batch in batches {
        assert!(batch.block.len() + batch.announced.len() < 960 << 10, "{} bytes", batch.block.len());
        let block = Block::parse(&batch.block).expect("ours");
        assert_eq!((block.count(), block.series()), (batch.samples, batch.series));
        found.extend(collected(&block));
    }
    found
}

#[test]
fn more_samples_of_a_series_than_a_record_may_have_make_several_batches_that_are_read() {
    let labels = [("__name__", "m"), ("job", "j")];
    // Unsorted, and one of them twice.
    let mut samples: Vec<(i64, f64)> = (0..200_000).rev().map(|time| (time, time as f64)).collect();
    samples.push((5, 9.0));
    let other = timeseries(&[("__name__", "n"), ("job", "j")], &[(199_999, 1.0)]);
    let limits = Limits { samples_max: 300_000, decoded_bytes_max: 1 << 23, ..LIMITS };
    let body = body(&[timeseries(&labels, &samples), other]);
    let batches = RemoteWriteDecoder::new(limits).decode(&body, 0).expect("within the limits").batches;
    assert!(batches.windows(2).all(|pair| pair[0].target == pair[1].target && pair[0].labels == pair[1].labels));
    let named: usize = batches.iter().map(|batch| announced(&batch.announced).expect("ours").len()).sum();
    assert_eq!(named, 2);
    let mut wanted: BTreeMap<_, _> =
        (0..200_000).map(|time| ((time, series_id(&labels)), (time as f64).to_bits())).collect();
    wanted.insert((199_999, series_id(&[("__name__", "n"), ("job", "j")])), 1f64.to_bits());
    assert_eq!(held(&batches), wanted);
    // One after the other in time: nothing comes late.
    assert!(batches.windows(2).all(|pair| pair[0].latest_ms < pair[1].latest_ms));
}

#[test]
fn more_series_of_a_target_than_a_record_may_have_make_several_batches_each_announcing_its_own() {
    let long = "v".repeat(500);
    let number = |n: usize| n.to_string();
    let messages: Vec<_> = (0..5_000)
        .map(|n| timeseries(&[("__name__", "m"), ("job", "j"), ("l", &long), ("n", &number(n))], &[(1, n as f64)]))
        .collect();
    let limits = Limits { series_max: 5_000, samples_max: 5_000, decoded_bytes_max: 1 << 23, ..LIMITS };
    let mut decoder = RemoteWriteDecoder::new(limits);
    let batches = decoder.decode(&body(&messages), 0).expect("within the limits").batches;
    for batch in &batches {
        let named: Vec<u128> = announced(&batch.announced).expect("ours").into_iter().map(|one| one.id).collect();
        let block = Block::parse(&batch.block).expect("ours");
        assert_eq!(named, (0..block.series()).map(|column| block.id(column)).collect::<Vec<_>>());
    }
    assert_eq!(held(&batches).len(), 5_000);
    let again = decoder.decode(&body(&messages), 0).expect("within the limits").batches;
    assert_eq!(held(&again), held(&batches));
}

#[test]
fn a_series_belongs_to_the_same_target_whatever_comes_with_it() {
    let of = |service: &'static str| {
        timeseries(&[("__name__", "m"), ("job", "j"), ("n", service), ("service", service)], &[(1, 1.0)])
    };
    let mut decoder = RemoteWriteDecoder::new(LIMITS);
    let mut targets = |messages: &[Vec<u8>]| {
        let batches = decoder.decode(&body(messages), 0).expect("valid").batches;
        batches.into_iter().map(|batch| (batch.target, batch.announced.is_empty())).collect::<Vec<_>>()
    };
    let [a, b] = ["a", "b"].map(|service| format!("{{job=\"j\",service=\"{service}\"}}"));
    assert_eq!(targets(&[of("a")]), [(a.clone(), false)]);
    assert_eq!(targets(&[of("a"), of("b")]), [(a.clone(), true), (b.clone(), false)]);
    assert_eq!(targets(&[of("b")]), [(b, true)]);
}

#[test]
fn samples_far_ahead_of_the_clock_are_left_out_and_counted_and_the_others_are_kept() {
    let minute = 60_000;
    let request = body(&[
        timeseries(&[("__name__", "m"), ("job", "j")], &[(0, 1.0), (10 * minute + 1, 2.0), (10 * minute, 3.0)]),
        timeseries(&[("__name__", "n"), ("job", "j")], &[(11 * minute, 4.0)]),
    ]);
    let decoded = RemoteWriteDecoder::new(LIMITS).decode(&request, 0).expect("valid");
    assert_eq!(decoded.ahead, 2);
    let m = series_id(&[("__name__", "m"), ("job", "j")]);
    assert_eq!(held(&decoded.batches), BTreeMap::from([((0, m), 1f64.to_bits()), ((10 * minute, m), 3f64.to_bits())]));
}
