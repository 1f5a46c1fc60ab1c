use crate::clock::median_ns;
use crate::row::Row;
use codec::{Limits, RemoteWriteDecoder};

const SERIES: usize = 500;
const REQUESTS: usize = 40;
const TIME_MS: i64 = 1_700_000_000_000;

/// Remote write: requests of 500 series of one target with 8 labels and one sample each, read before.
pub fn bench() -> Vec<Row> {
    let mut decoder = decoder();
    let bodies = bodies();
    let ns = median_ns(25, || decode(&mut decoder, &bodies));
    let ours = ns / (REQUESTS * SERIES) as f64;
    vec![Row { key: "remoteWriteDecode", unit: "ns CPU a sample", goal: Some(250.0), ours, peer: None }]
}

pub fn decoder() -> RemoteWriteDecoder {
    RemoteWriteDecoder::new(Limits {
        series_max: 2_000,
        samples_max: 10_000,
        decoded_bytes_max: 1 << 24,
        label_bytes_max: 16_384,
    })
}

pub fn bodies() -> Vec<Vec<u8>> {
    (0..REQUESTS as i64).map(|n| body(TIME_MS + n * 15_000)).collect()
}

pub fn decode(decoder: &mut RemoteWriteDecoder, bodies: &[Vec<u8>]) {
    for body in bodies {
        assert_eq!(decoder.decode(body, TIME_MS).map(|decoded| decoded.batches.len()), Ok(1));
    }
}

fn body(time: i64) -> Vec<u8> {
    let request: Vec<u8> = (0..SERIES).flat_map(|n| field(1, &series(n, time))).collect();
    snap::raw::Encoder::new().compress_vec(&request).expect("compresses")
}

fn series(n: usize, time: i64) -> Vec<u8> {
    let labels = [
        ("__name__", format!("node_network_receive_packets_total_{}", n / 10)),
        ("cluster", "production-west".to_owned()),
        ("device", format!("eth{}", n % 10)),
        ("environment", "production".to_owned()),
        ("instance", "host-17.example:9100".to_owned()),
        ("job", "node".to_owned()),
        ("namespace", "monitoring".to_owned()),
        ("pod", "node-exporter-x7k2p".to_owned()),
    ];
    let label =
        |(name, value): &(&str, String)| field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat());
    let mut bytes: Vec<u8> = labels.iter().flat_map(label).collect();
    let mut sample = vec![0x09];
    sample.extend_from_slice(&(n as f64 + time as f64).to_le_bytes());
    sample.push(0x10);
    sample.extend(varint(time as u64));
    bytes.extend(field(2, &sample));
    bytes
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [vec![number << 3 | 2], varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
