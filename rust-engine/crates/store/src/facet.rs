//! By what lists select: the entries of a time index stand in groups, one for each facet.

use crate::deployment::{DeploymentRecord, DeploymentState, Subject};
use crate::incident::{IncidentRecord, IncidentState};

/// What a record is, as far as lists select by it: two bytes of its index entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facet(pub [u8; 2]);

/// Entries where records stood in the list at an earlier time. No record has this facet.
pub const PAST: Facet = Facet([0xff, 0xff]);

/// Codes are positions from 1: append only.
const CONCLUSIONS: [&str; 10] = [
    "success",
    "failure",
    "error",
    "timeout",
    "cancelled",
    "skipped",
    "neutral",
    "action_required",
    "stale",
    "inactive",
];
const SEVERITIES: [&str; 12] =
    ["critical", "page", "error", "high", "major", "warning", "medium", "minor", "low", "info", "none", "ticket"];
const NONE: u8 = 0;
/// Shared by all texts without a code of their own: few groups, whatever sources make up.
const OTHER: u8 = 0xfe;

fn code_of(codes: &[&str], text: Option<&str>) -> u8 {
    let Some(text) = text else { return NONE };
    codes.iter().position(|code| *code == text).map_or(OTHER, |at| at as u8 + 1)
}

/// Of a conclusion; none for what has none.
pub fn conclusion_code(conclusion: Option<&str>) -> u8 {
    code_of(&CONCLUSIONS, conclusion)
}

/// Of a severity; none for what has none.
pub fn severity_code(severity: Option<&str>) -> u8 {
    code_of(&SEVERITIES, severity)
}

impl Facet {
    pub fn of_deployment(record: &DeploymentRecord) -> Self {
        let kind = kind_byte(record.subject) | record.state as u8;
        Self([kind, conclusion_code(record.conclusion.as_deref())])
    }

    pub fn of_incident(record: &IncidentRecord) -> Self {
        Self([record.state as u8, severity_code(record.severity.as_deref())])
    }

    pub fn is_of_subject(self, subject: Subject) -> bool {
        self.0[0] & SUBJECT_MASK == kind_byte(subject)
    }

    pub fn is_in_state(self, state: DeploymentState) -> bool {
        self.0[0] & !SUBJECT_MASK == state as u8
    }

    pub fn is_incident_in(self, state: IncidentState) -> bool {
        self.0[0] == state as u8
    }

    pub fn has_code(self, code: u8) -> bool {
        self.0[1] == code
    }
}

const SUBJECT_MASK: u8 = 0x10;

fn kind_byte(subject: Subject) -> u8 {
    match subject {
        Subject::Deployment => 0,
        Subject::CiRun => SUBJECT_MASK,
    }
}
