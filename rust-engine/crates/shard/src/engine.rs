use crate::dropped::{self, Dropped, KINDS, Kind};
use crate::error::EngineError;
use crate::persist::Base;
use crate::records;
use crate::restore::Restoring;
use crate::survey::{Holding, Survey};
use paged::{Heap, PageImage, Region, Space, View};
use pool::{PAGE_BYTES, Pool, PoolError, PoolOptions};
use store::{
    AsKnown, Buckets, DeploymentApplied, DeploymentEvent, DeploymentFilter, DeploymentRecord, IncidentApplied,
    IncidentEvent, IncidentFilter, IncidentPhase, IncidentRecord, InfrastructureEvent, ListPage, Phase, ResourceRecord,
    ServiceRecord, StoreError,
};

/// Scopes of one call.
const SCOPES_MAX: usize = 1024;

/// Names a loaded shard; invalid once it is dropped, also when the shard is loaded again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    /// The shard.
    pub shard: u16,
    /// Counts its loads.
    pub generation: u32,
}

#[derive(Debug)]
pub(crate) struct Loaded {
    pub heap: Heap,
    pub generation: u32,
    pub base: Option<Base>,
    /// What its pages held when they were last looked at.
    pub holdings: Option<Vec<Holding>>,
    /// A chunk of samples that is being dropped.
    pub dropping: Option<series::Dropping>,
}

/// One pool and its shards.
#[derive(Debug)]
pub struct Engine {
    pub(crate) pool: Pool,
    pub(crate) shards: Vec<Option<Loaded>>,
    /// Most pages that calls asked for of late, in the order of `REGIONS`.
    pub(crate) asked: [u32; 4],
    pub(crate) snapshotting: Option<u16>,
    pub(crate) restoring: Vec<Restoring>,
    pub(crate) survey: Option<Survey>,
    /// Stale pages at the last `release_idle`.
    stale: u32,
    generation: u32,
    pub(crate) late_window: i64,
}

impl Engine {
    /// Maps the pool.
    pub fn open(options: &PoolOptions) -> Result<Self, EngineError> {
        let shards = (0..options.shards).map(|_| None).collect();
        let (asked, restoring) = ([0; 4], Vec::new());
        let pool = Pool::open(options)?;
        let late_window = series::LATE_WINDOW_MS;
        let (survey, snapshotting) = (None, None);
        Ok(Self { pool, shards, asked, snapshotting, restoring, survey, stale: 0, generation: 0, late_window })
    }

    /// Sets how much older than the newest sample of its target a sample may be, in ms. The state is that of the log only
    /// while this stays the same.
    pub fn set_late_window(&mut self, ms: i64) -> Result<(), EngineError> {
        if ms < 0 {
            let reason = format!("{ms} is negative");
            return Err(PoolError::OptionsInvalid { field: "lateWindowMs", reason }.into());
        }
        self.late_window = ms;
        Ok(())
    }

    /// A new empty shard.
    pub fn create(&mut self, shard: u16) -> Result<Handle, EngineError> {
        self.check_free(shard)?;
        self.room_for_event(Region::ActiveOperations, 1)?;
        let heap = Heap::create(&mut self.pool, shard)?;
        let handle = self.next_handle(shard);
        self.enter(handle, heap, None);
        Ok(handle)
    }

    /// Gives all pages of a shard back.
    pub fn drop_shard(&mut self, handle: Handle) -> Result<(), EngineError> {
        self.heap(handle)?;
        if let Some(mut loaded) = self.shards[usize::from(handle.shard)].take() {
            loaded.heap.drop_pages(&mut self.pool);
        }
        self.pool.release_stale();
        Ok(())
    }

    /// Gives the memory of free pages back to the system when none was taken or given back since the last call; to be
    /// called now and then. How many bytes.
    pub fn release_idle(&mut self) -> u64 {
        let stale = self.pool.stale_pages();
        let is_idle = stale > 0 && stale == self.stale;
        let released = if is_idle { self.pool.release_stale() } else { 0 };
        self.stale = stale - released;
        u64::from(released) * PAGE_BYTES as u64
    }

    /// A copy of the shard's pages.
    pub fn image(&self, handle: Handle) -> Result<PageImage, EngineError> {
        Ok(self.heap(handle)?.image(&self.pool))
    }

    /// Digest of the shard's state, in hex.
    pub fn state_hash(&self, handle: Handle) -> Result<String, EngineError> {
        Ok(format!("{:032x}", crate::digest(&self.view(handle)?)))
    }

    /// What the shard dropped of each kind, and since when it is whole.
    pub fn dropped(&self, handle: Handle) -> Result<Vec<Dropped>, EngineError> {
        let view = self.view(handle)?;
        Ok(KINDS.map(|kind| dropped::dropped(&view, kind)).to_vec())
    }

    /// Notes that the log did not bring all of these kinds up to a time.
    pub fn note_gap(&mut self, handle: Handle, kinds: &[Kind], until: i64) -> Result<(), EngineError> {
        let mut space = self.space_with(handle, &[], 0)?;
        kinds.iter().for_each(|kind| dropped::note(&mut space, *kind, 0, until));
        Ok(())
    }

    /// Applies the JSON of a DeploymentEvent that the log had at `at`.
    pub fn apply_deployment(&mut self, handle: Handle, json: &str, at: i64) -> Result<DeploymentApplied, EngineError> {
        self.heap(handle)?;
        let event = DeploymentEvent::parse(json)?;
        // An end only takes out of what runs: it asks for no room there.
        let ends = matches!(event.phase, Phase::Finished | Phase::RolledBack);
        let room = [Region::DeploymentHistory, Region::InfrastructureState];
        if !ends {
            // Room for the prediction too, so that what was opened can be predicted.
            let pages = store::pages_for_event(json.len()) + store::pages_for_event(store::PREDICTION_BYTES_MAX);
            self.space_with_pages(handle, &[Region::ActiveOperations], pages)?;
        }
        let mut space = self.space_with(handle, &room, json.len())?;
        let applied = match store::apply_deployment(&mut space, &event, at) {
            // The end of a former attempt may still have to move its smaller record. Nothing was changed yet.
            Err(StoreError::Pool(PoolError::PoolFull { region: Region::ActiveOperations, .. })) => {
                let mut space = self.space_with(handle, &[Region::ActiveOperations], json.len())?;
                store::apply_deployment(&mut space, &event, at)?
            }
            applied => applied?,
        };
        self.heard(handle, event.occurred_at)?;
        Ok(applied)
    }

    /// Keeps a prediction with a running attempt.
    pub fn attach_prediction(
        &mut self,
        handle: Handle,
        service: &str,
        key: &str,
        attempt: u32,
        prediction: &str,
    ) -> Result<bool, EngineError> {
        // An attempt may wait for its end in the history, behind a later one that is over.
        let room = [Region::ActiveOperations, Region::DeploymentHistory];
        let mut space = self.space_with(handle, &room, store::PREDICTION_BYTES_MAX)?;
        Ok(store::attach_prediction(&mut space, service, key, attempt, prediction)?)
    }

    /// The deployment or CI run of a service with this key, as known at a time or now.
    pub fn deployment(
        &self,
        handle: Handle,
        service: &str,
        key: &str,
        at: Option<i64>,
    ) -> Result<Option<AsKnown<DeploymentRecord>>, EngineError> {
        Ok(store::deployment(&self.view(handle)?, service, key, at))
    }

    /// Lists deployments, newest first.
    pub fn deployments(
        &self,
        handle: Handle,
        filter: &DeploymentFilter,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<ListPage<DeploymentRecord>, EngineError> {
        Ok(store::deployments(&self.view(handle)?, filter, limit, cursor)?)
    }

    /// Size of the change with this commit.
    pub fn change_of(
        &self,
        handle: Handle,
        service: &str,
        sha: &str,
    ) -> Result<Option<store::ChangeSize>, EngineError> {
        Ok(store::change_of(&self.view(handle)?, service, sha))
    }

    /// Adds one outcome to each scope.
    pub fn rolling_add(
        &mut self,
        handle: Handle,
        scopes: &[String],
        at: i64,
        failed: bool,
        duration_s: f64,
    ) -> Result<(), EngineError> {
        if scopes.len() > SCOPES_MAX {
            let reason = format!("{} scopes, at most {SCOPES_MAX}", scopes.len());
            return Err(EngineError::RecordInvalid { field: "scopes", reason });
        }
        let mut space = self.space_with(handle, &[Region::DeploymentHistory], scopes.len() * PAGE_BYTES)?;
        for scope in scopes {
            store::rolling_add(&mut space, scope, at, failed, duration_s)?;
        }
        Ok(())
    }

    /// Writes the fields of each scope into `out`.
    pub fn rolling_read(&self, handle: Handle, scopes: &[String], at: i64, out: &mut [f64]) -> Result<(), EngineError> {
        let view = self.view(handle)?;
        if out.len() < scopes.len() * store::ROLLING_WIDTH {
            let reason = format!("{} numbers for {} scopes", out.len(), scopes.len());
            return Err(EngineError::RecordInvalid { field: "out", reason });
        }
        for (scope, out) in scopes.iter().zip(out.chunks_exact_mut(store::ROLLING_WIDTH)) {
            store::rolling_read(&view, scope, at, out);
        }
        Ok(())
    }

    /// Counts one outcome of a scope in the buckets of its own time.
    pub fn buckets_add(&mut self, handle: Handle, scope: &str, at: i64, failed: bool) -> Result<(), EngineError> {
        let mut space = self.space_with(handle, &[Region::DeploymentHistory], PAGE_BYTES)?;
        Ok(store::buckets_add(&mut space, scope, at, failed)?)
    }

    /// Writes finished and failed of each bucket from `first` on.
    pub fn buckets_read(
        &self,
        handle: Handle,
        scope: &str,
        buckets: Buckets,
        first: i64,
        out: &mut [f64],
    ) -> Result<(), EngineError> {
        store::buckets_read(&self.view(handle)?, scope, buckets, first, out);
        Ok(())
    }

    /// Applies the JSON of an IncidentEvent that the log had at `at`.
    pub fn apply_incident(&mut self, handle: Handle, json: &str, at: i64) -> Result<IncidentApplied, EngineError> {
        self.heap(handle)?;
        let event = IncidentEvent::parse(json)?;
        let room: &[Region] = match event.phase {
            IncidentPhase::Resolved => &[Region::IncidentDatabase, Region::InfrastructureState],
            _ => &[Region::ActiveOperations, Region::IncidentDatabase, Region::InfrastructureState],
        };
        let mut space = self.space_with(handle, room, json.len())?;
        let applied = store::apply_incident(&mut space, &event, at)?;
        self.heard(handle, event.occurred_at)?;
        Ok(applied)
    }

    /// The incident of a service with this key, as known at a time or now.
    pub fn incident(
        &self,
        handle: Handle,
        service: &str,
        key: &str,
        at: Option<i64>,
    ) -> Result<Option<AsKnown<IncidentRecord>>, EngineError> {
        Ok(store::incident(&self.view(handle)?, service, key, at))
    }

    /// The incidents with this key, one for each service that has it.
    pub fn incidents_with_key(
        &self,
        handle: Handle,
        key: &str,
        limit: usize,
    ) -> Result<Vec<IncidentRecord>, EngineError> {
        Ok(store::incidents_with_key(&self.view(handle)?, key, limit))
    }

    /// Lists incidents, newest first.
    pub fn incidents(
        &self,
        handle: Handle,
        filter: &IncidentFilter,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<ListPage<IncidentRecord>, EngineError> {
        Ok(store::incidents(&self.view(handle)?, filter, limit, cursor)?)
    }

    /// Applies the JSON of an InfrastructureEvent.
    pub fn apply_infrastructure(&mut self, handle: Handle, json: &str) -> Result<bool, EngineError> {
        self.heap(handle)?;
        let event = InfrastructureEvent::parse(json)?;
        let mut space = self.space_with(handle, &[Region::InfrastructureState], json.len())?;
        let changed = store::apply_infrastructure(&mut space, &event)?;
        self.heard(handle, event.occurred_at)?;
        Ok(changed)
    }

    /// Resources of a service.
    pub fn resources(&self, handle: Handle, service: &str, limit: usize) -> Result<Vec<ResourceRecord>, EngineError> {
        Ok(store::resources(&self.view(handle)?, service, limit))
    }

    /// The service with this name.
    pub fn service(&self, handle: Handle, service: &str) -> Result<Option<ServiceRecord>, EngineError> {
        Ok(store::service(&self.view(handle)?, service))
    }

    /// Lists services by name.
    pub fn services(
        &self,
        handle: Handle,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<ListPage<ServiceRecord>, EngineError> {
        Ok(store::services(&self.view(handle)?, limit, cursor)?)
    }

    pub(crate) fn view(&self, handle: Handle) -> Result<View<'_>, EngineError> {
        Ok(View { pool: &self.pool, heap: self.heap(handle)? })
    }

    /// The shard's space with room for an event of this size in each region.
    pub(crate) fn space_with(
        &mut self,
        handle: Handle,
        regions: &[Region],
        bytes: usize,
    ) -> Result<Space<'_>, EngineError> {
        self.space_with_pages(handle, regions, store::pages_for_event(bytes))
    }

    /// The shard's space with room for this many pages in each region.
    pub(crate) fn space_with_pages(
        &mut self,
        handle: Handle,
        regions: &[Region],
        pages: u32,
    ) -> Result<Space<'_>, EngineError> {
        self.heap(handle)?;
        self.keep_reserve(regions, pages)?;
        for region in regions {
            self.room_for_event(*region, pages)?;
        }
        match self.shards[usize::from(handle.shard)].as_mut() {
            Some(loaded) => Ok(Space { pool: &mut self.pool, heap: &mut loaded.heap }),
            None => Err(EngineError::ShardGone { shard: handle.shard }),
        }
    }

    /// Tells the shard the time of an event.
    pub(crate) fn heard(&mut self, handle: Handle, at: i64) -> Result<(), EngineError> {
        dropped::advance(&mut self.space_with(handle, &[], 0)?, at);
        Ok(())
    }

    fn heap(&self, handle: Handle) -> Result<&Heap, EngineError> {
        match self.shards.get(usize::from(handle.shard)) {
            Some(Some(loaded)) if loaded.generation == handle.generation => Ok(&loaded.heap),
            _ => Err(EngineError::ShardGone { shard: handle.shard }),
        }
    }

    /// A loaded shard, and the pool beside it.
    pub(crate) fn loaded(&mut self, handle: Handle) -> Result<(&mut Loaded, &Pool), EngineError> {
        match self.shards.get_mut(usize::from(handle.shard)) {
            Some(Some(loaded)) if loaded.generation == handle.generation => Ok((loaded, &self.pool)),
            _ => Err(EngineError::ShardGone { shard: handle.shard }),
        }
    }

    pub(crate) fn check_free(&self, shard: u16) -> Result<(), EngineError> {
        if self.restoring.iter().any(|restoring| restoring.handle.shard == shard) {
            return Err(EngineError::ShardLoaded { shard });
        }
        match self.shards.get(usize::from(shard)) {
            Some(None) => Ok(()),
            Some(Some(_)) => Err(EngineError::ShardLoaded { shard }),
            None => Err(EngineError::ShardUnknown { shard, shards: self.shards.len() as u16 }),
        }
    }

    /// Names the next load of a shard.
    pub(crate) fn next_handle(&mut self, shard: u16) -> Handle {
        self.generation += 1;
        Handle { shard, generation: self.generation }
    }

    /// From here on the shard is there.
    pub(crate) fn enter(&mut self, handle: Handle, mut heap: Heap, base: Option<Base>) {
        records::note(&mut Space { pool: &mut self.pool, heap: &mut heap });
        self.shards[usize::from(handle.shard)] =
            Some(Loaded { heap, generation: handle.generation, base, holdings: None, dropping: None });
    }

    /// Room for an event, before which also a restore gives way.
    fn room_for_event(&mut self, region: Region, pages: u32) -> Result<(), PoolError> {
        loop {
            match self.make_room(region, pages) {
                Err(_) if self.give_way() => {}
                made => return made,
            }
        }
    }
}
