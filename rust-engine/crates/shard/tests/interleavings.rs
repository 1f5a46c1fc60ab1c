//! Topics have no common order: any interleaving of a shard's logs, cut anywhere and restored from an image or from the files of
//! snapshots, ends in one state.

use codec::{Limits, RemoteWriteDecoder};
use pool::PoolOptions;
use proptest::prelude::*;
use shard::{Engine, Handle};
use snapshot::{Offsets, Wanted};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

fn engine() -> Engine {
    let quota = 4096 * 4096;
    let options =
        PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [quota; 4], shards: 2 };
    Engine::open(&options).expect("options are valid")
}

#[derive(Clone, Debug)]
enum Record {
    Deployment(String),
    Incident(String),
    Infrastructure(String),
    Metrics(i64),
}

fn deployment() -> impl Strategy<Value = String> {
    let phase = prop::sample::select(vec!["requested", "started", "step", "finished", "rolled_back"]);
    let conclusion = prop::sample::select(vec!["success", "failure", "inactive", "cancelled"]);
    (0u32..6, 1u32..4, phase, conclusion, 0i64..10_000, 0u32..3).prop_map(|(key, attempt, phase, conclusion, at, step)| {
        serde_json::json!({
            "occurredAt": at, "source": "github", "service": format!("production/s{}", key % 2), "environment": "production",
            "subject": if key % 3 == 0 { "ci_run" } else { "deployment" }, "phase": phase, "key": format!("k{key}"),
            "attempt": attempt, "conclusion": conclusion, "step": { "key": format!("step{step}"), "state": "completed" },
        })
        .to_string()
    })
}

fn incident() -> impl Strategy<Value = String> {
    let phase = prop::sample::select(vec!["firing", "acknowledged", "resolved"]);
    (0u32..5, phase, 0i64..10_000).prop_map(|(key, phase, at)| {
        serde_json::json!({
            "occurredAt": at, "source": "alertmanager", "service": format!("production/s{}", key % 2),
            "environment": "production", "phase": phase, "key": format!("i{key}"), "title": "t", "startsAt": at,
        })
        .to_string()
    })
}

fn infrastructure() -> impl Strategy<Value = String> {
    (0u32..5, any::<bool>(), 0i64..10_000).prop_map(|(resource, deleted, at)| {
        serde_json::json!({
            "occurredAt": at, "service": "production/s0", "environment": "production",
            "resource": format!("node/{resource}"), "kind": "node", "deleted": deleted, "quantities": { "cores": at },
        })
        .to_string()
    })
}

fn logs() -> impl Strategy<Value = [Vec<Record>; 4]> {
    (
        prop::collection::vec(deployment().prop_map(Record::Deployment), 0..40),
        prop::collection::vec(incident().prop_map(Record::Incident), 0..20),
        prop::collection::vec(infrastructure().prop_map(Record::Infrastructure), 0..20),
        prop::collection::vec((0i64..400).prop_map(Record::Metrics), 0..200),
    )
        .prop_map(|(deployments, incidents, resources, metrics)| [deployments, incidents, resources, metrics])
}

fn metrics_body(time: i64) -> Vec<u8> {
    // Two series of one target, one sample each: protobuf by hand.
    let text = |field: u8, text: &str| [&[field << 3 | 2, text.len() as u8], text.as_bytes()].concat();
    let label = |name: &str, value: &str| {
        let both = [text(1, name), text(2, value)].concat();
        [&[1 << 3 | 2, both.len() as u8], both.as_slice()].concat()
    };
    let series = |name: &str| {
        let time = [time as u8 & 0x7f | 0x80, (time >> 7) as u8];
        let sample = [&[9], 1.5f64.to_le_bytes().as_slice(), &[16], &time].concat();
        let whole = [label("__name__", name), label("job", "j"), vec![2 << 3 | 2, sample.len() as u8], sample].concat();
        [&[1 << 3 | 2, whole.len() as u8], whole.as_slice()].concat()
    };
    snap::raw::Encoder::new().compress_vec(&[series("a"), series("b")].concat()).expect("compresses")
}

fn apply(engine: &mut Engine, handle: Handle, record: &Record, at: i64) {
    match record {
        Record::Deployment(json) => drop(engine.apply_deployment(handle, json, at).expect("valid")),
        Record::Incident(json) => drop(engine.apply_incident(handle, json, at).expect("valid")),
        Record::Infrastructure(json) => {
            engine.apply_infrastructure(handle, json).expect("valid");
        }
        Record::Metrics(time) => {
            let limits = Limits { series_max: 9, samples_max: 9, decoded_bytes_max: 9_999, label_bytes_max: 999 };
            let decoded = RemoteWriteDecoder::new(limits).decode(&metrics_body(*time), 0).expect("valid");
            for batch in decoded.batches {
                let service = "production/s1";
                engine.apply_metrics(handle, &batch.target, service, &batch.announced, &batch.block).expect("valid");
            }
        }
    }
}

/// A consumer of the four topics, which takes them in some order.
struct Consumer<'a> {
    logs: &'a [Vec<Record>; 4],
    order: std::slice::Iter<'a, prop::sample::Index>,
    engine: Engine,
    handle: Handle,
    /// Offsets of what is applied next.
    next: [usize; 4],
}

impl<'a> Consumer<'a> {
    fn new(logs: &'a [Vec<Record>; 4], order: &'a [prop::sample::Index]) -> Self {
        let mut engine = engine();
        let handle = engine.create(0).expect("room");
        Self { logs, order: order.iter(), engine, handle, next: [0; 4] }
    }

    /// Applies the next record of some topic; false when all logs are read.
    fn step(&mut self) -> bool {
        let open: Vec<usize> = (0..4).filter(|topic| self.next[*topic] < self.logs[*topic].len()).collect();
        if open.is_empty() {
            return false;
        }
        let topic = self.order.next().map_or(open[0], |pick| *pick.get(&open));
        let offset = self.next[topic];
        apply(&mut self.engine, self.handle, &self.logs[topic][offset], offset as i64 / 2);
        self.next[topic] += 1;
        true
    }

    fn hash(&self) -> String {
        self.engine.state_hash(self.handle).expect("loaded")
    }

    fn restore_image(&mut self) {
        let image = self.engine.image(self.handle).expect("loaded");
        self.engine.drop_shard(self.handle).expect("loaded");
        self.handle = self.engine.load(0, &image).expect("room");
    }

    /// Writes a snapshot while records go on being applied, and loses the shard; what it held after the cut comes again.
    fn restore_files(&mut self, folder: &Folder) {
        let offsets = (0..4).map(|topic| (format!("topic-{topic}"), self.next[topic].to_string())).collect();
        let (folder, writer) = (folder.0.clone(), "w".to_owned());
        let key_file = folder.join("keys").join("snapshot.key");
        let wanted = Wanted { folder: folder.clone(), shard: 0, writer, offsets, clock: 0.0 };
        let writing = self.engine.begin_snapshot(self.handle, wanted).expect("none is running");
        let result = writing.run(&key_file, &mut || {
            (0..5).for_each(|_| _ = self.step());
            self.engine.copy_slice(self.handle);
        });
        self.engine.finish_snapshot(self.handle, writing, result).expect("writes");
        (0..5).for_each(|_| _ = self.step());
        self.engine.drop_shard(self.handle).expect("loaded");

        let committed: Offsets = (0..4).map(|topic| (format!("topic-{topic}"), "9999".to_owned())).collect();
        let restored = self.engine.restore(&folder, 0, &committed, &key_file).expect("restores");
        assert!(restored.refused.is_empty(), "{:?}", restored.refused);
        let (handle, info) = restored.loaded.expect("it is there");
        self.handle = handle;
        self.next = std::array::from_fn(|topic| info.offsets[&format!("topic-{topic}")].parse().expect("a number"));
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("interleavings-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("temporary folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The state after all records; whenever one of `cuts` more are applied, the shard is lost and restored.
fn run(
    logs: &[Vec<Record>; 4],
    order: &[prop::sample::Index],
    cuts: &[usize],
    mut restore: impl FnMut(&mut Consumer<'_>),
) -> String {
    let mut consumer = Consumer::new(logs, order);
    for cut in cuts {
        if (0..*cut).all(|_| consumer.step()) {
            let before = consumer.hash();
            restore(&mut consumer);
            assert_eq!(consumer.hash(), before);
        }
    }
    while consumer.step() {}
    consumer.hash()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn one_state_whatever_the_interleaving(
        logs in logs(),
        one in prop::collection::vec(any::<prop::sample::Index>(), 0..280),
        other in prop::collection::vec(any::<prop::sample::Index>(), 0..280),
        cuts in prop::collection::vec(0usize..90, 0..5),
    ) {
        let uncut = run(&logs, &other, &[], |_| {});
        prop_assert_eq!(run(&logs, &one, &cuts, |consumer| consumer.restore_image()), uncut.clone());
        let folder = Folder::new();
        prop_assert_eq!(run(&logs, &one, &cuts, |consumer| consumer.restore_files(&folder)), uncut);
    }

    #[test]
    fn a_second_delivery_of_deployments_changes_nothing(log in prop::collection::vec(deployment(), 1..40)) {
        let mut engine = engine();
        let handle = engine.create(0).expect("room");
        for (json, at) in log.iter().zip(0..) {
            engine.apply_deployment(handle, json, at).expect("valid");
        }
        let before = engine.state_hash(handle).expect("loaded");
        for json in &log {
            let again = engine.apply_deployment(handle, json, 1_000).expect("valid");
            prop_assert!(!again.opened && !again.closed);
        }
        prop_assert_eq!(engine.state_hash(handle).expect("loaded"), before);
    }
}
