//! The series that a decoder has read before, found again by the bytes of their labels.

use crate::{Labels, SeriesId, series_id};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use xxhash_rust::xxh3::xxh3_128_with_secret;

/// Series remembered; above it all are forgotten and announced anew, which is harmless.
const SERIES_MAX: usize = 500_000;
/// Bytes of targets and target labels remembered; above it the same happens.
const TEXT_BYTES_MAX: usize = 64 << 20;
/// Labels of a series are announced again after this time.
const ANNOUNCE_EVERY_MS: i64 = 60 * 60 * 1000;
const SECRET_BYTES: usize = 192;
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

/// A series.
#[derive(Debug)]
pub struct Series {
    pub id: SeriesId,
    /// Number of its target.
    pub target: u32,
    /// Number of the target labels that it has.
    pub target_labels: u32,
    announced_at: i64,
    /// The target's epoch in which it was announced.
    announced_in: u32,
    /// The request that saw it last, and its column there.
    pub request: u64,
    pub column: u32,
}

/// A target.
#[derive(Debug)]
pub struct Target {
    pub name: String,
    /// Counts the times that its announcements were lost; a series starts in 0.
    epoch: u32,
    /// The request that saw it last, and its place there.
    pub request: u64,
    pub place: usize,
}

type TargetLabels = Vec<(String, String)>;

/// All that is remembered.
#[derive(Debug)]
pub struct Known {
    /// Nobody outside can make two label sets look alike.
    secret: [u8; SECRET_BYTES],
    by_labels: HashMap<u128, u32, RandomState>,
    /// The same labels in another order are one series.
    by_id: HashMap<(SeriesId, u32), u32, RandomState>,
    pub series: Vec<Series>,
    by_name: HashMap<String, u32, RandomState>,
    pub targets: Vec<Target>,
    by_target_labels: HashMap<TargetLabels, u32, RandomState>,
    target_labels: Vec<TargetLabels>,
    text_bytes: usize,
}

impl Known {
    pub fn new() -> Self {
        let state = RandomState::default();
        let mut secret = [0; SECRET_BYTES];
        for (n, part) in secret.chunks_exact_mut(8).enumerate() {
            part.copy_from_slice(&state.hash_one(n).to_le_bytes());
        }
        Self {
            secret,
            by_labels: HashMap::default(),
            by_id: HashMap::default(),
            series: Vec::new(),
            by_name: HashMap::default(),
            targets: Vec::new(),
            by_target_labels: HashMap::default(),
            target_labels: Vec::new(),
            text_bytes: 0,
        }
    }

    /// Forgets all once it is too much.
    pub fn bound(&mut self) {
        if self.by_labels.len().max(self.series.len()) > SERIES_MAX || self.text_bytes > TEXT_BYTES_MAX {
            *self = Self::new();
        }
    }

    /// The hash by which label bytes are found again.
    pub fn hash(&self, labels: &[u8]) -> u128 {
        xxh3_128_with_secret(labels, &self.secret)
    }

    /// The series whose label bytes have this hash.
    pub fn find(&self, hash: u128) -> Option<u32> {
        self.by_labels.get(&hash).copied()
    }

    /// Remembers a series with its (sorted) labels, and by the hash of its label bytes where all of them stand together.
    pub fn learn(&mut self, labels: &Labels<'_>, hash: Option<u128>) -> u32 {
        let id = series_id(labels);
        let target = self.target(target_of(labels));
        let number = match self.by_id.get(&(id, target)) {
            Some(number) => *number,
            None => self.add(id, target, labels),
        };
        if let Some(hash) = hash {
            self.by_labels.insert(hash, number);
        }
        number
    }

    fn add(&mut self, id: SeriesId, target: u32, labels: &Labels<'_>) -> u32 {
        let number = self.series.len() as u32;
        let target_labels = self.target_labels(labels);
        let (announced_at, announced_in, request, column) = (0, 0, 0, 0);
        self.series.push(Series { id, target, target_labels, announced_at, announced_in, request, column });
        self.by_id.insert((id, target), number);
        number
    }

    fn target(&mut self, name: String) -> u32 {
        if let Some(number) = self.by_name.get(&name) {
            return *number;
        }
        let number = self.targets.len() as u32;
        self.text_bytes += 2 * name.len();
        self.by_name.insert(name.clone(), number);
        self.targets.push(Target { name, epoch: 1, request: 0, place: 0 });
        number
    }

    fn target_labels(&mut self, labels: &Labels<'_>) -> u32 {
        let own = labels.iter().filter(|label| TARGET_LABELS.contains(&label.0));
        let own: TargetLabels = own.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if let Some(number) = self.by_target_labels.get(&own) {
            return *number;
        }
        let number = self.target_labels.len() as u32;
        self.text_bytes += own.iter().map(|(name, value)| 2 * (name.len() + value.len())).sum::<usize>();
        self.by_target_labels.insert(own.clone(), number);
        self.target_labels.push(own);
        number
    }

    /// What series with these target labels say alike: a label on which they differ (pods seen by one exporter) is not the
    /// target's.
    pub fn agreed(&self, mut numbers: Vec<u32>) -> BTreeMap<String, String> {
        numbers.sort_unstable();
        numbers.dedup();
        let mut sets = numbers.iter().map(|number| &self.target_labels[*number as usize]);
        let Some(first) = sets.next() else { return BTreeMap::new() };
        let mut agreed: Vec<&(String, String)> = first.iter().collect();
        for other in sets {
            agreed.retain(|label| other.contains(label));
        }
        agreed.into_iter().cloned().collect()
    }

    /// True, and remembered, when a series is to be announced now.
    pub fn announces(&mut self, series: u32, now_ms: i64) -> bool {
        let series = &mut self.series[series as usize];
        let epoch = self.targets[series.target as usize].epoch;
        let due = series.announced_in != epoch || now_ms - series.announced_at >= ANNOUNCE_EVERY_MS;
        if due {
            (series.announced_in, series.announced_at) = (epoch, now_ms);
        }
        due
    }

    /// The announcements of a target were lost.
    pub fn forget(&mut self, target: &str) {
        if let Some(number) = self.by_name.get(target) {
            self.targets[*number as usize].epoch += 1;
        }
    }
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
