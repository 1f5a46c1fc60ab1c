//! What goes first when a region is full. Each tree keeps its records in the order of their value.
//!
//! Running attempts and open incidents go by their last event, the oldest first: of what nothing was heard for longest the
//! end was most likely lost, and it would otherwise never leave. A running attempt takes its prediction with it. Services
//! and resources go by their last event too; a service stays while something of it runs, is open or is measured.

use crate::keys::{Table, split_value_key, value_time};
use crate::{ACTIVE, HISTORY, INCIDENTS, INFRASTRUCTURE, StoreError, deployments, incidents, resource, service};
use paged::{Pages, PagesMut, Region, Tree};

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

/// The time of services and resources in the order of eviction: to the hour, so that not every event moves them in it.
pub(crate) fn hour_of(time: i64) -> i64 {
    time.div_euclid(HOUR_MS) * HOUR_MS
}

/// The least valuable record of a region; none when it holds none that may go.
pub fn oldest(pages: &impl Pages, region: Region) -> Option<Oldest> {
    let tree = tree_of(region);
    let mut cursor = tree.seek(pages, &[Table::Value as u8]);
    for _ in 0..PASSED_OVER_MAX {
        let (key, _) = cursor.next(pages)?;
        if key.first() != Some(&(Table::Value as u8)) {
            return None;
        }
        let record = split_value_key(key)?;
        if record.first() != Some(&(Table::Service as u8)) || service::may_go(pages, record) {
            return Some(Oldest { time: value_time(key)?, entry: key.to_vec() });
        }
    }
    None
}

/// Drops it. Nothing here needs a page: what is left is smaller.
pub fn evict(pages: &mut impl PagesMut, region: Region, oldest: &Oldest) -> Result<(), StoreError> {
    let tree = tree_of(region);
    let Some(record) = split_value_key(&oldest.entry) else { return Ok(()) };
    match record.first() {
        Some(&tag) if tag == Table::Deployment as u8 => deployments::evict(pages, tree, record),
        Some(&tag) if tag == Table::Incident as u8 => incidents::evict(pages, tree, record)?,
        Some(&tag) if tag == Table::Resource as u8 => resource::evict(pages, record),
        _ => {
            tree.remove(pages, record);
        }
    }
    tree.remove(pages, &oldest.entry);
    Ok(())
}

fn tree_of(region: Region) -> Tree {
    match region {
        Region::InfrastructureState => INFRASTRUCTURE,
        Region::DeploymentHistory => HISTORY,
        Region::IncidentDatabase => INCIDENTS,
        Region::ActiveOperations => ACTIVE,
    }
}
