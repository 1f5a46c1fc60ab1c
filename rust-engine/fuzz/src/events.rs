//! Events as JSON: what the handlers give to the engine once the schema has let it through.

use crate::{Target, small_engine};
use shard::{Engine, Handle};

/// The target. The first byte says which kind of event the rest is.
pub const TARGET: Target = Target {
    name: "events",
    run,
    seeds,
    words: &[
        "\"phase\":\"finished\"",
        "\"phase\":\"rolled_back\"",
        "\"phase\":\"changed\"",
        "\"subject\":\"change\"",
        "\"conclusion\":\"failure\"",
        "\"attempt\":4294967295",
        "\"occurredAt\":-1",
        "9223372036854775807",
        "\\u0000",
        "null",
    ],
};

/// An event that is refused changes nothing, and one that is taken changes nothing the second time.
pub fn run(bytes: &[u8]) -> bool {
    let Some((kind, rest)) = bytes.split_first() else { return false };
    let Ok(json) = std::str::from_utf8(rest) else { return false };
    let (mut engine, handle) = small_engine::open();
    let before = small_engine::hash(&engine, handle);
    let taken = apply(&mut engine, handle, *kind, json, 1);
    let after = small_engine::hash(&engine, handle);
    assert!(taken || after == before, "refused, and changed something");
    if taken {
        assert!(apply(&mut engine, handle, *kind, json, 2), "taken, then refused");
        assert!(small_engine::hash(&engine, handle) == after, "the second delivery changed something");
    }
    taken
}

fn apply(engine: &mut Engine, handle: Handle, kind: u8, json: &str, at: i64) -> bool {
    match kind % 3 {
        0 => small_engine::taken(engine.apply_deployment(handle, json, at)).is_some(),
        1 => small_engine::taken(engine.apply_incident(handle, json, at)).is_some(),
        _ => small_engine::taken(engine.apply_infrastructure(handle, json)).is_some(),
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let deployment = |phase: &str| {
        format!(
            r#"0{{"occurredAt":1000,"source":"github","service":"production/s","environment":"production","subject":"deployment","phase":"{phase}","key":"k","attempt":1,"conclusion":"success","name":"n","workflow":null,"repository":"r","branch":"main","sha":"abc","actor":null,"trigger":"push","pullRequest":false,"change":{{"additions":1,"deletions":2,"files":3}},"step":{{"key":"s","state":"completed"}},"links":["l"],"backfilled":false}}"#
        )
    };
    let incident = |phase: &str| {
        format!(
            r#"1{{"occurredAt":1000,"source":"alertmanager","service":"production/s","environment":"production","phase":"{phase}","key":"i","title":"t","severity":"critical","summary":"s","description":"d","labels":{{"a":"b"}},"annotations":{{}},"startsAt":900,"endsAt":null,"generatorUrl":null}}"#
        )
    };
    let infrastructure = r#"2{"occurredAt":1000,"service":"production/s","environment":"production","resource":"node/1","kind":"node","deleted":false,"quantities":{"cores":4}}"#;
    let deployments = ["requested", "started", "step", "finished", "rolled_back"].map(deployment);
    let incidents = ["firing", "acknowledged", "resolved"].map(incident);
    let texts = deployments.into_iter().chain(incidents).chain([infrastructure.to_owned()]);
    texts.map(String::into_bytes).collect()
}
