use crate::announce::{Announced, encode_announced};
use crate::block::{Encoded, TIME_MAX, encode_blocks};
use crate::protobuf::{Content, each_field};
use crate::{Labels, Malformed, SeriesId, series_id};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Labels of a series are announced again after this time.
const ANNOUNCE_EVERY_MS: i64 = 60 * 60 * 1000;
/// Series remembered as announced; above it all are forgotten and announced anew, which is harmless.
const REMEMBERED_MAX: usize = 500_000;
/// Labels that may tell what a target belongs to.
const TARGET_LABELS: [&str; 22] = [
    "job",
    "instance",
    "service",
    "service_name",
    "service_namespace",
    "service_instance_id",
    "environment",
    "deployment_environment",
    "deployment_environment_name",
    "namespace",
    "pod",
    "container",
    "app",
    "app_kubernetes_io_name",
    "app_kubernetes_io_instance",
    "k8s_namespace_name",
    "k8s_pod_name",
    "k8s_deployment_name",
    "k8s_statefulset_name",
    "k8s_daemonset_name",
    "cluster",
    "k8s_cluster_name",
];

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

/// The samples of one target, or as many of them as fit a block.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// `{instance="…",job="…"}`
    pub target: String,
    /// Target labels on which all its series agree.
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

/// Decodes requests and remembers which series it announced.
#[derive(Debug)]
pub struct RemoteWriteDecoder {
    limits: Limits,
    announced: HashMap<String, HashMap<SeriesId, i64>>,
    remembered: usize,
}

/// The series of one target in a request.
#[derive(Default)]
struct Group<'a> {
    columns: HashMap<SeriesId, u32>,
    series: Vec<Announced<'a>>,
    samples: Vec<(i64, u32, f64)>,
}

impl RemoteWriteDecoder {
    /// A decoder that has announced nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, announced: HashMap::new(), remembered: 0 }
    }

    /// Decodes a body (snappy block, protobuf WriteRequest): one batch for each target, several in the order of time for
    /// one with more timestamps than a block may have. The first one announces.
    pub fn decode(&mut self, body: &[u8], now_ms: i64) -> Result<Vec<Batch>, Malformed> {
        let message = self.decompress(body)?;
        let groups = self.read_request(&message)?;
        Ok(groups.into_iter().flat_map(|(target, group)| self.batches(target, group, now_ms)).collect())
    }

    /// Announces the series of a target again with its next batch: their announcement was lost.
    pub fn forget(&mut self, target: &str) {
        if let Some(series) = self.announced.remove(target) {
            self.remembered -= series.len();
        }
    }

    fn decompress(&self, body: &[u8]) -> Result<Vec<u8>, Malformed> {
        let refused = |error: snap::Error| Malformed::new("body", error.to_string());
        let bytes = snap::raw::decompress_len(body).map_err(refused)?;
        if bytes > self.limits.decoded_bytes_max {
            let reason = format!("{bytes} bytes decompressed, at most {}", self.limits.decoded_bytes_max);
            return Err(Malformed::new("body", reason));
        }
        snap::raw::Decoder::new().decompress_vec(body).map_err(refused)
    }

    fn read_request<'a>(&self, message: &'a [u8]) -> Result<BTreeMap<String, Group<'a>>, Malformed> {
        let mut groups: BTreeMap<String, Group<'a>> = BTreeMap::new();
        let (mut series, mut samples) = (0, 0);
        let mut points: Vec<(i64, f64)> = Vec::new();
        each_field("request", message, |field, content| {
            // 3 is metadata; what else may come is not for us either.
            let (1, Content::Bytes(bytes)) = (field, content) else { return Ok(()) };
            series += 1;
            points.clear();
            let labels = self.read_series(bytes, &mut points)?;
            samples += points.len();
            if series > self.limits.series_max {
                return Err(Malformed::new("timeseries", format!("more than {}", self.limits.series_max)));
            }
            if samples > self.limits.samples_max {
                return Err(Malformed::new("samples", format!("more than {}", self.limits.samples_max)));
            }
            if !points.is_empty() {
                groups.entry(target_of(&labels)).or_default().add(labels, &points);
            }
            Ok(())
        })?;
        Ok(groups)
    }

    fn read_series<'a>(&self, bytes: &'a [u8], points: &mut Vec<(i64, f64)>) -> Result<Labels<'a>, Malformed> {
        let mut labels: Labels<'a> = Vec::with_capacity(16);
        let mut label_bytes = 0;
        each_field("timeseries", bytes, |field, content| {
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
            if label_bytes > self.limits.label_bytes_max.min(usize::from(u16::MAX)) || labels.len() > 256 {
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

    fn batches(&mut self, target: String, group: Group<'_>, now_ms: i64) -> Vec<Batch> {
        let Group { series, samples, .. } = group;
        if self.remembered > REMEMBERED_MAX {
            self.announced.clear();
            self.remembered = 0;
        }
        let known = self.announced.entry(target.clone()).or_default();
        let mut fresh = Vec::new();
        for one in &series {
            let last = known.get(&one.id).copied();
            if last.is_none_or(|last| now_ms - last >= ANNOUNCE_EVERY_MS) {
                self.remembered += usize::from(known.insert(one.id, now_ms).is_none());
                fresh.push(one.clone());
            }
        }
        let ids: Vec<SeriesId> = series.iter().map(|one| one.id).collect();
        let labels = target_labels(&series);
        let mut announced = encode_announced(&fresh);
        let batch = |Encoded { block, samples, latest_ms }| Batch {
            target: target.clone(),
            labels: labels.clone(),
            samples,
            series: ids.len(),
            latest_ms,
            announced: std::mem::take(&mut announced),
            block,
        };
        encode_blocks(&ids, samples).into_iter().map(batch).collect()
    }
}

impl<'a> Group<'a> {
    fn add(&mut self, labels: Labels<'a>, points: &[(i64, f64)]) {
        let id = series_id(&labels);
        let next = self.series.len() as u32;
        let column = *self.columns.entry(id).or_insert(next);
        if column == next {
            self.series.push(Announced { id, labels });
        }
        self.samples.extend(points.iter().map(|(time, value)| (*time, column, *value)));
    }
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
    if !(0..=TIME_MAX).contains(&time) {
        return Err(Malformed::new("timestamp", format!("{time} is out of range")));
    }
    Ok((time, value))
}

/// Identity of the target: job and instance; `{}` where a series has neither.
fn target_of(labels: &Labels<'_>) -> String {
    let of = |wanted: &str| labels.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let parts: Vec<String> = ["instance", "job"]
        .into_iter()
        .filter_map(|name| of(name).map(|value| format!("{name}=\"{}\"", escape(value))))
        .collect();
    format!("{{{}}}", parts.join(","))
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// What all series of a target say alike: a label on which they differ (pods seen by one exporter) is not the target's.
fn target_labels(series: &[Announced<'_>]) -> BTreeMap<String, String> {
    let Some((first, others)) = series.split_first() else { return BTreeMap::new() };
    let shared = first.labels.iter().filter(|label| TARGET_LABELS.contains(&label.0));
    let agreed = shared.filter(|label| others.iter().all(|other| other.labels.binary_search(label).is_ok()));
    agreed.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
