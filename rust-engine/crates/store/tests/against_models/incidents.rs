use crate::{KEYS, SERVICES, Store, TIMES, environment, is_within, key, read_all, window};
use proptest::prelude::*;
use std::collections::BTreeMap;
use store::{IncidentEvent, IncidentFilter, IncidentRecord, IncidentState};

#[derive(Clone, Debug)]
pub struct Told {
    pub at: i64,
    pub service: &'static str,
    pub key: usize,
    phase: &'static str,
    title: String,
    severity: Option<String>,
    label: String,
    starts_at: i64,
    ends_at: Option<i64>,
}

pub fn told() -> impl Strategy<Value = Told> {
    let phase = prop::sample::select(vec!["firing", "firing", "acknowledged", "resolved"]);
    let whose = (0..TIMES, prop::sample::select(SERVICES.to_vec()), 0..KEYS);
    let what =
        (phase, "[a-c]", prop::option::of("a|b|critical|warning"), "[a-c]", 0..TIMES, prop::option::of(0..TIMES));
    (whose, what).prop_map(|((at, service, key), (phase, title, severity, label, starts_at, ends_at))| Told {
        at,
        service,
        key,
        phase,
        title,
        severity,
        label,
        starts_at,
        ends_at,
    })
}

impl Told {
    pub fn event(&self) -> IncidentEvent {
        let json = serde_json::json!({
            "occurredAt": self.at, "source": "events", "service": self.service,
            "environment": environment(self.service), "phase": self.phase, "key": key(self.key),
            "title": self.title, "severity": self.severity, "labels": { "l": self.label },
            "startsAt": self.starts_at, "endsAt": self.ends_at,
        });
        IncidentEvent::parse(&json.to_string()).expect("valid")
    }
}

/// All that was told of each incident, in the order in which it came.
#[derive(Default)]
pub struct Model(BTreeMap<(String, String), Vec<Told>>);

impl Model {
    pub fn apply(&mut self, told: &Told) {
        self.0.entry((told.service.to_owned(), key(told.key))).or_default().push(told.clone());
    }

    pub fn records(&self) -> impl Iterator<Item = IncidentRecord> + '_ {
        self.0.iter().map(|((service, key), told)| record(service, key, told))
    }
}

fn record(service: &str, key: &str, told: &[Told]) -> IncidentRecord {
    // Those that were the newest word when they came.
    let is_news = |n: &usize| told[..*n].iter().all(|before| before.at < told[*n].at);
    let news: Vec<&Told> = (0..told.len()).filter(is_news).map(|n| &told[n]).collect();
    let newest = news[news.len() - 1];
    let of = |phase: &'static str| told.iter().filter(move |told| told.phase == phase);
    let resolved = of("resolved").next();
    let acknowledged_at = of("acknowledged").map(|told| told.at).min();
    IncidentRecord {
        key: key.to_owned(),
        service: service.to_owned(),
        environment: environment(service).to_owned(),
        source: "events".to_owned(),
        state: match (resolved, acknowledged_at) {
            (Some(_), _) => IncidentState::Resolved,
            (None, Some(_)) => IncidentState::Acknowledged,
            (None, None) => IncidentState::Firing,
        },
        title: newest.title.clone(),
        severity: news.iter().rev().find_map(|told| told.severity.clone()),
        summary: String::new(),
        description: String::new(),
        labels: BTreeMap::from([("l".to_owned(), newest.label.clone())]),
        annotations: BTreeMap::new(),
        starts_at: told.iter().map(|told| told.starts_at).min().expect("at least one"),
        acknowledged_at,
        ends_at: resolved.map(|told| told.ends_at.unwrap_or(told.at)),
        generator_url: None,
    }
}

pub fn filter() -> impl Strategy<Value = IncidentFilter> {
    let states = vec![IncidentState::Firing, IncidentState::Acknowledged, IncidentState::Resolved];
    let service = prop::sample::select(vec!["production/a", "production/ab", "staging/a", "production/none"]);
    let environment = prop::sample::select(vec!["production", "staging"]);
    let half = |strategy| prop::option::weighted(0.3, strategy);
    let severity = half(prop::sample::select(vec!["a", "critical", "warning"]));
    (half(service), half(environment), prop::option::weighted(0.3, prop::sample::select(states)), severity, window())
        .prop_map(|(service, environment, state, severity, (from, to))| IncidentFilter {
            service: service.map(str::to_owned),
            environment: environment.map(str::to_owned),
            state,
            severity: severity.map(str::to_owned),
            from,
            to,
            at: None,
        })
}

pub fn fits(filter: &IncidentFilter, record: &IncidentRecord) -> bool {
    filter.service.as_ref().is_none_or(|service| *service == record.service)
        && filter.environment.as_ref().is_none_or(|environment| *environment == record.environment)
        && filter.state.is_none_or(|state| state == record.state)
        && filter.severity.as_ref().is_none_or(|severity| Some(severity) == record.severity.as_ref())
        && is_within(record.starts_at, (filter.from, filter.to))
}

/// The order of equal times is the store's own.
pub fn sorted(mut records: Vec<IncidentRecord>) -> Vec<IncidentRecord> {
    records.sort_by(|a, b| (b.starts_at, &a.key, &a.service).cmp(&(a.starts_at, &b.key, &b.service)));
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn incidents_equal_a_map(
        told in prop::collection::vec(told(), 0..120),
        filters in prop::collection::vec((filter(), 1usize..7), 1..8),
    ) {
        let mut store = Store::open();
        let mut model = Model::default();
        for (n, told) in told.iter().enumerate() {
            let got = |store: &mut Store| store::incident(&store.pages(), told.service, &key(told.key), None);
            let before = got(&mut store).map(|known| known.record);
            let applied = store::apply_incident(&mut store.pages(), &told.event(), n as i64).expect("room");
            model.apply(told);
            let after = model.records().find(|one| one.service == told.service && one.key == key(told.key));
            prop_assert!(applied.changed || before == after);
            prop_assert_eq!(Some(applied.record), after);
        }
        for n in 0..KEYS {
            let mut wanted: Vec<_> = model.records().filter(|record| record.key == key(n)).collect();
            for service in SERVICES {
                let one = wanted.iter().find(|record| record.service == service).cloned();
                prop_assert_eq!(store::incident(&store.pages(), service, &key(n), None).map(|known| known.record), one);
            }
            wanted.sort_by_key(|record| (record.state == IncidentState::Resolved, record.service.clone()));
            prop_assert_eq!(store::incidents_with_key(&store.pages(), &key(n), 9), wanted.clone());
            let some = store::incidents_with_key(&store.pages(), &key(n), 1);
            prop_assert_eq!(some.len(), wanted.len().min(1));
            prop_assert!(some.iter().all(|one| wanted.contains(one)));
            let is_open = |one: &IncidentRecord| one.state != IncidentState::Resolved;
            prop_assert_eq!(some.iter().any(is_open), wanted.iter().any(is_open));
        }
        for (filter, limit) in &filters {
            let pages = store.pages();
            let found = read_all(*limit, |cursor| store::incidents(&pages, filter, *limit, cursor));
            prop_assert!(found.is_sorted_by_key(|record| -record.starts_at));
            let wanted = model.records().filter(|record| fits(filter, record)).collect();
            prop_assert_eq!(sorted(found), sorted(wanted));
        }
    }
}
