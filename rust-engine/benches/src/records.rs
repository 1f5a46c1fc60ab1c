//! Records: the memory that deployments take, lists by a rare outcome, the feature vector of a service.

use crate::clock::{cpu_ns, median_ns};
use crate::row::Row;
use crate::shard::Shard;
use paged::View;
use serde_json::json;
use store::{DeploymentEvent, DeploymentFilter};

const DEPLOYMENTS: usize = 10_000;
const SERVICES: usize = 40;
/// Of a thousand runs, how many fail.
const FAILING: usize = 3;
const START: i64 = 1_700_000_000_000;

pub fn bench() -> Vec<Row> {
    let mut shard = Shard::new();
    let begin = shard.pages();
    let applied = fill(&mut shard);
    let pages = shard.pages() - begin;
    let row = |key, unit, goal, ours| Row { key, unit, goal, ours, peer: None };
    let rare = DeploymentFilter { conclusion: Some("failure".to_owned()), ..DeploymentFilter::default() };
    let staging = DeploymentFilter { environment: Some("staging".to_owned()), ..DeploymentFilter::default() };
    let all = DeploymentFilter::default();
    vec![
        row("deploymentPages", "pages per 10,000", None, f64::from(pages)),
        row("deploymentApplied", "µs per event", None, applied),
        row("featureVector", "µs", Some(2.0), feature_vector()),
        row("listNewest", "µs", None, list(&shard, &all)),
        row("listRareOutcome", "µs", None, list(&shard, &rare)),
        row("listEnvironment", "µs", None, list(&shard, &staging)),
    ]
}

/// Twenty of a list, from its beginning; as many calls as it takes.
fn list(shard: &Shard, filter: &DeploymentFilter) -> f64 {
    median_ns(101, || {
        let (mut found, mut cursor) = (0, None);
        loop {
            let page = store::deployments(&shard.view(), filter, 20, cursor.as_deref()).expect("our own cursor");
            found += page.items.len();
            cursor = page.cursor;
            if found >= 20 || cursor.is_none() {
                break;
            }
        }
    }) / 1e3
}

/// Runs of a CI system, one in ten a deployment; each requested, started, with three jobs, finished; many at a time.
fn fill(shard: &mut Shard) -> f64 {
    let events = events(0..DEPLOYMENTS);
    let ns = cpu_ns(|| {
        for (at, event) in &events {
            store::apply_deployment(&mut shard.space(), event, *at).expect("room");
        }
    });
    ns / 1e3 / events.len() as f64
}

/// All scopes of one prediction, out of those of many services.
fn feature_vector() -> f64 {
    let shard = with_features(20_000);
    let asked = scopes(123, 7);
    let mut out = vec![0.0; asked.len() * store::ROLLING_WIDTH];
    let view = shard.view();
    median_ns(1001, || read_features(&view, &asked, &mut out)) / 1e3
}

/// The scopes of one prediction: each with its starts beside it, and the size of changes.
pub fn scopes(service: usize, variant: usize) -> Vec<String> {
    const KINDS: [&str; 18] = [
        "",
        "|workflow=",
        "|branch=",
        "|actor=",
        "|trigger=",
        "|branch+actor=",
        "|branch+trigger=",
        "|actor+trigger=",
        "|kinds=",
        "|lane=",
        "|kinds+actor=",
        "|size+lane=",
        "|lines+actor=",
        "|change=",
        "|change+trigger=",
        "|change+lane=",
        "|sequence=",
        "|order=",
    ];
    let own = format!("ci_run|ci/service-{service}");
    let outcomes = KINDS.map(|kind| {
        let of = if kind.is_empty() { String::new() } else { format!(".github/workflows/ci.yml|feature/{variant}") };
        format!("{own}{kind}{of}")
    });
    let starts = outcomes.iter().map(|key| format!("{key}|starts"));
    outcomes.iter().cloned().chain(starts).chain([format!("{own}|size")]).collect()
}

/// A shard with so many outcomes of 400 services.
pub fn with_features(outcomes: usize) -> Shard {
    let mut shard = Shard::new();
    for n in 0..outcomes {
        for scope in scopes(n % 400, n % 31) {
            store::rolling_add(&mut shard.space(), &scope, n as i64, n % 9 == 0, (n % 700) as f64).expect("room");
        }
    }
    shard
}

/// The features of one prediction, `ROLLING_WIDTH` for each scope.
pub fn read_features(view: &View<'_>, scopes: &[String], out: &mut [f64]) {
    for (scope, out) in scopes.iter().zip(out.chunks_exact_mut(store::ROLLING_WIDTH)) {
        store::rolling_read(view, scope, 30_000, out);
    }
    std::hint::black_box(&out);
}

/// The events of these runs in the order of their times, which they have beside them.
pub fn events(runs: std::ops::Range<usize>) -> Vec<(i64, DeploymentEvent)> {
    let mut events: Vec<_> = runs.flat_map(course).collect();
    events.sort_by_key(|(at, _)| *at);
    events
}

fn course(n: usize) -> Vec<(i64, DeploymentEvent)> {
    let at = START + n as i64 * 9_000;
    let is_run = !n.is_multiple_of(10);
    let (environment, subject) = match n % 100 {
        0 => ("staging", "deployment"),
        _ if is_run => ("ci", "ci_run"),
        _ => ("production", "deployment"),
    };
    let service = format!("{environment}/service-{}", n * 7 % SERVICES);
    let conclusion = if n * 389 % 1000 < FAILING { "failure" } else { "success" };
    let phases = [("requested", 0), ("started", 15), ("step", 60), ("step", 90), ("step", 200), ("finished", 240)];
    let event = |(i, (phase, after)): (usize, (&str, i64))| {
        let at = at + (after + if after > 0 { n as i64 * 31 % 50 } else { 0 }) * 1_000;
        let json = json!({
            "occurredAt": at, "source": "github", "service": service, "environment": environment, "subject": subject,
            "phase": phase, "key": format!("github:acme/service-{}/run/{}", n * 7 % SERVICES, 9_000_000 + n * 13),
            "attempt": 1, "conclusion": if phase == "finished" { Some(conclusion) } else { None },
            "name": "Build and test", "workflow": ".github/workflows/ci.yml", "repository": format!("acme/service-{}", n * 7 % SERVICES),
            "branch": if n.is_multiple_of(3) { "main".to_owned() } else { format!("feature/{}", n % 97) },
            "sha": format!("{:040x}", n as u128 * 0x9e37_79b9_7f4a_7c15),
            "actor": format!("{:016x}", n % 23), "trigger": "push", "pullRequest": !n.is_multiple_of(3),
            "step": if phase == "step" { Some(json!({ "key": format!("job-{i}"), "state": "completed" })) } else { None },
            "links": [format!("https://github.com/acme/service-{}/actions/runs/{}", n * 7 % SERVICES, 9_000_000 + n * 13)],
        });
        (at, DeploymentEvent::parse(&json.to_string()).expect("valid"))
    };
    phases.into_iter().enumerate().map(event).collect()
}
