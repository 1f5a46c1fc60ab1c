use crate::{KEYS, SERVICES, Store, TIMES, environment, is_within, key, read_all, window};
use proptest::prelude::*;
use std::collections::BTreeMap;
use store::{DeploymentEvent, DeploymentFilter, DeploymentRecord, DeploymentState, Steps, Subject};

const CONCLUSIONS: [&str; 4] = ["success", "failure", "timeout", "inactive"];

#[derive(Clone, Debug)]
pub struct Told {
    pub at: i64,
    pub service: &'static str,
    pub subject: Subject,
    pub key: usize,
    attempt: u32,
    phase: &'static str,
    conclusion: &'static str,
    name: Option<String>,
    sha: Option<String>,
    step: (u32, bool),
    link: Option<String>,
    backfilled: bool,
    /// A prediction is attached after the event.
    predicted: bool,
}

pub fn told() -> impl Strategy<Value = Told> {
    let phase = prop::sample::select(vec!["requested", "started", "started", "step", "finished", "rolled_back"]);
    let text = || prop::option::of("[a-c]");
    let whose = (0..TIMES, prop::sample::select(SERVICES.to_vec()), any::<bool>(), 0..KEYS, 1u32..4);
    let what = (phase, prop::sample::select(CONCLUSIONS.to_vec()), text(), text());
    let more = ((0u32..3, any::<bool>()), text(), any::<bool>(), any::<bool>());
    (whose, what, more).prop_map(|(whose, what, more)| {
        let ((at, service, is_run, key, attempt), (phase, conclusion, name, sha)) = (whose, what);
        let (step, link, backfilled, predicted) = more;
        let subject = if is_run { Subject::CiRun } else { Subject::Deployment };
        Told { at, service, subject, key, attempt, phase, conclusion, name, sha, step, link, backfilled, predicted }
    })
}

impl Told {
    pub fn event(&self) -> DeploymentEvent {
        let conclusion = ["finished", "step"].contains(&self.phase).then_some(self.conclusion);
        let json = serde_json::json!({
            "occurredAt": self.at, "source": "events", "service": self.service,
            "environment": environment(self.service), "subject": self.subject, "phase": self.phase,
            "key": key(self.key), "attempt": self.attempt,
            "conclusion": conclusion,
            "name": self.name, "sha": self.sha, "links": self.link.iter().collect::<Vec<_>>(),
            "step": { "key": self.step.0.to_string(), "state": if self.step.1 { "completed" } else { "in_progress" } },
            "backfilled": self.backfilled,
        });
        DeploymentEvent::parse(&json.to_string()).expect("valid")
    }

    fn ends(&self) -> bool {
        ["finished", "rolled_back"].contains(&self.phase)
    }
}

/// All that was ever told of one attempt while it was listened to, and its prediction.
#[derive(Clone, Debug)]
struct Attempt {
    number: u32,
    told: Vec<Told>,
    prediction: Option<String>,
}

impl Attempt {
    fn is_running(&self) -> bool {
        !self.told.iter().any(Told::ends)
    }

    fn times<'a>(&'a self, phase: &'a str) -> impl Iterator<Item = i64> + 'a {
        self.told.iter().filter(move |told| told.phase == phase).map(|told| told.at)
    }

    fn record(&self, service: &str, key: &str, subject: Subject) -> DeploymentRecord {
        let finished = self.told.iter().find(|told| told.phase == "finished");
        let has = |phase| self.times(phase).next().is_some();
        let (requested_at, started_at) = (self.times("requested").min(), self.times("started").min());
        let first = self.told.iter().map(|told| told.at).min().expect("at least one");
        let mut links: Vec<String> = Vec::new();
        for link in self.told.iter().filter_map(|told| told.link.clone()) {
            if !links.contains(&link) {
                links.push(link);
            }
        }
        DeploymentRecord {
            key: key.to_owned(),
            subject,
            service: service.to_owned(),
            environment: environment(service).to_owned(),
            source: "events".to_owned(),
            attempt: self.number,
            state: match () {
                () if has("rolled_back") => DeploymentState::RolledBack,
                () if has("finished") => DeploymentState::Finished,
                () if has("started") => DeploymentState::Started,
                () => DeploymentState::Requested,
            },
            conclusion: finished.map(|told| told.conclusion.to_owned()),
            name: self.told.iter().find_map(|told| told.name.clone()),
            workflow: None,
            repository: None,
            branch: None,
            sha: self.told.iter().find_map(|told| told.sha.clone()),
            actor: None,
            trigger: None,
            pull_request: None,
            change: None,
            steps: self.steps(),
            links,
            backfilled: self.told[0].backfilled,
            requested_at,
            started_at,
            finished_at: finished.map(|told| told.at),
            listed_at: started_at.or(requested_at).unwrap_or(first),
            prediction: self.prediction.clone(),
        }
    }

    fn steps(&self) -> Steps {
        let mut ends: BTreeMap<u32, Option<&str>> = BTreeMap::new();
        for Told { step: (step, is_completed), conclusion, .. } in self.told.iter().filter(|told| told.phase == "step")
        {
            let end = ends.entry(*step).or_default();
            *end = end.or(is_completed.then_some(conclusion));
        }
        let ended: Vec<&str> = ends.values().flatten().copied().collect();
        let failed = ended.iter().filter(|end| ["failure", "timeout"].contains(*end)).count();
        Steps { total: ends.len() as u32, completed: ended.len() as u32, failed: failed as u32 }
    }
}

/// What the store should have done with an event: attempts by their numbers.
#[derive(Debug, Default, PartialEq)]
pub struct Done {
    pub opened: bool,
    pub closed: bool,
    given_up: Option<u32>,
}

struct Subjected {
    subject: Subject,
    current: Attempt,
    /// An attempt that had not ended when the next one began.
    former: Option<Attempt>,
}

#[derive(Default)]
pub struct Model(BTreeMap<(String, String), Subjected>);

impl Model {
    pub fn apply(&mut self, told: &Told) -> Done {
        let new = || Attempt { number: told.attempt, told: vec![told.clone()], prediction: None };
        let name = (told.service.to_owned(), key(told.key));
        let Some(known) = self.0.get_mut(&name) else {
            self.0.insert(name, Subjected { subject: told.subject, current: new(), former: None });
            return Done { opened: true, closed: told.ends(), given_up: None };
        };
        if told.attempt > known.current.number {
            let overtaken = std::mem::replace(&mut known.current, new());
            let given_up = if overtaken.is_running() { known.former.replace(overtaken) } else { None };
            return Done { opened: true, closed: told.ends(), given_up: given_up.map(|former| former.number) };
        }
        if told.attempt == known.current.number {
            let closed = known.current.is_running() && told.ends();
            known.current.told.push(told.clone());
            if closed {
                known.current.prediction = None;
            }
            return Done { closed, ..Done::default() };
        }
        let waits = known.former.as_ref().is_some_and(|former| former.number == told.attempt);
        let closed = waits && told.ends();
        if closed {
            known.former = None;
        }
        Done { closed, ..Done::default() }
    }

    fn predict(&mut self, told: &Told, prediction: &str) -> bool {
        let Some(known) = self.0.get_mut(&(told.service.to_owned(), key(told.key))) else { return false };
        let mut waiting = [Some(&mut known.current), known.former.as_mut()].into_iter().flatten();
        let asked = waiting.find(|attempt| attempt.number == told.attempt && attempt.is_running());
        asked.map(|attempt| attempt.prediction = Some(prediction.to_owned())).is_some()
    }

    pub fn records(&self) -> impl Iterator<Item = DeploymentRecord> + '_ {
        self.0.iter().map(|((service, key), known)| known.current.record(service, key, known.subject))
    }
}

pub fn filter() -> impl Strategy<Value = DeploymentFilter> {
    let state = prop::sample::select(vec![
        DeploymentState::Requested,
        DeploymentState::Started,
        DeploymentState::Finished,
        DeploymentState::RolledBack,
    ]);
    let service = prop::sample::select(vec!["production/a", "production/ab", "staging/a", "production/none"]);
    let subject = prop::sample::select(vec![Subject::Deployment, Subject::CiRun]);
    let environment = prop::sample::select(vec!["production", "staging"]);
    let conclusion = prop::sample::select(CONCLUSIONS.to_vec());
    let half = |strategy| prop::option::weighted(0.3, strategy);
    (
        prop::option::weighted(0.3, subject),
        half(service),
        half(environment),
        prop::option::weighted(0.3, state),
        half(conclusion),
        window(),
    )
        .prop_map(|(subject, service, environment, state, conclusion, (from, to))| DeploymentFilter {
            subject,
            service: service.map(str::to_owned),
            environment: environment.map(str::to_owned),
            state,
            conclusion: conclusion.map(str::to_owned),
            from,
            to,
            at: None,
        })
}

pub fn fits(filter: &DeploymentFilter, record: &DeploymentRecord) -> bool {
    filter.subject.is_none_or(|subject| subject == record.subject)
        && filter.service.as_ref().is_none_or(|service| *service == record.service)
        && filter.environment.as_ref().is_none_or(|environment| *environment == record.environment)
        && filter.state.is_none_or(|state| state == record.state)
        && filter.conclusion.as_ref().is_none_or(|conclusion| Some(conclusion) == record.conclusion.as_ref())
        && is_within(record.listed_at, (filter.from, filter.to))
}

/// The order of equal times is the store's own.
pub fn sorted(mut records: Vec<DeploymentRecord>) -> Vec<DeploymentRecord> {
    records.sort_by(|a, b| (b.listed_at, &a.key, &a.service).cmp(&(a.listed_at, &b.key, &b.service)));
    records
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn deployments_equal_a_map(
        told in prop::collection::vec(told(), 0..120),
        filters in prop::collection::vec((filter(), 1usize..7), 1..8),
    ) {
        let mut store = Store::open();
        let mut model = Model::default();
        for (n, told) in told.iter().enumerate() {
            let applied = store::apply_deployment(&mut store.pages(), &told.event(), n as i64).expect("room");
            let done = Done {
                opened: applied.opened,
                closed: applied.closed,
                given_up: applied.given_up.map(|record| record.attempt),
            };
            let expected = model.apply(told);
            if expected.opened || expected.closed {
                let record = applied.record.as_ref().expect("of the attempt");
                prop_assert_eq!((record.attempt, record.service.as_str()), (told.attempt, told.service));
            }
            prop_assert_eq!(done, expected);
            if told.predicted {
                let (key, text) = (key(told.key), format!("p{n}"));
                let kept = store::attach_prediction(&mut store.pages(), told.service, &key, told.attempt, &text);
                prop_assert_eq!(kept.expect("room"), model.predict(told, &text));
            }
        }
        for service in SERVICES {
            for n in 0..KEYS {
                let wanted = model.records().find(|record| record.service == service && record.key == key(n));
                prop_assert_eq!(store::deployment(&store.pages(), service, &key(n), None).map(|known| known.record), wanted);
            }
        }
        for (filter, limit) in &filters {
            let pages = store.pages();
            let found = read_all(*limit, |cursor| store::deployments(&pages, filter, *limit, cursor));
            prop_assert!(found.is_sorted_by_key(|record| -record.listed_at));
            let wanted = model.records().filter(|record| fits(filter, record)).collect();
            prop_assert_eq!(sorted(found), sorted(wanted));
        }
    }
}
