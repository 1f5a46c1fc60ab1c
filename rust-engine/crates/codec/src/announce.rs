use crate::{Labels, Malformed, Reader, SeriesId, series_id};

const VERSION: u8 = 1;
const LABELS_MAX: usize = 256;

/// A series and its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced<'a> {
    /// Hash of the labels.
    pub id: SeriesId,
    /// Sorted by name.
    pub labels: Labels<'a>,
}

/// Encodes announcements; nothing at all for none. Labels are at most 65,535 bytes each.
pub fn encode_announced(series: &[Announced<'_>]) -> Vec<u8> {
    if series.is_empty() {
        return Vec::new();
    }
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&(series.len() as u32).to_le_bytes());
    for one in series {
        bytes.extend_from_slice(&one.id.to_le_bytes());
        bytes.extend_from_slice(&(one.labels.len() as u16).to_le_bytes());
        for text in one.labels.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    bytes
}

/// Decodes announcements; each id must be the hash of its labels.
pub fn announced(bytes: &[u8]) -> Result<Vec<Announced<'_>>, Malformed> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = Reader::new(bytes);
    let version = reader.u8("announced.version")?;
    if version != VERSION {
        return Err(Malformed::new("announced.version", format!("{version}, {VERSION} is known")));
    }
    let count = reader.u32("announced.count")?;
    let mut series = Vec::new();
    for _ in 0..count {
        series.push(one(&mut reader)?);
    }
    if reader.left() != 0 {
        return Err(Malformed::new("announced", format!("{} bytes after its end", reader.left())));
    }
    Ok(series)
}

fn one<'a>(reader: &mut Reader<'a>) -> Result<Announced<'a>, Malformed> {
    let id = SeriesId::from_le_bytes(reader.array("announced.id")?);
    let count = usize::from(reader.u16("announced.labels")?);
    if count > LABELS_MAX {
        return Err(Malformed::new("announced.labels", format!("{count}, at most {LABELS_MAX}")));
    }
    let mut labels: Labels<'a> = Vec::with_capacity(count);
    for _ in 0..count {
        let name_bytes = usize::from(reader.u16("announced.name")?);
        let name = reader.text("announced.name", name_bytes)?;
        let value_bytes = usize::from(reader.u16("announced.value")?);
        labels.push((name, reader.text("announced.value", value_bytes)?));
    }
    if labels.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err(Malformed::new("announced.labels", "not sorted by name"));
    }
    if series_id(&labels) != id {
        return Err(Malformed::new("announced.id", "not the hash of its labels"));
    }
    Ok(Announced { id, labels })
}
