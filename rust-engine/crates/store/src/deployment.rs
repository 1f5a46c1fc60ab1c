//! A deployment or CI run and how events change it: monotone, idempotent, tolerant of order.

use crate::event::{DeploymentEvent, Phase, StepState};
use crate::known::Known;
use crate::past::{Replaced, small, undo};
use crate::stored::{Versioned, fields_of};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Steps remembered for each attempt; more are not counted.
const STEPS_MAX: usize = 512;
/// Links remembered for each record.
const LINKS_MAX: usize = 64;
/// Conclusion of an attempt that counts as lost; no source gives it.
const UNKNOWN: &str = "unknown";

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Subject {
    Deployment,
    CiRun,
}

/// State of an attempt; it only moves to larger ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum DeploymentState {
    Requested,
    Started,
    Finished,
    RolledBack,
}

/// How many steps are known, have ended, have failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Steps {
    pub total: u32,
    pub completed: u32,
    pub failed: u32,
}

/// Size of a change; none where the source does not tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // schemas/events/DeploymentEvent.avsc
pub struct ChangeSize {
    pub files_added: Option<f64>,
    pub files_deleted: Option<f64>,
    pub files_modified: Option<f64>,
    pub lines_added: Option<f64>,
    pub lines_deleted: Option<f64>,
    pub src_files: Option<f64>,
    pub doc_files: Option<f64>,
    pub other_files: Option<f64>,
    pub dockerfile_changed: Option<bool>,
    pub compose_changed: Option<bool>,
    pub file_types: Option<String>,
}

/// A deployment or CI run as known now; the shape of `DeploymentRecord` in records.ts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // rust-engine/ts/records.ts
pub struct DeploymentRecord {
    pub key: String,
    pub subject: Subject,
    pub service: String,
    pub environment: String,
    pub source: String,
    pub attempt: u32,
    pub state: DeploymentState,
    pub conclusion: Option<String>,
    pub name: Option<String>,
    pub workflow: Option<String>,
    pub repository: Option<String>,
    pub branch: Option<String>,
    pub sha: Option<String>,
    pub actor: Option<String>,
    pub trigger: Option<String>,
    pub pull_request: Option<bool>,
    pub change: Option<ChangeSize>,
    pub steps: Steps,
    pub links: Vec<String>,
    pub backfilled: bool,
    pub requested_at: Option<i64>,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    /// The time that lists go by: started, else requested, else the earliest event of the attempt.
    pub listed_at: i64,
    pub prediction: Option<String>,
}

small!(DeploymentState, Steps);

impl Replaced for ChangeSize {
    fn cut(&mut self) -> bool {
        self.file_types.cut()
    }
}

// Key, subject, service and environment never change; the prediction is no knowledge about the attempt.
undo!(DeploymentRecord by listed_at (ListedAt), DeploymentWas {
    Source: source: String,
    Attempt: attempt: u32,
    State: state: DeploymentState,
    Conclusion: conclusion: Option<String>,
    Name: name: Option<String>,
    Workflow: workflow: Option<String>,
    Repository: repository: Option<String>,
    Branch: branch: Option<String>,
    Sha: sha: Option<String>,
    Actor: actor: Option<String>,
    Trigger: trigger: Option<String>,
    PullRequest: pull_request: Option<bool>,
    Change: change: Option<ChangeSize>,
    Steps: steps: Steps,
    Links: links: Vec<String>,
    Backfilled: backfilled: bool,
    RequestedAt: requested_at: Option<i64>,
    StartedAt: started_at: Option<i64>,
    FinishedAt: finished_at: Option<i64>,
    ListedAt: listed_at: i64,
});

/// The record with what only folding needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredDeployment {
    pub record: DeploymentRecord,
    /// Earliest event of the attempt.
    pub first_event_at: i64,
    /// Latest event of the attempt while it ran.
    pub last_event_at: i64,
    marks: Vec<StepMark>,
    /// The last attempt that had not ended when a later one began: what fails is run again, and its end may come after
    /// the first word of the new attempt. Without links, marks of steps and a former one of its own.
    former: Option<Box<DeploymentRecord>>,
    /// When the shard first knew of the record, and of what it now says; by the clock of the log.
    pub known: Known,
    /// Nothing was heard of it for so long that it counts as over.
    lost: bool,
}

impl Versioned for StoredDeployment {
    const VERSION: u8 = 2;

    fn of_version(version: u8, fields: &[u8]) -> Option<Self> {
        let StoredDeployment1 { record, first_event_at, last_event_at, marks, former } = match version {
            1 => fields_of(fields)?,
            _ => return None,
        };
        let at = record.finished_at.map_or(last_event_at, |at| at.max(last_event_at));
        let known = Known { from: first_event_at, at };
        Some(Self { record, first_event_at, last_event_at, marks, former, known, lost: false })
    }
}

/// Version 1 did not keep when things became known: that was about when they happened.
#[derive(Deserialize)]
struct StoredDeployment1 {
    record: DeploymentRecord,
    first_event_at: i64,
    last_event_at: i64,
    marks: Vec<StepMark>,
    former: Option<Box<DeploymentRecord>>,
}

/// A step by the digest of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StepMark {
    step: u64,
    state: StepState,
    failed: bool,
}

/// What an event made of a record.
#[derive(Debug)]
pub struct Folded {
    pub stored: StoredDeployment,
    /// The attempt that the event speaks of; with `closed` it still carries the prediction.
    pub record: DeploymentRecord,
    pub changed: bool,
    pub opened: bool,
    pub closed: bool,
    /// An attempt whose end is waited for no longer, with its prediction.
    pub given_up: Option<DeploymentRecord>,
}

impl StoredDeployment {
    /// Neither concluded nor rolled back.
    pub fn is_running(&self) -> bool {
        is_running(&self.record)
    }

    /// As it is kept when it counts as lost: over, with its prediction, its conclusion unknown.
    pub fn lost(&self) -> Self {
        let mut lost = Self { lost: true, ..self.clone() };
        lost.record.state = DeploymentState::Finished;
        lost.record.conclusion = Some(UNKNOWN.to_owned());
        lost
    }

    /// As it was told, whether it counts as lost or not.
    pub fn told(&self) -> Self {
        let mut found = Self { lost: false, ..self.clone() };
        if self.lost {
            let started = found.record.started_at.is_some();
            found.record.state = if started { DeploymentState::Started } else { DeploymentState::Requested };
            found.record.conclusion = None;
        }
        found
    }

    /// The attempt of this number, if it still waits for its end; one that counts as lost does too.
    pub fn running_attempt(&mut self, attempt: u32) -> Option<&mut DeploymentRecord> {
        if self.record.attempt == attempt {
            return (self.is_running() || self.lost).then_some(&mut self.record);
        }
        self.former.as_deref_mut().filter(|former| former.attempt == attempt)
    }

    fn open(event: &DeploymentEvent, subject: Subject, known: Known) -> Self {
        let record = DeploymentRecord {
            key: event.key.clone(),
            subject,
            service: event.service.clone(),
            environment: event.environment.clone(),
            source: event.source.clone(),
            attempt: event.attempt,
            state: DeploymentState::Requested,
            conclusion: None,
            name: None,
            workflow: None,
            repository: None,
            branch: None,
            sha: None,
            actor: None,
            trigger: None,
            pull_request: None,
            change: None,
            steps: Steps::default(),
            links: Vec::new(),
            backfilled: event.backfilled,
            requested_at: None,
            started_at: None,
            finished_at: None,
            listed_at: event.occurred_at,
            prediction: None,
        };
        let at = event.occurred_at;
        Self { record, first_event_at: at, last_event_at: at, marks: Vec::new(), former: None, known, lost: false }
    }

    /// A new attempt of the same subject: identity stays, its course starts anew. Also the attempt that is given up.
    fn reopen(&self, event: &DeploymentEvent) -> (Self, Option<DeploymentRecord>) {
        let mut next = Self::open(event, self.record.subject, self.known);
        next.record.service.clone_from(&self.record.service);
        next.record.environment.clone_from(&self.record.environment);
        if !self.is_running() {
            next.former.clone_from(&self.former);
            return (next, None);
        }
        next.former = Some(Box::new(DeploymentRecord { links: Vec::new(), ..self.record.clone() }));
        (next, self.former.as_deref().cloned())
    }

    fn fill(&mut self, event: &DeploymentEvent) {
        let record = &mut self.record;
        fill(&mut record.name, &event.name);
        fill(&mut record.workflow, &event.workflow);
        fill(&mut record.repository, &event.repository);
        fill(&mut record.branch, &event.branch);
        fill(&mut record.sha, &event.sha);
        fill(&mut record.actor, &event.actor);
        fill(&mut record.trigger, &event.trigger);
        fill(&mut record.pull_request, &event.pull_request);
        fill(&mut record.change, &event.change);
        for link in &event.links {
            if record.links.len() < LINKS_MAX && !record.links.contains(link) {
                record.links.push(link.clone());
            }
        }
        self.first_event_at = self.first_event_at.min(event.occurred_at);
    }

    fn mark_step(&mut self, event: &DeploymentEvent) {
        let (Phase::Step, Some(step)) = (event.phase, &event.step) else { return };
        let id = step_id(&step.key);
        let at = match self.marks.iter().position(|mark| mark.step == id) {
            Some(at) => at,
            None if self.marks.len() < STEPS_MAX => {
                self.marks.push(StepMark { step: id, state: StepState::Queued, failed: false });
                self.marks.len() - 1
            }
            None => return,
        };
        let mark = &mut self.marks[at];
        if step.state == StepState::Completed && mark.state != StepState::Completed {
            mark.failed = is_failure(event.conclusion.as_deref());
        }
        mark.state = mark.state.max(step.state);
        let completed = self.marks.iter().filter(|mark| mark.state == StepState::Completed);
        self.record.steps = Steps {
            total: self.marks.len() as u32,
            completed: completed.count() as u32,
            failed: self.marks.iter().filter(|mark| mark.failed).count() as u32,
        };
    }
}

/// What an event makes of what is known. `at`: when the log had it.
pub fn fold(known: Option<&StoredDeployment>, event: &DeploymentEvent, subject: Subject, at: i64) -> Folded {
    // Whatever is told of an attempt that counted as lost, or of a later one, it was not.
    let found = known.filter(|known| known.lost && event.attempt >= known.record.attempt).map(StoredDeployment::told);
    if let Some(found) = found {
        let folded = fold(Some(&found), event, subject, at);
        return Folded { changed: true, ..folded };
    }
    if let Some(known) = known
        && event.attempt < known.record.attempt
    {
        return fold_former(known, event);
    }
    let opened = known.is_none_or(|known| event.attempt > known.record.attempt);
    let (mut stored, given_up) = match known {
        None => (StoredDeployment::open(event, subject, Known::since(at)), None),
        Some(known) if opened => known.reopen(event),
        Some(known) => (known.clone(), None),
    };
    if stored.is_running() {
        stored.last_event_at = stored.last_event_at.max(event.occurred_at);
    }
    stored.fill(event);
    stored.mark_step(event);
    let closed = advance(&mut stored.record, event);
    let record = &mut stored.record;
    record.listed_at = record.started_at.or(record.requested_at).unwrap_or(stored.first_event_at);
    let told = record.clone();
    if closed {
        record.prediction = None;
    }
    let changed = known != Some(&stored);
    Folded { stored, record: told, changed, opened, closed, given_up }
}

/// What an event of an earlier attempt makes of it; nothing when that is not waited for.
fn fold_former(known: &StoredDeployment, event: &DeploymentEvent) -> Folded {
    let mut stored = known.clone();
    let Some(former) = stored.former.as_deref_mut().filter(|former| former.attempt == event.attempt) else {
        let record = known.record.clone();
        return Folded { stored, record, changed: false, opened: false, closed: false, given_up: None };
    };
    let closed = advance(former, event);
    let record = former.clone();
    if closed {
        stored.former = None;
    }
    let changed = *known != stored;
    Folded { stored, record, changed, opened: false, closed, given_up: None }
}

/// Moves an attempt on; true for the event that ends it.
fn advance(record: &mut DeploymentRecord, event: &DeploymentEvent) -> bool {
    let at = event.occurred_at;
    let was_running = is_running(record);
    match event.phase {
        Phase::Requested => record.requested_at = earliest(record.requested_at, at),
        Phase::Started => {
            record.started_at = earliest(record.started_at, at);
            record.state = record.state.max(DeploymentState::Started);
        }
        // A conclusion is given once: a repeat, and above all a later `inactive`, changes nothing.
        Phase::Finished if record.conclusion.is_none() => {
            record.conclusion.clone_from(&event.conclusion);
            record.finished_at = Some(at);
            record.state = record.state.max(DeploymentState::Finished);
        }
        // An end as well, also without a conclusion: nobody rolls a rollout back and then waits for it.
        Phase::RolledBack => record.state = DeploymentState::RolledBack,
        Phase::Finished | Phase::Step | Phase::Changed => {}
    }
    was_running && !is_running(record)
}

fn is_running(record: &DeploymentRecord) -> bool {
    record.conclusion.is_none() && record.state != DeploymentState::RolledBack
}

/// Conclusions that mean `rollout_failed`.
pub fn is_failure(conclusion: Option<&str>) -> bool {
    matches!(conclusion, Some("failure" | "error" | "timeout"))
}

fn fill<T: Clone>(known: &mut Option<T>, told: &Option<T>) {
    if known.is_none() {
        known.clone_from(told);
    }
}

fn earliest(known: Option<i64>, told: i64) -> Option<i64> {
    Some(known.map_or(told, |known| known.min(told)))
}

fn step_id(key: &str) -> u64 {
    let digest = Sha256::digest(key.as_bytes());
    digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
