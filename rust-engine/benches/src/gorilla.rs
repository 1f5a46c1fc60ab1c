//! The peer: Facebook's Gorilla as the crate `tsz` has it.

use tsz::stream::{BufferedReader, BufferedWriter};
use tsz::{DataPoint, Decode, Encode, StdDecoder, StdEncoder};

pub type Encoder = StdEncoder<BufferedWriter>;

pub fn encoder(start: i64) -> Encoder {
    StdEncoder::new(start as u64, BufferedWriter::new())
}

pub fn encode(times: &[i64], values: &[f64]) -> Box<[u8]> {
    let mut encoder = encoder(times[0]);
    for (time, value) in times.iter().zip(values).filter(|(_, value)| !value.is_nan()) {
        encoder.encode(point(*time, *value));
    }
    encoder.close()
}

pub fn point(time: i64, value: f64) -> DataPoint {
    DataPoint::new(time as u64, value)
}

/// Calls with (time, value) of each sample.
pub fn each(bytes: &[u8], mut sample: impl FnMut(i64, f64)) {
    let mut decoder = StdDecoder::new(BufferedReader::new(bytes.into()));
    while let Ok(point) = decoder.next() {
        sample(point.get_time() as i64, point.get_value());
    }
}
