//! Random operations on the pool and on a plain model agree.

use pool::{PAGE_BYTES, PageId, Pool, PoolError, PoolOptions, REGIONS, Region};
use proptest::prelude::*;
use std::collections::BTreeMap;

const QUOTAS: [u64; 4] = [16, 8, 4, 4];
const BORROW: [u64; 4] = [6, 4, 0, 10];

fn open() -> Pool {
    let bytes = |pages: [u64; 4]| pages.map(|n| n * PAGE_BYTES as u64);
    let options = PoolOptions {
        pool_bytes: 32 * PAGE_BYTES as u64,
        quota_bytes: bytes(QUOTAS),
        borrow_bytes_max: bytes(BORROW),
        shards: 3,
    };
    Pool::open(&options).expect("options are valid")
}

#[derive(Clone, Debug)]
enum Step {
    Allocate(u16, Region),
    AllocateUncleared(u16, Region),
    Free(prop::sample::Index),
    Release,
}

/// Miri takes a thousand times as long.
const STEPS_MAX: usize = if cfg!(miri) { 60 } else { 400 };
/// Of the bytes of a page each so-manieth is looked at.
const STRIDE: usize = if cfg!(miri) { 127 } else { 1 };

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0u16..3, 0usize..4).prop_map(|(shard, r)| Step::Allocate(shard, REGIONS[r])),
        3 => (0u16..3, 0usize..4).prop_map(|(shard, r)| Step::AllocateUncleared(shard, REGIONS[r])),
        4 => any::<prop::sample::Index>().prop_map(Step::Free),
        1 => Just(Step::Release),
    ];
    prop::collection::vec(step, 1..STEPS_MAX)
}

/// A page in use by the model: owner and the byte it was filled with.
type Model = BTreeMap<u32, (u16, Region, u8)>;

fn used_by(model: &Model, region: Region) -> u64 {
    model.values().filter(|(_, r, _)| *r == region).count() as u64
}

fn agree(pool: &Pool, model: &Model) {
    let mut borrowed = 0;
    let mut lent = 0;
    for region in REGIONS {
        let usage = pool.ledger().usage(region);
        let used = used_by(model, region);
        assert_eq!(u64::from(usage.used), used);
        assert!(usage.used - usage.borrowed + usage.lent <= usage.quota, "{region:?} {usage:?}");
        assert!(u64::from(usage.borrowed) <= BORROW[region.index()]);
        assert!(u64::from(usage.borrowed) >= used.saturating_sub(QUOTAS[region.index()]));
        borrowed += usage.borrowed;
        lent += usage.lent;
    }
    assert_eq!(borrowed, lent);
    assert_eq!(pool.ledger().free() as usize, 32 - model.len());
    assert!(pool.stale_pages() <= pool.ledger().free());
    for shard in 0..3 {
        let pages = model.values().filter(|(s, _, _)| *s == shard).count();
        assert_eq!(pool.pages_of(shard) as usize, pages);
    }
    for (page, (shard, region, fill)) in model {
        assert_eq!(pool.owner_of(PageId(*page)), (*shard, *region));
        assert!(*pool.page(PageId(*page)) == [*fill; PAGE_BYTES]);
    }
}

/// A byte that says which shard wrote it.
fn filled_by(shard: u16, n: usize) -> u8 {
    1 + shard as u8 * 40 + (n % 40) as u8
}

/// Zero or the shard's own.
fn may_see(byte: u8, shard: u16) -> bool {
    let own = 1 + shard as u8 * 40;
    byte == 0 || (own..own + 40).contains(&byte)
}

proptest! {
    #[test]
    fn pool_equals_model(steps in steps()) {
        let mut pool = open();
        let mut model = Model::new();
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Allocate(shard, region) | Step::AllocateUncleared(shard, region) => {
                    let r = region.index();
                    let may = used_by(&model, region) < QUOTAS[r] + BORROW[r] && model.len() < 32;
                    let clears = matches!(step, Step::Allocate(..));
                    let taken =
                        if clears { pool.allocate(shard, region) } else { pool.allocate_uncleared(shard, region) };
                    match taken {
                        Ok(id) => {
                            prop_assert!(may);
                            let lowest = (0..32).find(|page| !model.contains_key(page));
                            prop_assert_eq!(Some(id.0), lowest);
                            let page = pool.page(id);
                            prop_assert!(!clears || page.iter().step_by(STRIDE).all(|byte| *byte == 0), "page is not zeroed");
                            prop_assert!(page.iter().step_by(STRIDE).all(|byte| may_see(*byte, shard)), "another shard's bytes");
                            let fill = filled_by(shard, n);
                            pool.page_mut(id).fill(fill);
                            prop_assert!(model.insert(id.0, (shard, region, fill)).is_none());
                        }
                        Err(PoolError::PoolFull { region: named, .. }) => prop_assert!(!may && named == region),
                        Err(error) => prop_assert!(false, "{error}"),
                    }
                }
                Step::Free(index) if !model.is_empty() => {
                    let page = *index.get(&model.keys().copied().collect::<Vec<_>>());
                    model.remove(&page);
                    pool.free(PageId(page));
                }
                Step::Free(_) => {}
                Step::Release => {
                    let stale = pool.stale_pages();
                    prop_assert_eq!((pool.release_stale(), pool.stale_pages()), (stale, 0));
                }
            }
            agree(&pool, &model);
        }
    }
}

#[test]
fn a_region_lends_and_gets_its_pages_back() {
    let mut pool = open();
    let infrastructure =
        (0..22).map(|_| pool.allocate(0, Region::InfrastructureState).expect("own or borrowed")).collect::<Vec<_>>();
    assert_eq!(pool.ledger().usage(Region::InfrastructureState).borrowed, 6);
    for _ in 0..8 {
        pool.allocate(1, Region::DeploymentHistory).expect("its own quota, the loan moves on");
    }
    let refused = pool.allocate(1, Region::ActiveOperations).and_then(|_| pool.allocate(1, Region::ActiveOperations));
    let refused = refused.and_then(|_| pool.allocate(1, Region::ActiveOperations));
    assert!(matches!(refused, Err(PoolError::PoolFull { free: 0, lent: 1.., .. })), "{refused:?}");
    assert_eq!(pool.ledger().largest_borrower_of(Region::ActiveOperations), Some(Region::InfrastructureState));
    pool.free(infrastructure[0]);
    pool.allocate(1, Region::ActiveOperations).expect("repaid");
}

/// The levels of the map of free pages, which the small pool above does not have.
#[test]
#[cfg_attr(miri, ignore = "too many pages for it")]
fn a_pool_of_many_pages_gives_the_lowest_free_one() {
    let pages = 64 * 64 * 3 + 7u32;
    let bytes = u64::from(pages) * PAGE_BYTES as u64;
    let options = PoolOptions { pool_bytes: bytes, quota_bytes: [bytes, 0, 0, 0], borrow_bytes_max: [0; 4], shards: 1 };
    let mut pool = Pool::open(&options).expect("options are valid");
    let mut free: std::collections::BTreeSet<u32> = (0..pages).collect();
    let mut used = Vec::new();
    let mut random = 9u64;
    // Ups and downs from empty to full and back.
    for step in 0..6 * pages {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let grows = (step / pages).is_multiple_of(2) == (random >> 40 & 7 != 0);
        if grows {
            let id = pool.allocate_uncleared(0, Region::InfrastructureState);
            assert_eq!(id.as_ref().ok().map(|id| id.0), free.pop_first());
            used.extend(id);
        } else if !used.is_empty() {
            let id = used.swap_remove((random >> 33) as usize % used.len());
            free.insert(id.0);
            pool.free(id);
        }
        assert_eq!(pool.ledger().free() as usize, free.len());
    }
    let stale = pool.stale_pages();
    assert!(stale > 0 && pool.release_stale() == stale);
    for id in used {
        pool.free(id);
    }
    assert_eq!(pool.ledger().free(), pages);
    while let Ok(id) = pool.allocate(0, Region::InfrastructureState) {
        assert!(pool.page(id).iter().all(|byte| *byte == 0));
    }
    assert_eq!(pool.ledger().free(), 0);
}

#[test]
fn contradictory_options_are_refused() {
    let options = PoolOptions { pool_bytes: 8192, quota_bytes: [4096; 4], borrow_bytes_max: [0; 4], shards: 1 };
    assert!(matches!(Pool::open(&options), Err(PoolError::OptionsInvalid { field: "quotaBytes", .. })));
    let odd = PoolOptions { pool_bytes: 1000, ..options };
    assert!(matches!(Pool::open(&odd), Err(PoolError::OptionsInvalid { field: "poolBytes", .. })));
}

#[test]
#[should_panic(expected = "is free")]
fn freeing_twice_stops_the_program() {
    let mut pool = open();
    let page = pool.allocate(0, Region::IncidentDatabase).expect("free");
    pool.free(page);
    pool.free(page);
}
