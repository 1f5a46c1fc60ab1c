//! The arguments of queries that are text: filters, matchers, cursors, ids, offsets.

use crate::{Target, small_engine};
use series::{Aggregation, Asked, Matcher};
use shard::{Engine, EngineError, Handle, argument};
use std::collections::HashSet;

/// The target. Three texts with a zero byte between them: a filter or matchers, a cursor, a name.
pub const TARGET: Target = Target {
    name: "queries",
    run,
    seeds,
    words: &[
        "\"service\":\"production/s1\"",
        "\"state\":\"finished\"",
        "\"subject\":\"ci_run\"",
        "\"from\":",
        "\"to\":-9223372036854775808",
        "\"op\":\"=~\"",
        ".*",
        "(a|b)*",
        "null",
        "ffffffffffffffffffffffffffffffff",
    ],
};

const LIMIT: usize = 3;
const PAGES_MAX: usize = 12;

/// Every answer is bounded, a list comes to its end without a record twice, and nothing is changed by asking.
pub fn run(bytes: &[u8]) -> bool {
    let texts: Option<Vec<&str>> = bytes.split(|byte| *byte == 0).map(|text| std::str::from_utf8(text).ok()).collect();
    let Some([wanted, cursor, name]) = texts.and_then(|texts| texts.first_chunk().copied()) else { return false };
    // One for all inputs: asking changes nothing.
    thread_local!(static FILLED: (Engine, Handle, String) = filled());
    FILLED.with(|(engine, handle, before)| {
        ask(engine, *handle, wanted, cursor, name);
        assert!(small_engine::hash(engine, *handle) == *before, "asking changed something");
    });
    true
}

fn ask(engine: &Engine, handle: Handle, wanted: &str, cursor: &str, name: &str) {
    lists(engine, handle, wanted, cursor);
    metrics(engine, handle, wanted, name);
    small_engine::taken(engine.deployment(handle, name, cursor, None));
    small_engine::taken(engine.incidents_with_key(handle, name, LIMIT));
    small_engine::taken(engine.resources(handle, name, LIMIT));
    small_engine::taken(engine.service(handle, name));
    small_engine::taken(engine.change_of(handle, name, cursor));
    if let Ok(scopes) = argument::<Vec<String>>("scopes", wanted) {
        let mut fields = vec![0.0; scopes.len() * store::ROLLING_WIDTH];
        small_engine::taken(engine.rolling_read(handle, &scopes, 0, &mut fields));
    }
    if let Ok(offsets) = argument::<snapshot::Offsets>("offsets", wanted) {
        let _ = snapshot::parse_offsets(&offsets);
    }
}

fn lists(engine: &Engine, handle: Handle, wanted: &str, cursor: &str) {
    if let Some(filter) = small_engine::taken(argument("filter", wanted)) {
        walk(cursor, |at| {
            let page = engine.deployments(handle, &filter, LIMIT, at)?;
            Ok((page.items.into_iter().map(|record| (record.service, record.key)).collect(), page.cursor))
        });
    }
    if let Some(filter) = small_engine::taken(argument("filter", wanted)) {
        walk(cursor, |at| {
            let page = engine.incidents(handle, &filter, LIMIT, at)?;
            Ok((page.items.into_iter().map(|record| (record.service, record.key)).collect(), page.cursor))
        });
    }
    walk(cursor, |at| {
        let page = engine.services(handle, LIMIT, at)?;
        Ok((page.items.into_iter().map(|record| (record.service, String::new())).collect(), page.cursor))
    });
}

type Named = Vec<(String, String)>;

/// From the cursor to the end of the list.
fn walk(cursor: &str, page: impl Fn(Option<&str>) -> Result<(Named, Option<String>), EngineError>) {
    let mut at = (!cursor.is_empty()).then(|| cursor.to_owned());
    let mut seen = HashSet::new();
    for _ in 0..PAGES_MAX {
        let Some((items, next)) = small_engine::taken(page(at.as_deref())) else { return };
        assert!(items.len() <= LIMIT, "{} records", items.len());
        for item in items {
            assert!(seen.insert(item.clone()), "{item:?} twice");
        }
        at = next;
        if at.is_none() {
            return;
        }
    }
    panic!("a list without an end");
}

fn metrics(engine: &Engine, handle: Handle, wanted: &str, name: &str) {
    if let Some(matchers) = small_engine::taken(argument::<Vec<Matcher>>("matchers", wanted)) {
        let service = (!name.is_empty()).then_some(name);
        let found = small_engine::taken(engine.series(handle, service, &matchers, LIMIT, None));
        assert!(found.is_none_or(|found| found.items.len() <= LIMIT));
    }
    let (mut times, mut values) = ([0.0; 8], [0.0; 8]);
    let asked = Asked { from: 0, to: i64::MAX, step: 15_000, aggregation: Aggregation::Avg };
    let written = small_engine::taken(engine.range(handle, name, asked, &mut times, &mut values));
    assert!(written.is_none_or(|written| written <= times.len()));
}

/// An engine with some records of each kind, and its digest.
fn filled() -> (Engine, Handle, String) {
    let (mut engine, handle) = small_engine::open();
    for n in 0..8 {
        let service = format!("production/s{}", n % 3);
        let deployment = serde_json::json!({ "occurredAt": n, "source": "e", "service": service, "key": format!("k{n}"),
            "environment": "production", "subject": "deployment", "phase": if n % 2 == 0 { "started" } else { "finished" },
            "attempt": 1, "conclusion": "failure" });
        engine.apply_deployment(handle, &deployment.to_string(), n).expect("room");
        let incident = serde_json::json!({ "occurredAt": n, "source": "e", "service": service, "key": format!("i{n}"),
            "environment": "production", "phase": "firing", "title": "t", "startsAt": n });
        engine.apply_incident(handle, &incident.to_string(), n).expect("room");
    }
    for block in (crate::column_block::TARGET.seeds)().into_iter().take(1) {
        engine.apply_metrics(handle, "{}", "production/s1", &[], &block).expect("room");
    }
    engine.rolling_add(handle, &["scope".to_owned()], 5, true, 2.0).expect("room");
    let hash = small_engine::hash(&engine, handle);
    (engine, handle, hash)
}

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        (
            r#"{"subject":null,"service":null,"environment":null,"state":null,"conclusion":null,"from":null,"to":null}"#,
            "",
            "1",
        ),
        (r#"{"subject":"deployment","service":"production/s1","state":"finished","from":1,"to":6}"#, "", "k1"),
        (r#"{"service":"production/s1","state":"firing","severity":null}"#, "7fffffffffffff", "production/s1"),
        (r#"[{"name":"job","op":"=","value":"j"},{"name":"__name__","op":"=~","value":"a.*|b"}]"#, "", "production/s1"),
        (r#"["scope","other"]"#, "k1", "production/s0"),
        (r#"{"devops.deployments":"7"}"#, "", "00000000000000000000000000000001"),
    ];
    texts.map(|(wanted, cursor, name)| format!("{wanted}\0{cursor}\0{name}").into_bytes()).to_vec()
}
