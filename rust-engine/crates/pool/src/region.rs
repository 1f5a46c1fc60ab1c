/// The four regions in the order in which they are reported.
pub const REGIONS: [Region; 4] =
    [Region::InfrastructureState, Region::DeploymentHistory, Region::IncidentDatabase, Region::ActiveOperations];

/// A part of the pool with its own quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Region {
    /// Services, resources, metric series.
    InfrastructureState = 0,
    /// Finished deployments and CI runs, changes, rolling scopes.
    DeploymentHistory = 1,
    /// Resolved incidents.
    IncidentDatabase = 2,
    /// Running deployments with their predictions, open incidents.
    ActiveOperations = 3,
}

impl Region {
    /// Position in `REGIONS`.
    #[inline]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name used outside.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InfrastructureState => "infrastructure_state",
            Self::DeploymentHistory => "deployment_history",
            Self::IncidentDatabase => "incident_database",
            Self::ActiveOperations => "active_operations",
        }
    }
}
