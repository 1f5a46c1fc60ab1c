//! Remote write as bytes.

pub fn timeseries(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Vec<u8> {
    let label =
        |(name, value): &(&str, &str)| field(1, &[field(1, name.as_bytes()), field(2, value.as_bytes())].concat());
    let mut bytes: Vec<u8> = labels.iter().flat_map(label).collect();
    for (time, value) in samples {
        let sample = [&[1 << 3 | 1], value.to_le_bytes().as_slice(), &[2 << 3], &varint(*time as u64)].concat();
        bytes.extend(field(2, &sample));
    }
    field(1, &bytes)
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], varint(bytes.len() as u64).as_slice(), bytes].concat()
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
