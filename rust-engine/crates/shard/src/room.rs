//! Room in a region: asked for before an event is applied, made by dropping what is worth least.

use crate::engine::Engine;
use paged::{Region, Space};
use pool::PoolError;

/// Records dropped between two looks at the ledger.
const EVICTED_AT_ONCE: usize = 16;

impl Engine {
    /// Makes sure that a region can get `pages` pages: first free ones, its own or borrowed; then what others borrowed from
    /// it is taken back by dropping their least valuable records, then its own are dropped.
    pub(crate) fn make_room(&mut self, region: Region, pages: u32) -> Result<(), PoolError> {
        loop {
            let refused = match self.pool.require(region, pages) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            // What runs or is open is worth more than what is over: it repays a loan when nothing else is left.
            let order = match self.pool.ledger().largest_borrower_of(region) {
                Some(Region::ActiveOperations) => [Some(region), Some(Region::ActiveOperations)],
                borrower => [borrower, Some(region)],
            };
            let mut dropped = false;
            for from in order.into_iter().flatten() {
                dropped = dropped || self.evict(from)?;
            }
            if !dropped {
                return Err(refused);
            }
        }
    }

    /// Drops some records of a region, from the shard that holds most of it and has any to drop.
    fn evict(&mut self, region: Region) -> Result<bool, PoolError> {
        let mut shards: Vec<u16> =
            (0..self.shards.len() as u16).filter(|shard| self.shards[usize::from(*shard)].is_some()).collect();
        shards.sort_by_key(|shard| std::cmp::Reverse(self.pool.pages_of_region(*shard, region)));
        for shard in shards {
            let Some(loaded) = &mut self.shards[usize::from(shard)] else { continue };
            let mut space = Space { pool: &mut self.pool, heap: &mut loaded.heap };
            let mut dropped = 0;
            for _ in 0..EVICTED_AT_ONCE {
                match drop_one(&mut space, region)? {
                    0 => break,
                    n => dropped += n,
                }
            }
            self.evicted[region.index()] += dropped;
            if dropped > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Records or samples dropped; 0 when there is none that may go. Of a service or resource and of samples the older one goes.
fn drop_one(space: &mut Space<'_>, region: Region) -> Result<u64, PoolError> {
    let record = store::oldest(space, region);
    let sampled = if region == Region::InfrastructureState { series::oldest_time(space) } else { None };
    match (record, sampled) {
        (Some(record), sampled) if sampled.is_none_or(|time| record.time <= time) => {
            store::evict(space, region, &record).map_err(pool_error)?;
            Ok(1)
        }
        (_, Some(_)) => drop_samples(space),
        _ => Ok(0),
    }
}

fn drop_samples(space: &mut Space<'_>) -> Result<u64, PoolError> {
    let Some(evicted) = series::evict_oldest(space) else { return Ok(0) };
    if let Some((service, gone)) = &evicted.series {
        // A smaller count in the same record needs no page.
        store::count_series(space, service, *gone).map_err(pool_error)?;
    }
    Ok(evicted.samples)
}

fn pool_error(error: store::StoreError) -> PoolError {
    match error {
        store::StoreError::Pool(error) => error,
        store::StoreError::RecordInvalid { .. } => unreachable!("a stored record is valid"),
    }
}
