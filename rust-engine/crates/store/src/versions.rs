//! Bytes of every record version that was shipped are read for ever, and the fields of none change without a new version.
//!
//! A line of a fixture: the name of a kind and a version, then its bytes. What the present engine writes is the last line of
//! its kind; the lines of a version are never changed once it was shipped.

use crate::deployment::StoredDeployment;
use crate::event::{DeploymentEvent, IncidentEvent, InfrastructureEvent};
use crate::incident::StoredIncident;
use crate::keys::Table;
use crate::list::{from_hex, to_hex};
use crate::stored::{decode, encode};
use crate::{ACTIVE, HISTORY, INCIDENTS, INFRASTRUCTURE};
use paged::{Heap, Space, Tree};
use pool::{Pool, PoolOptions};
use serde_json::{Value, json};

const FIXTURES: &str = include_str!("../fixtures/records.txt");

fn fixture(name: &str) -> Vec<u8> {
    let line = FIXTURES.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let bytes: Vec<u8> = line.unwrap_or_else(|| unreachable!("no fixture {name}")).bytes().collect();
    bytes.chunks(64).flat_map(|part| from_hex(std::str::from_utf8(part).expect("hex")).expect("hex")).collect()
}

fn space(pool: &mut Pool) -> Heap {
    Heap::create(pool, 0).expect("room")
}

fn pool() -> Pool {
    let quota = 256 * 4096;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    Pool::open(&options).expect("options are valid")
}

fn deployment(fields: Value) -> DeploymentEvent {
    let mut event = json!({ "occurredAt": 1_000, "source": "github", "service": "production/shop",
        "environment": "production", "subject": "ci_run", "phase": "started", "key": "github:o/r/run/7", "attempt": 1,
        "name": "Build", "workflow": "ci.yml", "repository": "o/r", "branch": "main", "sha": "abc", "actor": "f00d",
        "trigger": "push", "pullRequest": false, "links": ["https://example.org/7"] });
    event.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    DeploymentEvent::parse(&event.to_string()).expect("valid")
}

fn incident(fields: Value) -> IncidentEvent {
    let mut event = json!({ "occurredAt": 1_000, "source": "alertmanager", "service": "production/shop",
        "environment": "production", "phase": "firing", "key": "alertmanager:1", "title": "Slow", "severity": "page",
        "summary": "s", "description": "d", "labels": { "a": "b" }, "annotations": { "c": "d" }, "startsAt": 900,
        "generatorUrl": "https://example.org" });
    event.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    IncidentEvent::parse(&event.to_string()).expect("valid")
}

/// One record of each kind.
fn fill(pages: &mut Space<'_>) {
    let step = json!({ "phase": "step", "conclusion": "failure", "step": { "key": "test", "state": "completed" } });
    let change = json!({ "linesAdded": 3.0, "fileTypes": "rs ts", "dockerfileChanged": true });
    let ended = json!({ "phase": "finished", "conclusion": "failure", "occurredAt": 9_000 });
    let again = json!({ "attempt": 2, "phase": "finished", "conclusion": "success", "occurredAt": 9_500 });
    let pushed = json!({ "subject": "change", "phase": "changed", "key": "c", "change": change });
    for (fields, at) in [(json!({}), 1_100), (step, 2_200), (again, 9_600), (pushed, 9_700), (ended, 9_800)] {
        crate::apply_deployment(pages, &deployment(fields), at).expect("room");
    }
    for (phase, at) in [("firing", 1_100), ("acknowledged", 2_200), ("resolved", 3_300)] {
        let event = incident(json!({ "phase": phase, "occurredAt": at, "title": phase }));
        crate::apply_incident(pages, &event, at).expect("room");
    }
    let node = json!({ "occurredAt": 5, "service": "production/shop", "environment": "production", "resource": "node/1",
        "kind": "node", "attributes": { "zone": "a" }, "quantities": { "cores": 4.0 } });
    let node = InfrastructureEvent::parse(&node.to_string()).expect("valid");
    crate::apply_infrastructure(pages, &node).expect("room");
    // Its logarithm and powers are the same on every machine.
    crate::rolling_add(pages, "scope", 1_000, true, 0.0).expect("room");
    crate::timings_add(pages, "scope", 1_000, &[0.5, 30.0]).expect("room");
    for (at, failed) in [(1_000, false), (2_000, true)] {
        crate::buckets_add(pages, "scope", at, failed).expect("room");
    }
}

/// The first record of a table.
fn first(pages: &Space<'_>, tree: Tree, table: Table) -> (Vec<u8>, Vec<u8>) {
    let mut cursor = tree.seek(pages, &[table as u8]);
    let (key, value) = cursor.next(pages).expect("filled");
    assert_eq!(key[0], table as u8);
    (key.to_vec(), value.into_owned())
}

#[test]
fn what_is_written_is_the_newest_version_of_its_kind() {
    let mut pool = pool();
    let mut heap = space(&mut pool);
    let mut pages = Space { pool: &mut pool, heap: &mut heap };
    fill(&mut pages);
    for (name, tree, table) in [
        ("deployment 2", HISTORY, Table::Deployment),
        ("deployment_past 1", HISTORY, Table::DeploymentPast),
        ("incident 2", INCIDENTS, Table::Incident),
        ("incident_past 1", INCIDENTS, Table::IncidentPast),
        ("change 1", HISTORY, Table::Change),
        ("resource 1", INFRASTRUCTURE, Table::Resource),
        ("service 1", INFRASTRUCTURE, Table::Service),
        ("rolling 1", HISTORY, Table::Rolling),
        ("buckets 1", HISTORY, Table::Buckets),
        ("timings 1", HISTORY, Table::Timings),
    ] {
        let (_, bytes) = first(&pages, tree, table);
        let written = bytes.chunks(32).map(to_hex).collect::<String>();
        assert_eq!(bytes, fixture(name), "fields changed without a new version? Written: {name} {written}");
    }
}

#[test]
fn records_of_version_1_are_read_listed_and_written_anew_when_they_change() {
    let mut pool = pool();
    let mut heap = space(&mut pool);
    let mut pages = Space { pool: &mut pool, heap: &mut heap };
    crate::apply_deployment(&mut pages, &deployment(json!({})), 1_100).expect("room");
    crate::apply_incident(&mut pages, &incident(json!({})), 1_100).expect("room");
    let (key, present) = first(&pages, ACTIVE, Table::Deployment);
    ACTIVE.insert(&mut pages, &key, &fixture("deployment 1")).expect("room");
    let (incident_key, present_incident) = first(&pages, ACTIVE, Table::Incident);
    ACTIVE.insert(&mut pages, &incident_key, &fixture("incident 1")).expect("room");

    let (old, now): (StoredDeployment, StoredDeployment) = (decode(&fixture("deployment 1")), decode(&present));
    assert_eq!(old.record, now.record);
    let (old, now): (StoredIncident, StoredIncident) = (decode(&fixture("incident 1")), decode(&present_incident));
    assert_eq!(old.record, now.record);
    assert_eq!(encode(&old).expect("small")[0], 2);

    let listed = |pages: &Space<'_>, at| {
        let filter = crate::DeploymentFilter { at, ..Default::default() };
        let page = crate::deployments(pages, &filter, 9, None).expect("no cursor");
        page.items.into_iter().map(|record| record.steps.total).collect::<Vec<_>>()
    };
    assert_eq!(listed(&pages, None), [0]);
    // Known since about when it happened.
    assert_eq!([listed(&pages, Some(999)), listed(&pages, Some(1_000))], [vec![], vec![0]]);
    let step = json!({ "phase": "step", "step": { "key": "test", "state": "completed" }, "occurredAt": 2_000 });
    crate::apply_deployment(&mut pages, &deployment(step), 2_100).expect("room");
    let resolved = incident(json!({ "phase": "resolved", "occurredAt": 3_000 }));
    crate::apply_incident(&mut pages, &resolved, 3_100).expect("room");
    assert_eq!(first(&pages, ACTIVE, Table::Deployment).1[0], 2);
    assert_eq!([listed(&pages, Some(2_099)), listed(&pages, Some(2_100))], [[0], [1]]);
    let known =
        |at| crate::incident(&pages, "production/shop", "alertmanager:1", Some(at)).map(|known| known.record.state);
    assert_eq!(
        [known(899), known(3_099), known(3_100)].map(|state| state.map(|state| state as u8)),
        [None, Some(0), Some(2)]
    );
}
