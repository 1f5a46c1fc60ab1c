//! The series that a decoder has read before, found again by the bytes of their labels.

use crate::{Labels, SeriesId, series_id};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use xxhash_rust::xxh3::xxh3_128_with_secret;

/// Series remembered; above it all are forgotten and announced anew, which is harmless.
const SERIES_MAX: usize = 500_000;
/// Bytes of targets remembered; above it the same happens.
const TEXT_BYTES_MAX: usize = 64 << 20;
/// Labels of a series are announced again after this time.
const ANNOUNCE_EVERY_MS: i64 = 60 * 60 * 1000;
const SECRET_BYTES: usize = 192;
/// Labels by which a series is given to a service, job and instance included: series that differ in one of them are different
/// targets, so that what a series belongs to never hangs on what else is in its request. Kept as the gateway reads them.
const IDENTITY_LABELS: [&str; 23] = [
    "app_kubernetes_io_instance",
    "app_kubernetes_io_name",
    "cronjob",
    "daemonset",
    "deployment",
    "deployment_environment",
    "deployment_environment_name",
    "env",
    "environment",
    "instance",
    "job",
    "k8s_app_instance",
    "k8s_app_name",
    "k8s_cronjob_name",
    "k8s_daemonset_name",
    "k8s_deployment_name",
    "k8s_statefulset_name",
    "label_app_kubernetes_io_instance",
    "label_app_kubernetes_io_name",
    "otel_service_name",
    "service",
    "service_name",
    "statefulset",
];

/// A series.
#[derive(Debug)]
pub struct Series {
    pub id: SeriesId,
    /// Number of its target.
    pub target: u32,
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
    /// Its identity labels.
    pub labels: BTreeMap<String, String>,
    /// Counts the times that its announcements were lost; a series starts in 0.
    epoch: u32,
    /// The request that saw it last, and its place there.
    pub request: u64,
    pub place: usize,
}

/// All that is remembered.
#[derive(Debug)]
pub struct Known {
    /// Nobody outside can make two label sets look alike.
    secret: [u8; SECRET_BYTES],
    by_labels: HashMap<u128, u32, RandomState>,
    /// The same labels in another order are one series.
    by_id: HashMap<SeriesId, u32, RandomState>,
    pub series: Vec<Series>,
    by_name: HashMap<String, u32, RandomState>,
    pub targets: Vec<Target>,
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
        let number = match self.by_id.get(&id) {
            Some(number) => *number,
            None => self.add(id, labels),
        };
        if let Some(hash) = hash {
            self.by_labels.insert(hash, number);
        }
        number
    }

    fn add(&mut self, id: SeriesId, labels: &Labels<'_>) -> u32 {
        let number = self.series.len() as u32;
        let target = self.target(labels);
        self.series.push(Series { id, target, announced_at: 0, announced_in: 0, request: 0, column: 0 });
        self.by_id.insert(id, number);
        number
    }

    fn target(&mut self, labels: &Labels<'_>) -> u32 {
        let identity = labels.iter().filter(|label| IDENTITY_LABELS.binary_search(&label.0).is_ok());
        let labels: BTreeMap<String, String> =
            identity.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let name = target_of(&labels);
        if let Some(number) = self.by_name.get(&name) {
            return *number;
        }
        let number = self.targets.len() as u32;
        self.text_bytes += 3 * name.len();
        self.by_name.insert(name.clone(), number);
        self.targets.push(Target { name, labels, epoch: 1, request: 0, place: 0 });
        number
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

/// Identity of a target as text; `{}` where a series has no identity label.
fn target_of(labels: &BTreeMap<String, String>) -> String {
    let parts: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    format!("{{{}}}", parts.join(","))
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
