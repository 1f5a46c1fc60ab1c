use crate::Malformed;
use crate::announce::{Announced, encode_announced};
use crate::block::{Encoded, encode_blocks};
use crate::known::{Known, Target};
use crate::protobuf::{Content, each_field};
use crate::time_series::{LabelRun, read_samples, read_series};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of a decompressed request that are kept for the next one.
const KEPT_BYTES_MAX: usize = 4 << 20;
/// A sample later than this is no sample of a clock that goes right; the consumer would set its whole batch aside.
const AHEAD_MS_MAX: i64 = 10 * 60 * 1000;
/// Bytes of a batch's announcements, and of its block: a Kafka record of 1 MiB holds both.
const PART_BYTES_MAX: usize = 448 << 10;
/// What a listed sample takes in a block, and an id.
const PLACE_BYTES: usize = 16;
/// What a series announces at most.
const LABELS_BYTES_MAX: usize = 66 << 10;
/// Timestamps in which the engine takes nothing for late.
const SHORT_ROWS: usize = 128;

/// What a request may hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Series of a request.
    pub series_max: usize,
    /// Samples of a request.
    pub samples_max: usize,
    /// Bytes after decompression.
    pub decoded_bytes_max: usize,
    /// Bytes of the label names and values of one series.
    pub label_bytes_max: usize,
}

/// What a request held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// In the order of their targets.
    pub batches: Vec<Batch>,
    /// Samples left out because they are too far ahead of the clock.
    pub ahead: usize,
}

/// The samples of one target, or as many of them as fit a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Its identity labels as text, e.g. `{instance="…",job="…"}`
    pub target: String,
    /// Its identity labels.
    pub labels: BTreeMap<String, String>,
    /// Samples in the block.
    pub samples: usize,
    /// Series in the block.
    pub series: usize,
    /// Largest timestamp.
    pub latest_ms: i64,
    /// Label sets to announce.
    #[serde(skip)]
    pub announced: Vec<u8>,
    /// The column block.
    #[serde(skip)]
    pub block: Vec<u8>,
}

/// Decodes requests and remembers which series it has read and announced.
#[derive(Debug)]
pub struct RemoteWriteDecoder {
    limits: Limits,
    known: Known,
    /// Number of the request.
    request: u64,
    /// Room for a decompressed request.
    message: Vec<u8>,
}

/// The series of one target in a request.
struct Group<'a> {
    target: u32,
    columns: Vec<Column<'a>>,
    samples: Vec<Sample>,
}

/// A series of a request.
#[derive(Clone, Copy)]
struct Column<'a> {
    series: u32,
    /// The first message that it came in.
    message: &'a [u8],
}

impl RemoteWriteDecoder {
    /// A decoder that has announced nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, known: Known::new(), request: 0, message: Vec::new() }
    }

    /// Decodes a body (snappy block, protobuf WriteRequest): one batch for each target, several where they are too much for
    /// one record: series after series, and of the same series in the order of time.
    pub fn decode(&mut self, body: &[u8], now_ms: i64) -> Result<Decoded, Malformed> {
        let mut message = std::mem::take(&mut self.message);
        let batches = self.decompress(body, &mut message).and_then(|()| self.decode_message(&message, now_ms));
        if message.capacity() <= KEPT_BYTES_MAX {
            self.message = message;
        }
        batches
    }

    /// Announces the series of a target again with its next batch: their announcement was lost.
    pub fn forget(&mut self, target: &str) {
        self.known.forget(target);
    }

    fn decompress(&self, body: &[u8], message: &mut Vec<u8>) -> Result<(), Malformed> {
        let refused = |error: snap::Error| Malformed::new("body", error.to_string());
        let bytes = snap::raw::decompress_len(body).map_err(refused)?;
        if bytes > self.limits.decoded_bytes_max {
            let reason = format!("{bytes} bytes decompressed, at most {}", self.limits.decoded_bytes_max);
            return Err(Malformed::above("body", reason));
        }
        message.resize(bytes, 0);
        let written = snap::raw::Decoder::new().decompress(body, message).map_err(refused)?;
        message.truncate(written);
        Ok(())
    }

    fn decode_message(&mut self, message: &[u8], now_ms: i64) -> Result<Decoded, Malformed> {
        self.known.bound();
        self.request += 1;
        let (mut groups, ahead) = self.read_request(message, now_ms)?;
        groups.sort_by(|a, b| self.name_of(a).cmp(self.name_of(b)));
        let batches = groups.into_iter().flat_map(|group| self.batches(group, now_ms)).collect();
        Ok(Decoded { batches, ahead })
    }

    fn name_of(&self, group: &Group<'_>) -> &str {
        &self.known.targets[group.target as usize].name
    }

    /// The groups, and how many samples were ahead.
    fn read_request<'a>(&mut self, message: &'a [u8], now_ms: i64) -> Result<(Vec<Group<'a>>, usize), Malformed> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let (mut series, mut samples, mut ahead) = (0, 0, 0);
        let mut points: Vec<(i64, f64)> = Vec::new();
        each_field("request", message, |field, content| {
            // 3 is metadata; what else may come is not for us either.
            let (1, Content::Bytes(bytes)) = (field, content) else { return Ok(()) };
            series += 1;
            points.clear();
            let number = self.read_series(bytes, &mut points)?;
            samples += points.len();
            if series > self.limits.series_max {
                return Err(Malformed::above("timeseries", format!("more than {}", self.limits.series_max)));
            }
            if samples > self.limits.samples_max {
                return Err(Malformed::above("samples", format!("more than {}", self.limits.samples_max)));
            }
            let read = points.len();
            points.retain(|(time, _)| time.saturating_sub(now_ms) <= AHEAD_MS_MAX);
            ahead += read - points.len();
            if !points.is_empty() {
                let (group, column) = self.place(&mut groups, number, bytes);
                group.samples.extend(points.iter().map(|(time, value)| (*time, column, *value)));
            }
            Ok(())
        })?;
        Ok((groups, ahead))
    }

    /// Number of the series of a message. Labels that were read before are not read again; whatever is unusual or wrong
    /// is read from the start, so that it is refused as at its first time.
    fn read_series(&mut self, message: &[u8], points: &mut Vec<(i64, f64)>) -> Result<u32, Malformed> {
        let run = LabelRun::of(message);
        let hash = self.known.hash(run.bytes);
        if let Some(number) = self.known.find(hash) {
            if read_samples(run.rest, points) {
                return Ok(number);
            }
            points.clear();
        }
        let labels = read_series(message, self.limits.label_bytes_max, points)?;
        Ok(self.known.learn(&labels, (labels.len() == run.labels).then_some(hash)))
    }

    /// Group and column of a series in this request.
    fn place<'a, 'g>(
        &mut self,
        groups: &'g mut Vec<Group<'a>>,
        number: u32,
        message: &'a [u8],
    ) -> (&'g mut Group<'a>, u32) {
        let series = &mut self.known.series[number as usize];
        let target = &mut self.known.targets[series.target as usize];
        if target.request != self.request {
            (target.request, target.place) = (self.request, groups.len());
            groups.push(Group { target: series.target, columns: Vec::new(), samples: Vec::new() });
        }
        let group = &mut groups[target.place];
        if series.request != self.request {
            (series.request, series.column) = (self.request, group.columns.len() as u32);
            group.columns.push(Column { series: number, message });
        }
        (group, series.column)
    }

    fn batches(&mut self, group: Group<'_>, now_ms: i64) -> Vec<Batch> {
        let Target { name, labels, .. } = &self.known.targets[group.target as usize];
        let (target, labels) = (name.clone(), labels.clone());
        let mut batches = Vec::new();
        for (columns, samples) in parts_of(group) {
            let mut announced = encode_announced(&self.fresh_of(&columns, now_ms));
            let ids: Vec<_> = columns.iter().map(|column| self.known.series[column.series as usize].id).collect();
            let batch = |Encoded { block, samples, latest_ms }| Batch {
                target: target.clone(),
                labels: labels.clone(),
                samples,
                series: ids.len(),
                latest_ms,
                announced: std::mem::take(&mut announced),
                block,
            };
            batches.extend(encode_blocks(&ids, samples, PART_BYTES_MAX).into_iter().map(batch));
        }
        batches
    }

    fn fresh_of<'a>(&mut self, columns: &[Column<'a>], now_ms: i64) -> Vec<Announced<'a>> {
        let mut fresh = Vec::new();
        for column in columns {
            if self.known.announces(column.series, now_ms) {
                let id = self.known.series[column.series as usize].id;
                let labels = read_series(column.message, self.limits.label_bytes_max, &mut Vec::new());
                fresh.push(Announced { id, labels: labels.expect("it was read before") });
            }
        }
        fresh
    }
}

type Sample = (i64, u32, f64);
type Part<'a> = (Vec<Column<'a>>, Vec<Sample>);

/// The group in parts that fit a record each. First by time, since the engine takes what is much older than a target's
/// newest samples for late; within a stretch of time that is short for it, by series.
fn parts_of(group: Group<'_>) -> Vec<Part<'_>> {
    let Group { columns, mut samples, .. } = group;
    // A message is the series' labels and samples: at least as large as what it announces.
    let series_bytes: usize = columns.iter().map(|column| PLACE_BYTES + column.message.len()).sum();
    if series_bytes + samples.len() * PLACE_BYTES <= PART_BYTES_MAX {
        return vec![(columns, samples)];
    }
    let bytes_max = PART_BYTES_MAX / 2;
    let rows_max = if series_bytes > bytes_max { SHORT_ROWS } else { usize::MAX };
    samples.sort_by_key(|(time, column, _)| (*time, *column));
    let mut parts = Vec::new();
    let mut stretch: Vec<Sample> = Vec::new();
    let mut rows = 0;
    for row in samples.chunk_by(|(a, ..), (b, ..)| a == b) {
        if rows == rows_max || (stretch.len() + row.len()) * PLACE_BYTES > bytes_max {
            by_series(&columns, &std::mem::take(&mut stretch), &mut parts);
            rows = 0;
        }
        stretch.extend_from_slice(row);
        rows += 1;
    }
    by_series(&columns, &stretch, &mut parts);
    parts
}

/// Parts of a stretch of time: as many series as fit each.
fn by_series<'a>(columns: &[Column<'a>], samples: &[Sample], parts: &mut Vec<Part<'a>>) {
    let mut of_column: Vec<Vec<Sample>> = columns.iter().map(|_| Vec::new()).collect();
    for sample in samples {
        of_column[sample.1 as usize].push(*sample);
    }
    let mut part: Part<'a> = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for (column, own) in columns.iter().zip(of_column).filter(|(_, own)| !own.is_empty()) {
        let more = PLACE_BYTES + column.message.len().min(LABELS_BYTES_MAX) + own.len() * PLACE_BYTES;
        if bytes > 0 && bytes + more > PART_BYTES_MAX {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += more;
        let at = part.0.len() as u32;
        part.0.push(*column);
        part.1.extend(own.into_iter().map(|(time, _, value)| (time, at, value)));
    }
    if !part.0.is_empty() {
        parts.push(part);
    }
}
