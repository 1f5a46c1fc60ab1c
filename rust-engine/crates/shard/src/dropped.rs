//! What a shard dropped to make room, by kind, and its newest time: a table in its root page (docs/eviction.md), so that both
//! move with the shard and come back with a snapshot. No part of the state's digest: what goes depends on the other shards
//! of the pool too.

use paged::{Pages, PagesMut, ROOT_PAGE, Region, ordered, read_u64, unordered, write};
use serde::{Deserialize, Serialize};
use series::Resolution;
use store::What;

/// Where the table stands in the root page.
const CLOCK_AT: usize = 2048;
const KINDS_AT: usize = CLOCK_AT + 16;
const KIND_BYTES: usize = 16;

/// Kinds of what goes, in the order of the table; new ones are added at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // rust-engine/ts/records.ts
pub enum Kind {
    Samples,
    #[serde(rename = "samples_5m")]
    SamplesFiveMinutes,
    #[serde(rename = "samples_1h")]
    SamplesHour,
    Series,
    Resources,
    Services,
    CiRunsSuccessful,
    CiRunsFailed,
    Changes,
    RollingScopes,
    Deployments,
    Incidents,
    OperationsGivenUp,
    CiRunScores,
    DeploymentScores,
}

/// All kinds.
pub const KINDS: [Kind; 15] = [
    Kind::Samples,
    Kind::SamplesFiveMinutes,
    Kind::SamplesHour,
    Kind::Series,
    Kind::Resources,
    Kind::Services,
    Kind::CiRunsSuccessful,
    Kind::CiRunsFailed,
    Kind::Changes,
    Kind::RollingScopes,
    Kind::Deployments,
    Kind::Incidents,
    Kind::OperationsGivenUp,
    Kind::CiRunScores,
    Kind::DeploymentScores,
];

impl Kind {
    /// The region that it makes room in.
    pub const fn region(self) -> Region {
        match self {
            Self::Samples
            | Self::SamplesFiveMinutes
            | Self::SamplesHour
            | Self::Series
            | Self::Resources
            | Self::Services => Region::InfrastructureState,
            Self::CiRunsSuccessful
            | Self::CiRunsFailed
            | Self::Changes
            | Self::RollingScopes
            | Self::Deployments
            | Self::CiRunScores
            | Self::DeploymentScores => Region::DeploymentHistory,
            Self::Incidents => Region::IncidentDatabase,
            Self::OperationsGivenUp => Region::ActiveOperations,
        }
    }

    /// That of samples.
    pub const fn of_samples(resolution: Resolution) -> Self {
        match resolution {
            Resolution::Raw => Self::Samples,
            Resolution::FiveMinutes => Self::SamplesFiveMinutes,
            Resolution::Hour => Self::SamplesHour,
        }
    }

    /// That of a record.
    pub const fn of_record(what: What) -> Self {
        match what {
            What::CiRun => Self::CiRunsSuccessful,
            What::FailedCiRun => Self::CiRunsFailed,
            What::Change => Self::Changes,
            What::RollingScope => Self::RollingScopes,
            What::Deployment => Self::Deployments,
            What::CiRunScore => Self::CiRunScores,
            What::DeploymentScore => Self::DeploymentScores,
            What::Incident => Self::Incidents,
            What::Resource => Self::Resources,
            What::Service => Self::Services,
            What::Operation => Self::OperationsGivenUp,
        }
    }

    fn place(self) -> usize {
        KINDS_AT + self as usize * KIND_BYTES
    }
}

/// Of one kind, what a shard dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// The kind.
    pub kind: Kind,
    /// How many since the shard began.
    pub records: u64,
    /// Everything of the kind with a later time is there, as far as the log brought it. None: everything is.
    pub until: Option<i64>,
}

/// What is known of a kind.
pub fn dropped(pages: &impl Pages, kind: Kind) -> Dropped {
    let root = pages.page(ROOT_PAGE);
    Dropped { kind, records: read_u64(root, kind.place()), until: time_at(root, kind.place() + 8) }
}

/// Counts what was dropped; nothing after `until` was.
pub fn note(pages: &mut impl PagesMut, kind: Kind, records: u64, until: i64) {
    let known = dropped(pages, kind);
    let until = known.until.map_or(until, |known| known.max(until));
    let root = pages.page_mut(ROOT_PAGE);
    write(root, kind.place(), &(known.records + records).to_le_bytes());
    write(root, kind.place() + 8, &ordered(until).to_le_bytes());
}

/// The newest time that the shard heard of.
pub fn clock(pages: &impl Pages) -> Option<i64> {
    time_at(pages.page(ROOT_PAGE), CLOCK_AT)
}

/// Tells the shard a time.
pub fn advance(pages: &mut impl PagesMut, at: i64) {
    if clock(pages).is_none_or(|clock| clock < at) {
        write(pages.page_mut(ROOT_PAGE), CLOCK_AT, &ordered(at).to_le_bytes());
    }
}

/// A time kept so that the zeros of a new page mean none.
fn time_at(page: &paged::Page, at: usize) -> Option<i64> {
    Some(read_u64(page, at)).filter(|bits| *bits != 0).map(unordered)
}
