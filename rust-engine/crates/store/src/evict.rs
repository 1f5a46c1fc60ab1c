//! What goes first when a region is full. Each tree keeps its records in the order of their value.
//!
//! What is active never goes: a running attempt or an open incident of which nothing was heard for `QUIET_MS` counts as lost,
//! and moves to where the finished ones lie, with its prediction; there it is taken up again when it is heard of, or goes in
//! its turn. Services and resources go by their last event; a service stays while something of it runs, is open or is measured.

use crate::keys::{Table, split_value_key, value_time};
use crate::{
    ACTIVE, HISTORY, INCIDENTS, INFRASTRUCTURE, StoreError, buckets, deployments, incidents, resource, scores, service,
};
use paged::{Pages, PagesMut, Region, Tree};

/// Silence after which an operation counts as lost: sources tell what runs or is open again within hours.
pub const QUIET_MS: i64 = 7 * 24 * HOUR_MS;
/// Where the time alone decides.
pub(crate) const ONE_CLASS: u8 = 0;
/// Services that may not go, passed over in one search for one that may.
const PASSED_OVER_MAX: usize = 64;
const HOUR_MS: i64 = 3_600_000;

/// Classes of the deployment history; the smallest goes first, within a class the oldest.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Class {
    Run = 0,
    FailedRun = 1,
    Change = 2,
    Rolling = 3,
    Deployment = 4,
}

/// The record of a region that goes next.
#[derive(Clone, Debug)]
pub struct Oldest {
    /// The time that it goes by.
    pub time: i64,
    entry: Vec<u8>,
}

/// What went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Its kind.
    pub what: What,
    /// How many: one, but for scores.
    pub records: u64,
    /// The time that lists and windows know it by, the latest of several.
    pub at: i64,
}

/// Kinds of records that go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum What {
    /// One that did not fail, as far as is known.
    CiRun,
    FailedCiRun,
    Change,
    RollingScope,
    Deployment,
    CiRunScore,
    DeploymentScore,
    Incident,
    Resource,
    Service,
    /// A running attempt or open incident that counts as lost; it is kept, among those that are over.
    Operation,
}

/// The time of services and resources in the order of eviction: to the hour, so that not every event moves them in it.
pub(crate) fn hour_of(time: i64) -> i64 {
    time.div_euclid(HOUR_MS) * HOUR_MS
}

/// The least valuable record of a region; none when it holds none that may go. Where the time alone decides, only one that
/// is at most as late as `latest`.
pub fn oldest(pages: &impl Pages, region: Region, latest: i64) -> Option<Oldest> {
    let tree = tree_of(region);
    let mut cursor = tree.seek(pages, &[Table::Value as u8]);
    for _ in 0..PASSED_OVER_MAX {
        let (key, _) = cursor.next(pages)?;
        if key.first() != Some(&(Table::Value as u8)) {
            return None;
        }
        let (record, time) = (split_value_key(key)?, value_time(key)?);
        if time > latest {
            return None;
        }
        if record.first() != Some(&(Table::Service as u8)) || service::may_go(pages, record) {
            return Some(Oldest { time, entry: key.to_vec() });
        }
    }
    None
}

/// Drops it. Nothing here needs a page, as what is left is smaller; but for an operation, which is refused when the region
/// that it moves to has none.
pub fn evict(pages: &mut impl PagesMut, region: Region, oldest: &Oldest) -> Result<Option<Dropped>, StoreError> {
    let tree = tree_of(region);
    let Some(record) = split_value_key(&oldest.entry) else { return Ok(None) };
    let table = record.first().copied();
    let is = |wanted: Table| table == Some(wanted as u8);
    if region == Region::ActiveOperations {
        if is(Table::Deployment) {
            deployments::lose(pages, record)?;
        } else {
            incidents::lose(pages, record)?;
        }
        tree.remove(pages, &oldest.entry);
        return Ok(Some(Dropped { what: What::Operation, records: 1, at: oldest.time }));
    }
    let class = oldest.entry.get(1).copied();
    if is(Table::Score) {
        let (records, latest, is_empty) = scores::evict(pages, record);
        if is_empty {
            tree.remove(pages, &oldest.entry);
        }
        let is_run = class == Some(Class::FailedRun as u8);
        let what = if is_run { What::CiRunScore } else { What::DeploymentScore };
        return Ok(Some(Dropped { what, records, at: latest.unwrap_or(oldest.time) }));
    }
    let (what, at) = if is(Table::Deployment) {
        deployments::evict(pages, tree, record);
        let run = if class == Some(Class::FailedRun as u8) { What::FailedCiRun } else { What::CiRun };
        (if class == Some(Class::Deployment as u8) { What::Deployment } else { run }, None)
    } else if is(Table::Incident) {
        (What::Incident, incidents::evict(pages, tree, record))
    } else if is(Table::Resource) {
        (What::Resource, resource::evict(pages, record))
    } else {
        let last = match table {
            Some(table) if table == Table::Service as u8 => service::last_event_at(pages, record),
            Some(table) if table == Table::Buckets as u8 => buckets::held_until(pages, record),
            _ => None,
        };
        tree.remove(pages, record);
        let other = if is(Table::Change) { What::Change } else { What::RollingScope };
        (if is(Table::Service) { What::Service } else { other }, last)
    };
    tree.remove(pages, &oldest.entry);
    Ok(Some(Dropped { what, records: 1, at: at.unwrap_or(oldest.time) }))
}

fn tree_of(region: Region) -> Tree {
    match region {
        Region::InfrastructureState => INFRASTRUCTURE,
        Region::DeploymentHistory => HISTORY,
        Region::IncidentDatabase => INCIDENTS,
        Region::ActiveOperations => ACTIVE,
    }
}
