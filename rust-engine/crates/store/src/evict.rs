//! What goes first when a region is full. Each tree that may drop records keeps them in the order of their value.

use crate::keys::{Table, split_value_key};
use crate::{HISTORY, INCIDENTS, deployments, incidents};
use paged::{PagesMut, Region};

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

/// Drops the least valuable record of a region; false when it holds none that may go.
pub fn evict_oldest(pages: &mut impl PagesMut, region: Region) -> bool {
    let tree = match region {
        Region::DeploymentHistory => HISTORY,
        Region::IncidentDatabase => INCIDENTS,
        Region::ActiveOperations | Region::InfrastructureState => return false,
    };
    let first = tree.seek(pages, &[Table::Value as u8]).next(pages).map(|(key, _)| key.to_vec());
    let Some(entry) = first.filter(|key| key.first() == Some(&(Table::Value as u8))) else { return false };
    let Some(record) = split_value_key(&entry) else { return false };
    match record.first() {
        Some(&tag) if tag == Table::Deployment as u8 => deployments::evict(pages, record),
        Some(&tag) if tag == Table::Incident as u8 => incidents::evict(pages, record),
        _ => {
            tree.remove(pages, record);
        }
    }
    tree.remove(pages, &entry);
    true
}
