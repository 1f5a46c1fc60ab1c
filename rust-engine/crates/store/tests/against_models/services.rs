use crate::{SERVICES, Store, TIMES, deployments, environment, incidents, read_all};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use store::{DeploymentEvent, IncidentState, InfrastructureEvent, ServiceRecord, Subject};

#[derive(Clone, Debug)]
enum Told {
    Deployment(deployments::Told),
    Incident(incidents::Told),
    Change(&'static str, i64),
    Resource(&'static str, i64),
}

fn told() -> impl Strategy<Value = Told> {
    let service = || prop::sample::select(SERVICES.to_vec());
    prop_oneof![
        4 => deployments::told().prop_map(Told::Deployment),
        4 => incidents::told().prop_map(Told::Incident),
        1 => (service(), 0..TIMES).prop_map(|(service, at)| Told::Change(service, at)),
        1 => (service(), 0..TIMES).prop_map(|(service, at)| Told::Resource(service, at)),
    ]
}

impl Told {
    fn place(&self) -> (&'static str, i64) {
        match self {
            Self::Deployment(told) => (told.service, told.at),
            Self::Incident(told) => (told.service, told.at),
            Self::Change(service, at) | Self::Resource(service, at) => (service, *at),
        }
    }

    fn apply(&self, store: &mut Store) {
        let (service, at) = self.place();
        let mut event = serde_json::json!({ "occurredAt": at, "source": "events", "service": service,
            "environment": environment(service), "resource": "r", "kind": "node" });
        let pages = &mut store.pages();
        match self {
            Self::Deployment(told) => drop(store::apply_deployment(pages, &told.event(), at).expect("room")),
            Self::Incident(told) => drop(store::apply_incident(pages, &told.event(), at).expect("room")),
            Self::Change(..) => {
                for (field, value) in [("subject", "change"), ("phase", "changed"), ("key", "c"), ("sha", "abc")] {
                    event[field] = value.into();
                }
                event["attempt"] = 1.into();
                let event = DeploymentEvent::parse(&event.to_string()).expect("valid");
                drop(store::apply_deployment(pages, &event, at).expect("room"));
            }
            Self::Resource(..) => {
                let event = InfrastructureEvent::parse(&event.to_string()).expect("valid");
                store::apply_infrastructure(pages, &event).expect("room");
            }
        }
    }
}

/// Counts over everything that was told; a subject is what its first event says.
fn model(told: &[Told]) -> Vec<ServiceRecord> {
    let mut subjects: BTreeMap<(&str, usize), Subject> = BTreeMap::new();
    let mut alerts = incidents::Model::default();
    for told in told {
        match told {
            Told::Deployment(told) => drop(subjects.entry((told.service, told.key)).or_insert(told.subject)),
            Told::Incident(told) => alerts.apply(told),
            Told::Change(..) | Told::Resource(..) => {}
        }
    }
    let names: BTreeSet<&str> = told.iter().map(|told| told.place().0).collect();
    let record = |name: &str| {
        let times = || told.iter().map(Told::place).filter(|(service, _)| *service == name).map(|(_, at)| at);
        let count = |wanted| subjects.iter().filter(move |((service, _), of)| *service == name && **of == wanted);
        let open = alerts.records().filter(|one| one.service == name && one.state != IncidentState::Resolved);
        ServiceRecord {
            service: name.to_owned(),
            environment: environment(name).to_owned(),
            first_seen_at: times().min().expect("at least one"),
            last_event_at: times().max().expect("at least one"),
            deployments: count(Subject::Deployment).count() as u32,
            ci_runs: count(Subject::CiRun).count() as u32,
            open_incidents: open.count() as u32,
            series: 0,
        }
    };
    names.into_iter().map(record).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn services_equal_a_map(told in prop::collection::vec(told(), 0..120), limit in 1usize..6) {
        let mut store = Store::open();
        for told in &told {
            told.apply(&mut store);
        }
        let wanted = model(&told);
        let pages = store.pages();
        for name in SERVICES {
            let one = wanted.iter().find(|record| record.service == name).cloned();
            prop_assert_eq!(store::service(&pages, name), one);
        }
        let found = read_all(limit, |cursor| store::services(&pages, limit, cursor));
        prop_assert_eq!(found, wanted);
    }
}
