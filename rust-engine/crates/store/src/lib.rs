//! Records in a shard's pages: deployments and CI runs, changes, incidents, resources, services, rolling scopes, timings, scores.
//!
//! Each kind has a pure part (how an event changes a record) and a part that keeps the record and its indexes.

mod buckets;
mod change;
mod component;
mod deployment;
mod deployments;
mod event;
mod evict;
mod facet;
mod incident;
mod incidents;
mod keys;
mod known;
mod list;
mod past;
mod resource;
mod rolling;
mod scores;
mod service;
mod stored;
mod timings;
#[cfg(test)]
mod versions;

pub use buckets::{Buckets, buckets_add, buckets_read};
pub use change::change_of;
pub use component::component;
pub use deployment::{ChangeSize, DeploymentRecord, DeploymentState, Steps, Subject};
pub use deployments::{
    DeploymentApplied, DeploymentFilter, apply_deployment, attach_prediction, deployment, deployments,
};
pub use event::{DeploymentEvent, IncidentEvent, IncidentPhase, InfrastructureEvent, Phase, check_service};
pub use evict::{Dropped, Oldest, QUIET_MS, What, evict, oldest};
pub use incident::{IncidentRecord, IncidentState};
pub use incidents::{IncidentApplied, IncidentFilter, apply_incident, incident, incidents, incidents_with_key};
pub use known::AsKnown;
pub use list::ListPage;
pub use past::CHANGES_MAX;
pub use resource::{ResourceRecord, apply_infrastructure, resources};
pub use rolling::{ROLLING_WIDTH, rolling_add, rolling_read};
pub use scores::{SCORE_WIDTH, ScoreFields, ScoresRead, score_add, scores_read};
pub use service::{ServiceRecord, count_series, service, services, touch_service};
pub use stored::RECORDS_VERSION;
pub use timings::{TIMINGS_MAX, timings_add, timings_read};

use paged::{Region, Tree};
use pool::PoolError;
use thiserror::Error;

/// Longest event as JSON.
pub const EVENT_BYTES_MAX: usize = 256 * 1024;
/// Longest prediction text.
pub const PREDICTION_BYTES_MAX: usize = 4096;

/// Why a record was not taken.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// No page for it.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The event contradicts its contract.
    #[error("{field}: {reason}")]
    RecordInvalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl StoreError {
    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::RecordInvalid { field, reason: reason.into() }
    }
}

const INFRASTRUCTURE: Tree = Tree::of(Region::InfrastructureState);
const HISTORY: Tree = Tree::of(Region::DeploymentHistory);
const INCIDENTS: Tree = Tree::of(Region::IncidentDatabase);
const ACTIVE: Tree = Tree::of(Region::ActiveOperations);

/// Pages that applying one event of this many bytes can need in each region that it touches.
pub fn pages_for_event(json_bytes: usize) -> u32 {
    Tree::pages_needed(json_bytes * 2) + 48
}
