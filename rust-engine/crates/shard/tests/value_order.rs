//! A pool filled several times over, against a plain map that forgets nothing: what goes is what is worth least, what is
//! counted is what is missing, and everything after `until` is there.

use pool::{PoolError, PoolOptions, Region};
use proptest::prelude::*;
use shard::{Engine, EngineError, Handle, Kind};
use std::collections::{BTreeMap, BTreeSet};
use store::{DeploymentFilter, DeploymentState, IncidentFilter, IncidentState};

const QUOTA: u64 = 160 * 4096;
const HOUR_MS: i64 = 3_600_000;
const HISTORY: [Kind; 5] =
    [Kind::CiRunsSuccessful, Kind::CiRunsFailed, Kind::Changes, Kind::RollingScopes, Kind::Deployments];

fn engine() -> (Engine, Handle) {
    let options =
        PoolOptions { pool_bytes: QUOTA * 4, quota_bytes: [QUOTA; 4], borrow_bytes_max: [QUOTA / 4; 4], shards: 1 };
    let mut engine = Engine::open(&options).expect("options are valid");
    let handle = engine.create(0).expect("room");
    (engine, handle)
}

#[derive(Clone, Copy, Debug)]
struct Event {
    kind: Kind,
    /// Hours before the newest event.
    late: i64,
    /// What begins and is not heard of again.
    open: bool,
}

fn event() -> impl Strategy<Value = Event> {
    let kinds = prop_oneof![
        3 => Just(Kind::CiRunsSuccessful),
        2 => Just(Kind::CiRunsFailed),
        1 => Just(Kind::Changes),
        1 => Just(Kind::RollingScopes),
        2 => Just(Kind::Deployments),
        4 => Just(Kind::Incidents),
        4 => Just(Kind::Resources),
    ];
    (kinds, 0i64..40, prop::bool::weighted(0.2)).prop_map(|(kind, late, open)| Event { kind, late, open })
}

/// Printed as their number: a failure is found again by its seed.
#[derive(Clone)]
struct Events(Vec<Event>);

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} events", self.0.len())
    }
}

fn apply(engine: &mut Engine, handle: Handle, n: usize, event: Event, at: i64) -> Result<(), EngineError> {
    let text = "t".repeat(700);
    let key = format!("k{n}");
    let common = serde_json::json!({ "occurredAt": at, "source": "events", "environment": "production", "key": key,
        "service": "production/shop", "attempt": 1, "name": text, "title": text, "startsAt": at });
    let with = |fields: serde_json::Value| {
        let mut event = common.clone();
        event.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        event.to_string()
    };
    let phase = if event.open { "started" } else { "finished" };
    let run = |subject: &str, conclusion: &str| {
        with(serde_json::json!({ "subject": subject, "phase": phase, "conclusion": conclusion }))
    };
    let json = match event.kind {
        Kind::CiRunsSuccessful => run("ci_run", "success"),
        Kind::CiRunsFailed => run("ci_run", "failure"),
        Kind::Deployments => run("deployment", "failure"),
        Kind::Changes => with(serde_json::json!({ "subject": "change", "phase": "changed", "sha": key, "change": {
                "linesAdded": 3.0, "fileTypes": text } })),
        Kind::Incidents => with(serde_json::json!({ "phase": if event.open { "firing" } else { "resolved" } })),
        Kind::Resources => with(serde_json::json!({ "resource": key, "kind": "node", "attributes": { "text": text } })),
        _ => return engine.rolling_add(handle, &[scope(n)], at, true, 1.0),
    };
    match event.kind {
        Kind::Incidents => engine.apply_incident(handle, &json, 0).map(drop),
        Kind::Resources => engine.apply_infrastructure(handle, &json).map(drop),
        _ => engine.apply_deployment(handle, &json, 0).map(drop),
    }
}

fn scope(n: usize) -> String {
    format!("{n}|{}", "s".repeat(150))
}

/// What was told and never taken back: kind and time of each event, by its number.
#[derive(Default)]
struct Model {
    told: BTreeMap<usize, (Event, i64)>,
}

/// What the engine still has, by the number of its event.
fn kept(engine: &Engine, handle: Handle, model: &Model) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let number = |key: &str| key[1..].parse::<usize>().expect("k and a number");
    let (mut all, mut active) = (BTreeSet::new(), BTreeSet::new());
    for record in engine.deployments(handle, &DeploymentFilter::default(), 10_000, None).expect("lists").items {
        all.insert(number(&record.key));
        if record.state < DeploymentState::Finished {
            active.insert(number(&record.key));
        }
    }
    let firing = IncidentFilter { state: Some(IncidentState::Firing), ..IncidentFilter::default() };
    active.extend(engine.incidents(handle, &firing, 10_000, None).expect("lists").items.iter().map(|i| number(&i.key)));
    let incidents = engine.incidents(handle, &IncidentFilter::default(), 10_000, None).expect("lists").items;
    all.extend(incidents.iter().map(|incident| number(&incident.key)));
    let resources = engine.resources(handle, "production/shop", 10_000).expect("lists");
    all.extend(resources.iter().map(|resource| number(&resource.resource)));
    for (n, (event, _)) in &model.told {
        let mut fields = [0.0; store::ROLLING_WIDTH];
        let there = match event.kind {
            Kind::Changes => engine.change_of(handle, "production/shop", &format!("k{n}")).expect("loaded").is_some(),
            Kind::RollingScopes => {
                engine.rolling_read(handle, &[scope(*n)], 0, &mut fields).expect("loaded");
                fields[0] > 0.0
            }
            _ => false,
        };
        if there {
            all.insert(*n);
        }
    }
    (all, active)
}

fn counts(engine: &Engine, handle: Handle) -> BTreeMap<&'static str, (u64, Option<i64>)> {
    let dropped = engine.dropped(handle).expect("loaded");
    dropped.into_iter().map(|one| (name(one.kind), (one.records, one.until))).collect()
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::CiRunsSuccessful => "successful",
        Kind::CiRunsFailed => "failed",
        Kind::Changes => "changes",
        Kind::RollingScopes => "scopes",
        Kind::Deployments => "deployments",
        Kind::Incidents => "incidents",
        Kind::Resources => "resources",
        Kind::OperationsGivenUp => "given up",
        _ => "other",
    }
}

/// The kind that a record counts as when it goes: one that counted as lost did not fail, as far as is known.
fn goes_as(event: &Event) -> Kind {
    if event.open && event.kind == Kind::CiRunsFailed { Kind::CiRunsSuccessful } else { event.kind }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 0, ..ProptestConfig::default() })]
    #[test]
    fn the_least_valuable_goes_and_is_counted(events in prop::collection::vec(event(), 3000).prop_map(Events)) {
        let (mut engine, handle) = engine();
        let mut model = Model::default();
        let mut before = counts(&engine, handle);
        let (mut clock, mut checked) = (i64::MIN, 0);
        for (n, event) in events.0.iter().enumerate() {
            let at = (n as i64 + 100 - event.late) * HOUR_MS;
            match apply(&mut engine, handle, n, *event, at) {
                Ok(()) => drop(model.told.insert(n, (*event, at))),
                // Only what begins may be refused, and only for want of room among what is active.
                Err(error) => {
                    let full = matches!(error, EngineError::Pool(PoolError::PoolFull { region: Region::ActiveOperations, .. }));
                    prop_assert!(event.open && full, "{error}");
                }
            }
            clock = clock.max(at);
            let now = counts(&engine, handle);
            let of_value = |kind: Kind| now[name(kind)].0 - before[name(kind)].0;
            // Looking is slow: at all that should be rare, at the rest now and then.
            let worth = HISTORY.iter().rposition(|kind| of_value(*kind) > 0);
            if worth.is_some_and(|class| class > 0 || n % 16 == 0) && checked < 60 {
                checked += 1;
                let class = worth.unwrap_or_default();
                let (all, active) = kept(&engine, handle, &model);
                for (m, (other, time)) in model.told.iter().filter(|(m, _)| all.contains(m) && !active.contains(m) && **m != n) {
                    let position = HISTORY.iter().position(|kind| *kind == goes_as(other));
                    prop_assert!(position.is_none_or(|other| other >= class), "{m} is worth less than what went");
                    if position == Some(class) && of_value(HISTORY[class]) == 1 {
                        let until = now[name(HISTORY[class])].1;
                        let earlier = until > before[name(HISTORY[class])].1 && until.is_some_and(|until| *time < until);
                        prop_assert!(!earlier, "{m} is older than what went");
                    }
                }
            }
            before = now;
        }
        let (all, active) = kept(&engine, handle, &model);
        let mut missing: BTreeMap<&str, u64> = BTreeMap::new();
        for (n, (event, at)) in &model.told {
            let kind = goes_as(event);
            if !all.contains(n) {
                *missing.entry(name(kind)).or_default() += 1;
                prop_assert!(Some(*at) <= before[name(kind)].1, "{n} is missing after {:?}", before[name(kind)]);
            }
            if event.open && *at > clock - store::QUIET_MS && event.kind != Kind::Resources {
                let running = active.contains(n) || matches!(event.kind, Kind::Changes | Kind::RollingScopes);
                prop_assert!(running, "{n} was active");
            }
        }
        for kind in HISTORY.into_iter().chain([Kind::Incidents, Kind::Resources]) {
            prop_assert_eq!(missing.get(name(kind)).copied().unwrap_or(0), before[name(kind)].0, "{}", name(kind));
        }
        for kind in [Kind::CiRunsSuccessful, Kind::CiRunsFailed, Kind::Incidents, Kind::Resources, Kind::OperationsGivenUp] {
            prop_assert!(before[name(kind)].0 > 0, "no {} went", name(kind));
        }
    }
}

/// A snapshot carries what was dropped.
#[test]
fn what_was_dropped_moves_with_the_shard() {
    let (mut engine, handle) = engine();
    for n in 0..2_000 {
        let event = Event { kind: Kind::Incidents, late: 0, open: false };
        apply(&mut engine, handle, n, event, n as i64 * HOUR_MS).expect("room");
    }
    engine.note_gap(handle, &[Kind::Samples, Kind::Incidents], 7).expect("loaded");
    let before = counts(&engine, handle);
    assert!(before["incidents"].0 > 500 && before["incidents"].1 > Some(7), "{before:?}");
    let image = engine.image(handle).expect("loaded");
    engine.drop_shard(handle).expect("loaded");
    assert_eq!(engine.memory().dropped.iter().map(|one| one.records).sum::<u64>(), 0);
    let handle = engine.load(0, &image).expect("room");
    assert_eq!(counts(&engine, handle), before);
    let samples = engine.dropped(handle).expect("loaded").into_iter().find(|one| one.kind == Kind::Samples);
    assert_eq!(samples.map(|one| (one.records, one.until)), Some((0, Some(7))));
}
