//! One TimeSeries message of remote write.

use crate::block::TIME_MAX;
use crate::protobuf::{Content, each_field, varint};
use crate::{Labels, Malformed};

/// First byte of a label field.
const LABEL_KEY: u8 = 1 << 3 | 2;
const LABELS_MAX: usize = 256;

/// The label fields at the front of a message.
pub struct LabelRun<'a> {
    /// Their bytes.
    pub bytes: &'a [u8],
    /// How many they are.
    pub labels: usize,
    /// What follows.
    pub rest: &'a [u8],
}

impl<'a> LabelRun<'a> {
    pub fn of(message: &'a [u8]) -> Self {
        let (mut rest, mut labels) = (message, 0);
        while let Some((&LABEL_KEY, after)) = rest.split_first() {
            let mut after = after;
            let length = varint("", &mut after).ok().and_then(|length| usize::try_from(length).ok());
            let Some((_, next)) = length.and_then(|length| after.split_at_checked(length)) else { break };
            (rest, labels) = (next, labels + 1);
        }
        Self { bytes: &message[..message.len() - rest.len()], labels, rest }
    }
}

/// Adds the samples of what follows a label run; false when that holds another label or is malformed, in which case the
/// whole message has to be read for what it says.
pub fn read_samples(rest: &[u8], points: &mut Vec<(i64, f64)>) -> bool {
    let read = each_field("timeseries", rest, |field, content| match (field, content) {
        (2, Content::Bytes(sample)) => {
            points.push(read_sample(sample)?);
            Ok(())
        }
        (1 | 2, _) => Err(Malformed::new("timeseries", String::new())),
        _ => Ok(()),
    });
    read.is_ok()
}

/// Labels sorted by name; adds the samples to the points.
pub fn read_series<'a>(
    message: &'a [u8],
    label_bytes_max: usize,
    points: &mut Vec<(i64, f64)>,
) -> Result<Labels<'a>, Malformed> {
    let mut labels: Labels<'a> = Vec::with_capacity(16);
    let mut label_bytes = 0;
    each_field("timeseries", message, |field, content| {
        match (field, content) {
            (1, Content::Bytes(label)) => {
                let label = read_label(label)?;
                label_bytes += label.0.len() + label.1.len();
                labels.push(label);
            }
            (2, Content::Bytes(sample)) => points.push(read_sample(sample)?),
            (1 | 2, _) => return Err(Malformed::new("timeseries", format!("field {field} is no message"))),
            _ => {} // exemplars and native histograms
        }
        if label_bytes > label_bytes_max.min(usize::from(u16::MAX)) || labels.len() > LABELS_MAX {
            return Err(Malformed::new("labels", format!("{} labels of {label_bytes} bytes", labels.len())));
        }
        Ok(())
    })?;
    labels.sort_unstable_by_key(|(name, _)| *name);
    if let Some(pair) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Malformed::new("labels", format!("{} twice", pair[0].0)));
    }
    if labels.iter().all(|(name, _)| *name != "__name__") {
        return Err(Malformed::new("labels", "without __name__"));
    }
    Ok(labels)
}

fn read_label(bytes: &[u8]) -> Result<(&str, &str), Malformed> {
    let (mut name, mut value) = ("", "");
    each_field("label", bytes, |field, content| {
        let (1 | 2, Content::Bytes(text)) = (field, content) else { return Ok(()) };
        let text = std::str::from_utf8(text).map_err(|error| Malformed::new("label", error.to_string()))?;
        *(if field == 1 { &mut name } else { &mut value }) = text;
        Ok(())
    })?;
    if name.is_empty() {
        return Err(Malformed::new("label", "without a name"));
    }
    Ok((name, value))
}

fn read_sample(bytes: &[u8]) -> Result<(i64, f64), Malformed> {
    let (time, value) = match usual_sample(bytes) {
        Some(usual) => usual,
        None => any_sample(bytes)?,
    };
    if !(0..=TIME_MAX).contains(&time) {
        return Err(Malformed::new("timestamp", format!("{time} is out of range")));
    }
    Ok((time, value))
}

/// The value, left out where it is 0, then the time: what Prometheus and its kin send.
fn usual_sample(bytes: &[u8]) -> Option<(i64, f64)> {
    let (value, rest) = match bytes.split_first()? {
        (0x09, rest) => {
            let (value, rest) = rest.split_first_chunk()?;
            (f64::from_le_bytes(*value), rest)
        }
        _ => (0.0, bytes),
    };
    let (0x10, mut rest) = rest.split_first()? else { return None };
    let time = varint("sample", &mut rest).ok()?;
    rest.is_empty().then_some((time as i64, value))
}

fn any_sample(bytes: &[u8]) -> Result<(i64, f64), Malformed> {
    let (mut time, mut value) = (0, 0.0);
    each_field("sample", bytes, |field, content| {
        match (field, content) {
            (1, Content::Fixed64(bits)) => value = f64::from_bits(bits),
            (2, Content::Varint(bits)) => time = bits as i64,
            (1 | 2, _) => return Err(Malformed::new("sample", format!("field {field} is of another type"))),
            _ => {}
        }
        Ok(())
    })?;
    Ok((time, value))
}
