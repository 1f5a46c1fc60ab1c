//! What an entry of a tree is, for the figures of the memory.

use crate::deployment::Subject;
use crate::keys::Table;

/// The kind of an entry of this crate; none for those of others in the same tree. `beginning`: of its value.
pub fn component(key: &[u8], beginning: &[u8]) -> Option<&'static str> {
    let tag = *key.first()?;
    let is = |tables: &[Table]| tables.iter().any(|table| *table as u8 == tag);
    Some(match tag {
        _ if is(&[Table::Deployment]) => deployment(beginning),
        _ if is(&[Table::Incident]) => "incidents",
        _ if is(&[Table::Change]) => "changes",
        _ if is(&[Table::Rolling]) => "rolling",
        _ if is(&[Table::Buckets]) => "buckets",
        _ if is(&[Table::Score]) => "scores",
        _ if is(&[Table::Timings]) => "timings",
        _ if is(&[Table::DeploymentPast]) => "deployment_pasts",
        _ if is(&[Table::IncidentPast]) => "incident_pasts",
        _ if is(&[Table::Resource]) => "resources",
        _ if is(&[Table::Service]) => "services",
        _ if is(&[Table::DeploymentByTime, Table::DeploymentByService]) => "deployment_indexes",
        _ if is(&[Table::IncidentByTime, Table::IncidentByService]) => "incident_indexes",
        _ if is(&[Table::ResourceByService]) => "resource_indexes",
        _ if is(&[Table::Value]) => "eviction_order",
        _ => return None,
    })
}

/// Behind its version a record begins with its key and its subject.
fn deployment(beginning: &[u8]) -> &'static str {
    match postcard::take_from_bytes::<(&str, Subject)>(beginning.get(1..).unwrap_or_default()) {
        Ok(((_, Subject::CiRun), _)) => "ci_runs",
        _ => "deployments",
    }
}
