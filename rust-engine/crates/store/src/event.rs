//! Events as they come in: JSON of the schemas of the topics. Fields that the store does not keep are skipped.

use crate::deployment::{ChangeSize, Subject};
use crate::{EVENT_BYTES_MAX, StoreError};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// A step in the life of a deployment, a CI run or a change.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // named and explained in schemas/events/DeploymentEvent.avsc
pub struct DeploymentEvent {
    pub occurred_at: i64,
    pub source: String,
    pub service: String,
    pub environment: String,
    pub subject: EventSubject,
    pub phase: Phase,
    pub key: String,
    pub attempt: u32,
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
    pub step: Option<Step>,
    #[serde(default)]
    pub links: Vec<String>,
    #[serde(default)]
    pub backfilled: bool,
}

/// What a deployment event speaks of.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum EventSubject {
    Deployment,
    CiRun,
    Change,
}

impl EventSubject {
    /// None for a change.
    pub fn run(self) -> Option<Subject> {
        match self {
            Self::Deployment => Some(Subject::Deployment),
            Self::CiRun => Some(Subject::CiRun),
            Self::Change => None,
        }
    }
}

/// Where in its life.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Phase {
    Requested,
    Started,
    Step,
    Finished,
    RolledBack,
    Changed,
}

/// A part of a run.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Step {
    pub key: String,
    pub state: StepState,
}

/// Where a step stands; later ones are larger.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum StepState {
    Queued,
    Waiting,
    InProgress,
    Completed,
}

/// An alert or incident as delivered.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // schemas/events/IncidentEvent.avsc
pub struct IncidentEvent {
    pub occurred_at: i64,
    pub source: String,
    pub service: String,
    pub environment: String,
    pub phase: IncidentPhase,
    pub key: String,
    pub title: String,
    pub severity: Option<String>,
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    pub starts_at: i64,
    pub ends_at: Option<i64>,
    pub generator_url: Option<String>,
}

/// Phase of an incident event.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum IncidentPhase {
    Firing,
    Acknowledged,
    Resolved,
}

/// State of a workload, node, quota or cloud resource.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // schemas/events/InfrastructureEvent.avsc
pub struct InfrastructureEvent {
    pub occurred_at: i64,
    pub service: String,
    pub environment: String,
    pub resource: String,
    pub kind: String,
    #[serde(default)]
    pub deleted: bool,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub quantities: BTreeMap<String, f64>,
}

/// Parses an event of one of the kinds above.
fn parse<T: DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    if json.len() > EVENT_BYTES_MAX {
        return Err(StoreError::invalid("event", format!("{} bytes, at most {EVENT_BYTES_MAX}", json.len())));
    }
    serde_json::from_str(json).map_err(|error| StoreError::invalid("event", error.to_string()))
}

/// Characters of a service, as JavaScript counts them.
const SERVICE_CHARS_MAX: usize = 256;
/// Characters of an environment. With the longest of both the record of a service still lies in its leaf, so that a count in
/// it changes without a new page.
const ENVIRONMENT_CHARS_MAX: usize = 63;

/// Refuses a name of a service that is empty or longer than 256 characters.
pub fn check_service(service: &str) -> Result<(), StoreError> {
    not_empty("service", service)?;
    not_longer("service", service, SERVICE_CHARS_MAX)
}

fn check_place(service: &str, environment: &str) -> Result<(), StoreError> {
    check_service(service)?;
    not_longer("environment", environment, ENVIRONMENT_CHARS_MAX)
}

fn not_longer(field: &'static str, text: &str, chars_max: usize) -> Result<(), StoreError> {
    match text.encode_utf16().count() {
        chars if chars > chars_max => {
            Err(StoreError::invalid(field, format!("{chars} characters, at most {chars_max}")))
        }
        _ => Ok(()),
    }
}

fn not_empty(field: &'static str, text: &str) -> Result<(), StoreError> {
    if text.is_empty() { Err(StoreError::invalid(field, "empty")) } else { Ok(()) }
}

impl DeploymentEvent {
    /// Parses and checks the JSON of an event.
    pub fn parse(json: &str) -> Result<Self, StoreError> {
        let event: Self = parse(json)?;
        not_empty("key", &event.key)?;
        check_place(&event.service, &event.environment)?;
        if event.attempt == 0 {
            return Err(StoreError::invalid("attempt", "0, counted from 1"));
        }
        if (event.subject == EventSubject::Change) != (event.phase == Phase::Changed) {
            return Err(StoreError::invalid("phase", "`changed` belongs to subject `change` alone"));
        }
        if event.phase == Phase::Step && event.step.is_none() {
            return Err(StoreError::invalid("step", "missing with phase step"));
        }
        if event.phase == Phase::Finished && event.conclusion.is_none() {
            return Err(StoreError::invalid("conclusion", "missing with phase finished"));
        }
        Ok(event)
    }
}

impl IncidentEvent {
    /// Parses and checks the JSON of an event.
    pub fn parse(json: &str) -> Result<Self, StoreError> {
        let event: Self = parse(json)?;
        not_empty("key", &event.key)?;
        check_place(&event.service, &event.environment)?;
        Ok(event)
    }
}

impl InfrastructureEvent {
    /// Parses and checks the JSON of an event.
    pub fn parse(json: &str) -> Result<Self, StoreError> {
        let event: Self = parse(json)?;
        not_empty("resource", &event.resource)?;
        check_place(&event.service, &event.environment)?;
        if let Some((name, _)) = event.quantities.iter().find(|(_, value)| !value.is_finite()) {
            return Err(StoreError::invalid("quantities", format!("{name} is not finite")));
        }
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_the_longest_names_is_taken_and_one_that_is_longer_is_refused_by_every_kind() {
        let refused = |service: &str, environment: &str| {
            let json = serde_json::json!({ "occurredAt": 1, "source": "s", "service": service, "environment": environment,
                "subject": "deployment", "phase": "started", "key": "k", "attempt": 1, "title": "t", "startsAt": 1,
                "resource": "r", "kind": "node" });
            let incident = json.to_string().replace("started", "firing");
            [
                DeploymentEvent::parse(&json.to_string()).err(),
                IncidentEvent::parse(&incident).err(),
                InfrastructureEvent::parse(&json.to_string()).err(),
            ]
        };
        let (service, environment) = ("€".repeat(SERVICE_CHARS_MAX), "e".repeat(ENVIRONMENT_CHARS_MAX));
        assert_eq!(refused(&service, &environment), [None, None, None]);
        let long = StoreError::invalid("service", "257 characters, at most 256");
        assert_eq!(refused(&format!("{service}x"), "e"), [(); 3].map(|()| Some(long.clone())));
        let long = StoreError::invalid("environment", "64 characters, at most 63");
        assert_eq!(refused("s", &format!("{environment}x")), [(); 3].map(|()| Some(long.clone())));
    }
}
