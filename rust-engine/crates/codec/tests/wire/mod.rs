//! Remote write as bytes.
#![allow(dead_code)] // each test binary uses a part

pub fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

pub fn sample(time: i64, value: f64) -> Vec<u8> {
    let mut out = vec![1 << 3 | 1];
    out.extend_from_slice(&value.to_le_bytes());
    out.push(2 << 3);
    let mut time = time as u64;
    while time >= 0x80 {
        out.push(time as u8 | 0x80);
        time >>= 7;
    }
    out.push(time as u8);
    field(2, &out)
}

pub fn label((name, value): &(&str, &str)) -> Vec<u8> {
    field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat())
}

/// Labels first, as senders write it.
pub fn timeseries(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Vec<u8> {
    let mut bytes: Vec<u8> = labels.iter().flat_map(label).collect();
    bytes.extend(samples.iter().flat_map(|(time, value)| sample(*time, *value)));
    field(1, &bytes)
}

pub fn body(series: &[Vec<u8>]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(&series.concat()).expect("compresses")
}
