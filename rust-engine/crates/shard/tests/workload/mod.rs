//! Mixed events and samples from a seed, as many as wanted, and a restore on a thread of its own.

use codec::encode_blocks;
use shard::{Engine, EngineError, Handle, RestoreStep, Restored, restore};
use snapshot::Offsets;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// Batches that the reader is ahead of the engine, as over the bridge.
const AHEAD_MAX: usize = 2;
/// Series of a target.
const SERIES: u32 = 60;
const ROWS: i64 = 2;
/// Targets of a shard.
const TARGETS: u64 = 40;
/// Keys in a round: what comes after it changes what is there.
const KEYS: u64 = 4_000_000;

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// One event of some kind.
pub enum Event {
    /// With the time of the log.
    Deployment(String, i64),
    Incident(String, i64),
    Infrastructure(String),
    Outcome {
        scopes: Vec<String>,
        at: i64,
    },
    Metrics {
        target: String,
        service: String,
        block: Vec<u8>,
    },
}

impl Event {
    /// Bytes as they came.
    pub fn bytes(&self) -> u64 {
        let bytes = match self {
            Self::Deployment(json, _) | Self::Incident(json, _) | Self::Infrastructure(json) => json.len(),
            Self::Outcome { scopes, .. } => scopes.iter().map(String::len).sum(),
            // A sample and its time.
            Self::Metrics { .. } => SERIES as usize * ROWS as usize * 16,
        };
        bytes as u64
    }

    pub fn apply(&self, engine: &mut Engine, handle: Handle) -> Result<(), EngineError> {
        match self {
            Self::Deployment(json, at) => engine.apply_deployment(handle, json, *at).map(drop),
            Self::Incident(json, at) => engine.apply_incident(handle, json, *at).map(drop),
            Self::Infrastructure(json) => engine.apply_infrastructure(handle, json).map(drop),
            Self::Outcome { scopes, at } => engine.rolling_add(handle, scopes, *at, at % 3 == 0, 2.0),
            Self::Metrics { target, service, block } => {
                engine.apply_metrics(handle, target, service, &[], block).map(drop)
            }
        }
    }
}

/// Event number `n` of a shard; `long` bytes of description (and shares of it elsewhere) fill a pool sooner.
pub fn event(n: u64, long: usize) -> Event {
    let mut random = Random(n);
    let (draw, key) = (random.next(), n % KEYS);
    let service = format!("production/s{}", key % 3_000);
    let at = 1_700_000_000_000 + n as i64 * 40;
    let head = |source: &str| {
        format!(
            r#"{{"occurredAt":{at},"source":"{source}","service":"{service}","environment":"production","key":"k{key}""#
        )
    };
    let text = |bytes: usize| format!("{draw:016x}").repeat(bytes / 16);
    match n % 10 {
        0..=3 => {
            // Most are over at once; some run on.
            let (subject, phase) = (if draw % 3 == 0 { "deployment" } else { "ci_run" }, n % 20);
            let phase = if phase == 0 { "started" } else { "finished" };
            let sha = format!("{draw:016x}{draw:016x}{:08x}", n as u32);
            let json = format!(
                r#"{},"subject":"{subject}","phase":"{phase}","attempt":1,"conclusion":"success","name":"{}","branch":"main","workflow":"build","actor":"a{}","sha":"{sha}","change":{{"filesAdded":{},"linesAdded":{}}}}}"#,
                head("github"),
                text(16 + long / 30),
                draw % 90,
                draw % 7,
                draw % 900,
            );
            Event::Deployment(json, at)
        }
        8 if long == 0 || n.is_multiple_of(4) => metrics(n, draw, at, service),
        4 | 5 | 8 | 9 => {
            // Few stay open, and those are short: what is open is never dropped.
            let phase = if draw % 16 == 1 { "firing" } else { "resolved" };
            let description = text(if draw % 2 == 0 { long } else { 160 });
            let json = format!(
                r#"{},"phase":"{phase}","title":"errors","description":"{description}","startsAt":{at}}}"#,
                head("alertmanager")
            );
            Event::Incident(json, at)
        }
        6 => Event::Infrastructure(format!(
            r#"{},"kind":"pod","resource":"pod/p{key}","attributes":{{"image":"{}"}}}}"#,
            head("kubernetes"),
            text(200 + long / 3)
        )),
        _ => Event::Outcome { scopes: vec![format!("ci_run|{service}"), format!("actor|a{}", draw % 20_000)], at },
    }
}

/// What a node exporter says in a remote write: most series repeat themselves, few are noise.
fn metrics(n: u64, draw: u64, at: i64, service: String) -> Event {
    let target = (n / 10) % TARGETS;
    let ids: Vec<u128> = (0..SERIES).map(|column| u128::from(target) << 64 | u128::from(column) << 8 | 1).collect();
    let mut random = Random(draw);
    let mut samples = Vec::with_capacity((i64::from(SERIES) * ROWS) as usize);
    for row in 0..ROWS {
        for column in 0..SERIES {
            let value = match column % 8 {
                0 => (random.next() >> 20) as f64 / 64.0,
                1 => (n * 40) as f64 + (random.next() % 1_000) as f64,
                2 => (n / 997) as f64,
                _ => f64::from(column),
            };
            samples.push((at + row * 15_000, column, value));
        }
    }
    let block = encode_blocks(&ids, samples, usize::MAX).remove(0).block;
    Event::Metrics { target: format!("{{job=\"t{target}\"}}"), service, block }
}

type Call = (RestoreStep, SyncSender<Result<Handle, EngineError>>);

/// Restores shards, each read on a thread of its own, while `between` has its turn after each step. What became of them.
pub fn restore_beside(
    engine: &mut Engine,
    folder: &Path,
    shards: &[u16],
    readers: usize,
    between: &mut dyn FnMut(&mut Engine),
) -> Vec<Restored> {
    let (calls, taken) = sync_channel::<Call>(AHEAD_MAX * readers);
    let turns = std::sync::Mutex::new(shards.iter());
    thread::scope(|scope| {
        let work: Vec<_> = (0..readers)
            .map(|_| {
                let (calls, turns) = (calls.clone(), &turns);
                scope.spawn(move || {
                    let mut restored = Vec::new();
                    while let Some(shard) = { turns.lock().expect("nobody panics").next() } {
                        let step = &mut |step| {
                            let (reply, replied) = sync_channel(1);
                            calls.send((step, reply)).expect("the engine listens");
                            replied.recv().expect("the engine replies")
                        };
                        let key = folder.join("snapshot.key");
                        restored.push(restore(folder, *shard, &Offsets::new(), &key, step).expect("no error"));
                    }
                    restored
                })
            })
            .collect();
        drop(calls);
        for (step, reply) in taken {
            reply.send(engine.restore_step(step)).expect("the reader waits");
            between(engine);
        }
        work.into_iter().flat_map(|reader| reader.join().expect("no panic")).collect()
    })
}
