//! An incident and how events change it: firing → acknowledged → resolved, never back.

use crate::event::{IncidentEvent, IncidentPhase};
use crate::known::Known;
use crate::past::{small, undo};
use crate::stored::{Versioned, fields_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// State of an incident; it only moves to larger ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum IncidentState {
    Firing,
    Acknowledged,
    Resolved,
}

/// An incident as known now; the shape of `IncidentRecord` in records.ts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct IncidentRecord {
    pub key: String,
    pub service: String,
    pub environment: String,
    pub source: String,
    pub state: IncidentState,
    pub title: String,
    pub severity: Option<String>,
    pub summary: String,
    pub description: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub starts_at: i64,
    pub acknowledged_at: Option<i64>,
    pub ends_at: Option<i64>,
    pub generator_url: Option<String>,
}

small!(IncidentState);

// Key, service, environment and source never change.
undo!(IncidentRecord by starts_at (StartsAt), IncidentWas {
    State: state: IncidentState,
    Title: title: String,
    Severity: severity: Option<String>,
    Summary: summary: String,
    Description: description: String,
    Labels: labels: BTreeMap<String, String>,
    Annotations: annotations: BTreeMap<String, String>,
    StartsAt: starts_at: i64,
    AcknowledgedAt: acknowledged_at: Option<i64>,
    EndsAt: ends_at: Option<i64>,
    GeneratorUrl: generator_url: Option<String>,
});

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredIncident {
    pub record: IncidentRecord,
    /// The newest event, whose telling of title, labels and so on holds.
    pub told_at: i64,
    /// When the shard first knew of the record, and of what it now says; by the clock of the log.
    pub known: Known,
}

impl Versioned for StoredIncident {
    const VERSION: u8 = 2;

    fn of_version(version: u8, fields: &[u8]) -> Option<Self> {
        let StoredIncident1 { record, told_at } = match version {
            1 => fields_of(fields)?,
            _ => return None,
        };
        let at = record.ends_at.map_or(told_at, |at| at.max(told_at));
        Some(Self { known: Known { from: record.starts_at, at }, record, told_at })
    }
}

/// Version 1 did not keep when things became known: that was about when they happened.
#[derive(Deserialize)]
struct StoredIncident1 {
    record: IncidentRecord,
    told_at: i64,
}

/// What an event makes of what is known. `at`: when the log had it.
pub fn fold(known: Option<&StoredIncident>, event: &IncidentEvent, at: i64) -> StoredIncident {
    let mut stored = known.cloned().unwrap_or_else(|| open(event, Known::since(at)));
    if event.occurred_at > stored.told_at {
        retell(&mut stored, event);
    }
    let record = &mut stored.record;
    record.starts_at = record.starts_at.min(event.starts_at);
    match event.phase {
        IncidentPhase::Firing => {}
        IncidentPhase::Acknowledged => {
            let at = record.acknowledged_at.map_or(event.occurred_at, |known| known.min(event.occurred_at));
            record.acknowledged_at = Some(at);
            record.state = record.state.max(IncidentState::Acknowledged);
        }
        IncidentPhase::Resolved if record.state != IncidentState::Resolved => {
            record.ends_at = Some(event.ends_at.unwrap_or(event.occurred_at));
            record.state = IncidentState::Resolved;
        }
        IncidentPhase::Resolved => {}
    }
    stored
}

fn open(event: &IncidentEvent, known: Known) -> StoredIncident {
    let record = IncidentRecord {
        key: event.key.clone(),
        service: event.service.clone(),
        environment: event.environment.clone(),
        source: event.source.clone(),
        state: IncidentState::Firing,
        title: event.title.clone(),
        severity: event.severity.clone(),
        summary: event.summary.clone(),
        description: event.description.clone(),
        labels: event.labels.clone(),
        annotations: event.annotations.clone(),
        starts_at: event.starts_at,
        acknowledged_at: None,
        ends_at: None,
        generator_url: event.generator_url.clone(),
    };
    StoredIncident { record, told_at: event.occurred_at, known }
}

fn retell(stored: &mut StoredIncident, event: &IncidentEvent) {
    let told = open(event, stored.known).record;
    let known = &stored.record;
    stored.record = IncidentRecord {
        service: known.service.clone(),
        environment: known.environment.clone(),
        source: known.source.clone(),
        state: known.state,
        severity: told.severity.or_else(|| known.severity.clone()),
        starts_at: known.starts_at,
        acknowledged_at: known.acknowledged_at,
        ends_at: known.ends_at,
        generator_url: told.generator_url.or_else(|| known.generator_url.clone()),
        ..told
    };
    stored.told_at = event.occurred_at;
}
