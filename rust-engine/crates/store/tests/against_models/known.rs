//! Records and lists as known at a time equal what a model remembers of that time; the past of a record is bounded, and what
//! is no longer exact never tells what was learnt later.

use crate::{KEYS, SERVICES, Store, TIMES, deployments, incidents, key, read_all};
use paged::{Region, Tree};
use proptest::prelude::*;
use store::{AsKnown, DeploymentFilter, DeploymentRecord, DeploymentState, IncidentFilter, IncidentRecord, Subject};

/// Events, and when the log had each of them: so much later than the one before.
fn told<T: std::fmt::Debug>(one: impl Strategy<Value = T>, most: usize) -> impl Strategy<Value = Vec<(T, i64)>> {
    prop::collection::vec((one, 0..4i64), 1..most).prop_map(|told| {
        let mut clock = 0;
        let dated = told.into_iter().map(|(one, step)| {
            clock += step;
            (one, clock)
        });
        dated.collect()
    })
}

/// The last of the states that were known by then.
fn then<T: Clone>(states: &[(i64, T)], at: i64) -> Option<T> {
    states.iter().rev().find(|(known_at, _)| *known_at <= at).map(|(_, state)| state.clone())
}

fn bare(records: impl Iterator<Item = DeploymentRecord>) -> Vec<DeploymentRecord> {
    records.map(|record| DeploymentRecord { prediction: None, ..record }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn deployments_as_known_equal_a_memory(
        told in told(deployments::told(), 90),
        asked in prop::collection::vec((deployments::filter(), 1usize..7, -1..TIMES * 3), 1..8),
    ) {
        let mut store = Store::open();
        let mut model = deployments::Model::default();
        let mut memory: Vec<(i64, Vec<DeploymentRecord>)> = Vec::new();
        for (told, at) in &told {
            store::apply_deployment(&mut store.pages(), &told.event(), *at).expect("room");
            model.apply(told);
            memory.push((*at, bare(model.records())));
        }
        for (filter, limit, at) in asked {
            let known = then(&memory, at).unwrap_or_default();
            for service in SERVICES {
                for n in 0..KEYS {
                    let wanted = known.iter().find(|record| record.service == service && record.key == key(n));
                    let wanted = wanted.map(|record| AsKnown { record: record.clone(), exact_from: None });
                    prop_assert_eq!(store::deployment(&store.pages(), service, &key(n), Some(at)), wanted);
                }
            }
            let filter = DeploymentFilter { at: Some(at), ..filter };
            let pages = store.pages();
            let found = read_all(limit, |cursor| store::deployments(&pages, &filter, limit, cursor));
            prop_assert!(found.is_sorted_by_key(|record| -record.listed_at));
            let wanted = known.into_iter().filter(|record| deployments::fits(&filter, record)).collect();
            prop_assert_eq!(deployments::sorted(found), deployments::sorted(wanted));
        }
    }

    #[test]
    fn incidents_as_known_equal_a_memory(
        told in told(incidents::told(), 90),
        asked in prop::collection::vec((incidents::filter(), 1usize..7, -1..TIMES * 3), 1..8),
    ) {
        let mut store = Store::open();
        let mut model = incidents::Model::default();
        let mut memory: Vec<(i64, Vec<IncidentRecord>)> = Vec::new();
        for (told, at) in &told {
            store::apply_incident(&mut store.pages(), &told.event(), *at).expect("room");
            model.apply(told);
            memory.push((*at, model.records().collect()));
        }
        for (filter, limit, at) in asked {
            let known = then(&memory, at).unwrap_or_default();
            for service in SERVICES {
                for n in 0..KEYS {
                    let wanted = known.iter().find(|record| record.service == service && record.key == key(n));
                    let wanted = wanted.map(|record| AsKnown { record: record.clone(), exact_from: None });
                    prop_assert_eq!(store::incident(&store.pages(), service, &key(n), Some(at)), wanted);
                }
            }
            let filter = IncidentFilter { at: Some(at), ..filter };
            let pages = store.pages();
            let found = read_all(limit, |cursor| store::incidents(&pages, &filter, limit, cursor));
            prop_assert!(found.is_sorted_by_key(|record| -record.starts_at));
            let wanted = known.into_iter().filter(|record| incidents::fits(&filter, record)).collect();
            prop_assert_eq!(incidents::sorted(found), incidents::sorted(wanted));
        }
    }

    #[test]
    fn of_a_long_past_the_oldest_changes_merge_and_the_answer_says_so(
        told in told(deployments::told(), 200),
        asked in prop::collection::vec(0..400i64, 1..20),
    ) {
        let mut store = Store::open();
        let mut memory: Vec<(i64, DeploymentRecord)> = Vec::new();
        let mut changes = 0;
        for (told, at) in &told {
            let mut one = told.clone();
            (one.key, one.service) = (1, SERVICES[0]);
            store::apply_deployment(&mut store.pages(), &one.event(), *at).expect("room");
            let now = store::deployment(&store.pages(), SERVICES[0], &key(1), None).expect("told").record;
            changes += usize::from(memory.last().is_some_and(|(_, before)| *before != now));
            memory.push((*at, now));
        }
        for at in asked {
            let found = store::deployment(&store.pages(), SERVICES[0], &key(1), Some(at));
            let Some(AsKnown { record, exact_from }) = found else {
                prop_assert_eq!(then(&memory, at), None);
                continue;
            };
            let Some(from) = exact_from else {
                prop_assert_eq!(Some(record), then(&memory, at));
                continue;
            };
            prop_assert!(from > at && changes > store::CHANGES_MAX);
            let earlier = memory.iter().take_while(|(known_at, _)| *known_at <= at);
            prop_assert!(earlier.into_iter().any(|(_, state)| *state == record), "it tells what was learnt later");
            let exact = store::deployment(&store.pages(), SERVICES[0], &key(1), Some(from)).expect("known");
            prop_assert_eq!((Some(exact.record), exact.exact_from), (then(&memory, from), None));
        }
    }
}

#[test]
fn a_long_text_that_was_replaced_is_kept_by_its_beginning_and_the_answer_says_so() {
    let mut store = Store::open();
    let event = |description: &str, at: i64| {
        let json = serde_json::json!({ "occurredAt": at, "source": "s", "service": "production/a",
            "environment": "production", "phase": "firing", "key": "k", "title": "t", "description": description,
            "startsAt": 1 });
        store::IncidentEvent::parse(&json.to_string()).expect("valid")
    };
    let long = "ä".repeat(90_000);
    for (text, at) in [(long.as_str(), 10), ("short", 20), ("last", 30)] {
        store::apply_incident(&mut store.pages(), &event(text, at), at).expect("room");
    }
    let known = |store: &mut Store, at| store::incident(&store.pages(), "production/a", "k", Some(at)).expect("known");
    let first = known(&mut store, 15);
    assert_eq!((first.exact_from, first.record.description.as_str()), (Some(20), "ä".repeat(256).as_str()));
    let second = known(&mut store, 20);
    assert_eq!((second.exact_from, second.record.description.as_str()), (None, "short"));
    assert!(store::incident(&store.pages(), "production/a", "k", Some(9)).is_none(), "nobody had heard of it");
}

#[test]
fn a_list_says_that_it_is_not_exact_also_for_what_its_filter_refuses() {
    let mut store = Store::open();
    let tell = |store: &mut Store, phase: &str, step: u32, at: i64| {
        let json = serde_json::json!({ "occurredAt": 1_000, "source": "s", "service": "production/a",
            "environment": "production", "subject": "deployment", "phase": phase, "key": "k", "attempt": 1,
            "step": { "key": step.to_string(), "state": "completed" } });
        let event = store::DeploymentEvent::parse(&json.to_string()).expect("valid");
        store::apply_deployment(&mut store.pages(), &event, at).expect("room");
    };
    for (n, phase) in ["requested", "step", "started"].into_iter().enumerate() {
        tell(&mut store, phase, 0, 1_001 + n as i64);
    }
    (1..=40).for_each(|step| tell(&mut store, "step", step, 1_003 + i64::from(step)));
    let list = |store: &mut Store, filter: DeploymentFilter| {
        store::deployments(&store.pages(), &filter, 10, None).expect("valid")
    };
    let started = DeploymentFilter { at: Some(1_004), state: Some(DeploymentState::Started), ..Default::default() };
    let page = list(&mut store, started.clone());
    let from = page.exact_from.expect("it had started, and the page does not tell it");
    assert!(from > 1_004 && page.items.is_empty(), "{page:?}");
    let page = list(&mut store, DeploymentFilter { at: Some(from), ..started.clone() });
    assert_eq!((page.items.len(), page.exact_from), (1, None));
    for elsewhere in [
        DeploymentFilter { from: Some(1_001), ..started.clone() },
        DeploymentFilter { to: Some(1_000), ..started.clone() },
        DeploymentFilter { service: Some("production/ab".to_owned()), ..started.clone() },
        DeploymentFilter { environment: Some("staging".to_owned()), ..started.clone() },
        DeploymentFilter { subject: Some(Subject::CiRun), ..started },
    ] {
        let page = list(&mut store, elsewhere);
        assert_eq!((page.items.len(), page.exact_from), (0, None), "it could never be in there");
    }
}

/// Drops all that a region holds, as if it were full.
fn drop_all(store: &mut Store, region: Region) {
    while let Some(oldest) = store::oldest(&store.pages(), region, i64::MAX) {
        store::evict(&mut store.pages(), region, &oldest).expect("room");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn that_an_attempt_counts_as_lost_is_not_what_was_known(told in told(deployments::told(), 90), at in -1..TIMES * 3) {
        let mut store = Store::open();
        let mut memory: Vec<(i64, Vec<DeploymentRecord>)> = Vec::new();
        let mut model = deployments::Model::default();
        let half = told.len() / 2;
        for (n, (told, at)) in told.iter().enumerate() {
            if n == half {
                drop_all(&mut store, Region::ActiveOperations);
            }
            store::apply_deployment(&mut store.pages(), &told.event(), *at).expect("room");
            model.apply(told);
            memory.push((*at, bare(model.records())));
        }
        drop_all(&mut store, Region::ActiveOperations);
        let filter = DeploymentFilter { at: Some(at), ..DeploymentFilter::default() };
        let pages = store.pages();
        let found = read_all(5, |cursor| store::deployments(&pages, &filter, 5, cursor));
        prop_assert_eq!(deployments::sorted(found), deployments::sorted(then(&memory, at).unwrap_or_default()));
    }

    #[test]
    fn a_record_goes_with_its_past_and_all_its_places(
        runs in told(deployments::told(), 60),
        alerts in told(incidents::told(), 60),
    ) {
        let mut store = Store::open();
        for (told, at) in &runs {
            store::apply_deployment(&mut store.pages(), &told.event(), *at).expect("room");
        }
        for (told, at) in &alerts {
            store::apply_incident(&mut store.pages(), &told.event(), *at).expect("room");
        }
        for region in [Region::ActiveOperations, Region::DeploymentHistory, Region::IncidentDatabase] {
            drop_all(&mut store, region);
            prop_assert!(Tree::of(region).seek(&store.pages(), &[]).next(&store.pages()).is_none(), "{:?} is not empty", region);
        }
    }
}
