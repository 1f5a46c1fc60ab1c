//! A pool that is full all the time: every event is applied, and what is counted is what is there.

use pool::PoolOptions;
use proptest::prelude::*;
use shard::Engine;
use store::{DeploymentFilter, IncidentFilter, IncidentState};

/// Room for one event in every region, and for less than the events of a case take.
const QUOTA: u64 = 160 * 4096;
/// Between two events: of a week, after which silence counts as the end, more than there is room for.
const APART_MS: i64 = 120 * 60_000;

fn engine() -> Engine {
    let options =
        PoolOptions { pool_bytes: QUOTA * 4, quota_bytes: [QUOTA; 4], borrow_bytes_max: [QUOTA / 4; 4], shards: 1 };
    Engine::open(&options).expect("options are valid")
}

/// Printed as its length: a failure is found again by its seed, not by megabytes of text.
#[derive(Clone)]
struct Events(Vec<Event>);

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} events", self.0.len())
    }
}

#[derive(Clone, Debug)]
enum Event {
    Deployment(String),
    Incident(String),
    Infrastructure(String),
}

fn events() -> impl Strategy<Value = Events> {
    let all = |drawn: Vec<Drawn>| Events(drawn.into_iter().enumerate().map(|(n, drawn)| event(n, drawn)).collect());
    prop::collection::vec(drawn(), 4000).prop_map(all)
}

type Drawn = (u32, u32, u32, &'static str);

fn drawn() -> impl Strategy<Value = Drawn> {
    (0u32..3, 0u32..3000, 1u32..4, prop::sample::select(vec!["requested", "started", "finished", "rolled_back"]))
}

fn event(n: usize, (kind, key, attempt, phase): Drawn) -> Event {
    let at = n as i64 * APART_MS;
    let service = format!("production/s{}", key % 1500);
    let text = "t".repeat(300);
    match kind {
        0 => Event::Deployment(
            serde_json::json!({
                "occurredAt": at, "source": "github", "service": service, "environment": "production",
                "subject": if key % 3 == 0 { "ci_run" } else { "deployment" }, "phase": phase,
                "key": format!("k{key}"), "attempt": attempt, "conclusion": "failure", "name": text,
            })
            .to_string(),
        ),
        1 => Event::Incident(
            serde_json::json!({
                "occurredAt": at, "source": "alertmanager", "service": service, "environment": "production",
                "phase": if phase == "finished" { "resolved" } else { "firing" }, "key": format!("i{key}"),
                "title": text, "startsAt": at,
            })
            .to_string(),
        ),
        _ => Event::Infrastructure(
            serde_json::json!({
                "occurredAt": at, "service": service, "environment": "production", "kind": "node",
                "resource": format!("node/{key}"), "attributes": { "text": text },
            })
            .to_string(),
        ),
    }
}

proptest! {
    // Smaller inputs fill no pool, so there is nothing to shrink to.
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 0, ..ProptestConfig::default() })]
    #[test]
    fn every_event_finds_room_and_the_counts_hold(events in events()) {
        let mut engine = engine();
        let handle = engine.create(0).expect("room");
        for (event, at) in events.0.iter().zip(0..) {
            match event {
                Event::Deployment(json) => {
                    let applied = engine.apply_deployment(handle, json, at).expect("room");
                    if let (true, false, Some(record)) = (applied.opened, applied.closed, applied.record) {
                        engine
                            .attach_prediction(handle, &record.service, &record.key, record.attempt, &"p".repeat(1500))
                            .expect("room");
                    }
                }
                Event::Incident(json) => drop(engine.apply_incident(handle, json, at).expect("room")),
                Event::Infrastructure(json) => drop(engine.apply_infrastructure(handle, json).expect("room")),
            }
        }
        for region in engine.memory().regions {
            prop_assert!(region.evicted > 0, "{} was never full", region.region);
        }
        let firing = IncidentFilter { state: Some(IncidentState::Firing), ..IncidentFilter::default() };
        let firing = engine.incidents(handle, &firing, 10_000, None).expect("lists").items;
        let services = engine.services(handle, 10_000, None).expect("lists").items;
        for service in &services {
            let open = firing.iter().filter(|incident| incident.service == service.service).count();
            prop_assert_eq!(service.open_incidents as usize, open);
        }
        let running = engine.deployments(handle, &DeploymentFilter::default(), 10_000, None).expect("lists").items;
        // What counts as lost is neither running nor open.
        let kept = |name: &str| services.iter().any(|service| service.service == name);
        prop_assert!(firing.iter().all(|incident| kept(&incident.service)));
        let runs = |state| state < store::DeploymentState::Finished;
        prop_assert!(running.iter().filter(|record| runs(record.state)).all(|record| kept(&record.service)));
    }
}
