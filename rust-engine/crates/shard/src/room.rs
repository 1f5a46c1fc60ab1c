//! Room in a region: asked for before an event is applied, made by dropping what is worth least, in small steps.
//!
//! A reserve of free pages is kept beforehand, so that an event seldom has to make room itself: by `clean` between events, and
//! by a few steps with each event that finds too little of it.

use crate::dropped::{self, Kind};
use crate::engine::{Engine, Loaded};
use crate::error::EngineError;
use paged::{Pages, Region, Space};
use pool::{Pool, PoolError, REGIONS};
use series::{OldestSamples, Resolution};
use std::time::{Duration, Instant};
use store::{Oldest, StoreError};

const DAY_MS: i64 = 86_400_000;
/// Steps that an event takes for the reserve beside its own work: some 0.1 ms.
const STEPS_BESIDE: usize = 8;
/// The reserve is this part of the region's quota and the most that a call asked for of late …
const RESERVE_PART: u32 = 32;
/// … but not more than this part of it.
const RESERVE_PART_MAX: u32 = 8;
/// Samples go the finest first, but not those of so many days while older ones of a coarser kind are left.
const KEPT_DAYS: [(Resolution, i64); 3] =
    [(Resolution::Raw, 1), (Resolution::FiveMinutes, 30), (Resolution::Hour, 400)];
/// A resource or service goes before samples that are this much newer than what was last heard of it.
const HEARD_BEFORE_MS: i64 = 30 * DAY_MS;

/// What a shard can drop next in a region.
enum Next {
    Record(Oldest),
    Samples(OldestSamples),
}

impl Engine {
    /// Makes sure that a region can get `pages` pages: first free ones, its own or borrowed; then what others borrowed from
    /// it is taken back by dropping their least valuable records, then its own are dropped.
    pub(crate) fn make_room(&mut self, region: Region, pages: u32) -> Result<(), PoolError> {
        loop {
            let refused = match self.pool.require(region, pages) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            if !self.step(region, None)? {
                return Err(refused);
            }
        }
    }

    /// Takes some steps towards the reserve of the regions that a call needs pages in, when it is short by more than half of
    /// that part of the quota.
    pub(crate) fn keep_reserve(&mut self, regions: &[Region], pages: u32) -> Result<(), PoolError> {
        for region in regions {
            let asked = &mut self.asked[region.index()];
            *asked = (*asked).max(pages);
            let ledger = self.pool.ledger();
            let wanted = self.reserve(*region).saturating_sub(ledger.usage(*region).quota / RESERVE_PART / 2);
            for _ in 0..STEPS_BESIDE {
                if self.pool.ledger().available(*region) >= wanted || !self.step(*region, None)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Drops what is worth least until every region has its reserve or the time is up; true when there is more to do.
    pub fn clean(&mut self, budget: Duration) -> Result<bool, EngineError> {
        let begin = Instant::now();
        for region in REGIONS {
            while self.pool.ledger().available(region) < self.reserve(region) {
                if begin.elapsed() >= budget {
                    return Ok(true);
                }
                if !self.step(region, None)? {
                    break;
                }
            }
            // What large calls once asked for is forgotten again.
            let asked = &mut self.asked[region.index()];
            *asked -= asked.div_ceil(64);
        }
        Ok(false)
    }

    /// Free pages that a region should have.
    fn reserve(&self, region: Region) -> u32 {
        let quota = self.pool.ledger().usage(region).quota;
        (quota / RESERVE_PART + self.asked[region.index()]).min(quota / RESERVE_PART_MAX)
    }

    /// One step towards room in a region, by dropping what is not in `but`; false when nothing may go.
    fn step(&mut self, region: Region, but: Option<Region>) -> Result<bool, PoolError> {
        // What runs or is open is worth more than what is over: it repays a loan when nothing else is left.
        let order = match self.pool.ledger().largest_borrower_of(region) {
            Some(Region::ActiveOperations) => [Some(region), Some(Region::ActiveOperations)],
            borrower => [borrower, Some(region)],
        };
        for from in order.into_iter().flatten().filter(|from| Some(*from) != but) {
            if self.drop_some(from, but)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Drops a record or some samples of a region, from the shard that holds most of it and has any to drop. `but`: what waits
    /// for this room, and so can't make it.
    fn drop_some(&mut self, region: Region, but: Option<Region>) -> Result<bool, PoolError> {
        let mut shards: Vec<u16> =
            (0..self.shards.len() as u16).filter(|shard| self.shards[usize::from(*shard)].is_some()).collect();
        shards.sort_by_key(|shard| std::cmp::Reverse(self.pool.pages_of_region(*shard, region)));
        for shard in shards {
            let Some(loaded) = &mut self.shards[usize::from(shard)] else { continue };
            match drop_next(&mut self.pool, loaded, region) {
                // An operation that is given up moves to another region, where there must be room for it first.
                Err(PoolError::PoolFull { region: other, .. }) if other != region => {
                    return self.step(other, Some(region));
                }
                Ok(false) => {}
                dropped => return dropped,
            }
        }
        // A service stays for what runs or is open of it: less so for what only seems to.
        let active = Region::ActiveOperations;
        if region == Region::InfrastructureState && but != Some(active) {
            return self.drop_some(active, but);
        }
        Ok(false)
    }
}

/// One step in a shard; false when nothing of the region may go.
fn drop_next(pool: &mut Pool, loaded: &mut Loaded, region: Region) -> Result<bool, PoolError> {
    let mut space = Space { pool, heap: &mut loaded.heap };
    match next_of(&space, region) {
        None => return Ok(false),
        Some(Next::Record(oldest)) => {
            if let Some(gone) = store::evict(&mut space, region, &oldest).map_err(pool_error)? {
                dropped::note(&mut space, Kind::of_record(gone.what), gone.records, gone.at);
            }
        }
        Some(Next::Samples(oldest)) => {
            let evicted = series::evict_samples(&mut space, &oldest, &mut loaded.dropping);
            dropped::note(&mut space, Kind::of_samples(evicted.resolution), evicted.samples, evicted.until);
            for coarser in evicted.coarser {
                // Not counted: it has no record of them.
                dropped::note(&mut space, Kind::of_samples(*coarser), 0, evicted.until);
            }
            if let Some((service, gone)) = &evicted.series {
                // A smaller count in the same record needs no page.
                store::count_series(&mut space, service, *gone).map_err(pool_error)?;
                dropped::note(&mut space, Kind::Series, u64::from(*gone), evicted.until);
            }
        }
    }
    Ok(true)
}

fn next_of(pages: &impl Pages, region: Region) -> Option<Next> {
    let clock = dropped::clock(pages).unwrap_or(i64::MIN);
    match region {
        Region::InfrastructureState => {
            let samples = next_samples(pages, clock);
            let latest = samples.as_ref().map_or(i64::MAX, |samples| samples.time.saturating_sub(HEARD_BEFORE_MS));
            store::oldest(pages, region, latest).map(Next::Record).or(samples.map(Next::Samples))
        }
        Region::ActiveOperations => {
            store::oldest(pages, region, clock.saturating_sub(store::QUIET_MS)).map(Next::Record)
        }
        Region::DeploymentHistory | Region::IncidentDatabase => {
            store::oldest(pages, region, i64::MAX).map(Next::Record)
        }
    }
}

/// The finest samples that are older than what is kept of their kind; where there are none, the finest.
fn next_samples(pages: &impl Pages, clock: i64) -> Option<OldestSamples> {
    let mut finest = None;
    for (resolution, days) in KEPT_DAYS {
        let Some(oldest) = series::oldest_samples(pages, resolution) else { continue };
        if oldest.time <= clock.saturating_sub(days * DAY_MS) {
            return Some(oldest);
        }
        finest = finest.or(Some(oldest));
    }
    finest
}

fn pool_error(error: StoreError) -> PoolError {
    match error {
        StoreError::Pool(error) => error,
        StoreError::RecordInvalid { .. } => unreachable!("a stored record is valid"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pool::PoolOptions;

    #[test]
    fn what_a_large_call_asked_for_is_forgotten_to_the_last_page() {
        let quota = 64 * 4096;
        let options =
            PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
        let mut engine = Engine::open(&options).expect("options are valid");
        engine.asked = [1_000; 4];
        for _ in 0..500 {
            engine.clean(Duration::from_secs(1)).expect("cleans");
        }
        assert_eq!(engine.asked, [0; 4]);
    }
}
