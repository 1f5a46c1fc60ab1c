//! Outcomes by the time of their events, in whatever order they come, equal plain counts; old days go, hours stay.

use crate::Store;
use paged::Region;
use proptest::prelude::*;
use std::collections::BTreeMap;
use store::Buckets;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Fourteen blocks of 32 days, counted from the newest day's block.
const BLOCK_DAYS: i64 = 32;
const BLOCKS: i64 = 14;

fn outcomes() -> impl Strategy<Value = Vec<(i64, bool)>> {
    // About 22 months, at both sides of the epoch.
    prop::collection::vec((-400 * DAY_MS..300 * DAY_MS, any::<bool>()), 0..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn buckets_equal_plain_counts(outcomes in outcomes(), first in -420i64..320, days in 1usize..120) {
        let mut store = Store::open();
        let mut by_day: BTreeMap<i64, [f64; 2]> = BTreeMap::new();
        let mut by_hour = vec![0.0; 2 * 7 * 24];
        for (at, failed) in &outcomes {
            store::buckets_add(&mut store.pages(), "ci_run|ci/shop", *at, *failed).expect("room");
            store::buckets_add(&mut store.pages(), "ci_run|ci/sho", at + DAY_MS, !*failed).expect("room");
            let day = at.div_euclid(DAY_MS);
            let newest = by_day.keys().next_back().copied().unwrap_or(day).max(day);
            let oldest_kept = (newest.div_euclid(BLOCK_DAYS) - BLOCKS + 1) * BLOCK_DAYS;
            by_day.retain(|day, _| *day >= oldest_kept);
            if day >= oldest_kept {
                let counts = by_day.entry(day).or_default();
                counts[0] += 1.0;
                counts[1] += f64::from(u8::from(*failed));
            }
            // 1970-01-05 was a Monday.
            let hour = (at - 4 * DAY_MS).rem_euclid(7 * DAY_MS) / HOUR_MS;
            by_hour[2 * hour as usize] += 1.0;
            by_hour[2 * hour as usize + 1] += f64::from(u8::from(*failed));
        }
        let mut out = vec![f64::NAN; 2 * days];
        store::buckets_read(&store.pages(), "ci_run|ci/shop", Buckets::Day, first, &mut out);
        let wanted = (first..first + days as i64).flat_map(|day| by_day.get(&day).copied().unwrap_or_default());
        prop_assert_eq!(out, wanted.collect::<Vec<_>>());
        let mut out = vec![f64::NAN; 2 * 7 * 24];
        store::buckets_read(&store.pages(), "ci_run|ci/shop", Buckets::HourOfWeek, 0, &mut out);
        prop_assert_eq!(out, by_hour);
    }
}

#[test]
fn a_block_that_goes_tells_the_end_of_what_it_held() {
    let mut store = Store::open();
    let day = |day: i64| day * DAY_MS + 7 * HOUR_MS;
    // Blocks from the days 0, 32 and 64 on.
    for at in [day(1), day(20), day(40), day(70), day(66)] {
        store::buckets_add(&mut store.pages(), "ci_run|ci/shop", at, false).expect("room");
    }
    let other = day(2);
    store::buckets_add(&mut store.pages(), "ci_run|ci/sho", other, false).expect("room");
    let mut gone = Vec::new();
    while let Some(oldest) = store::oldest(&store.pages(), Region::DeploymentHistory, i64::MAX) {
        let dropped = store::evict(&mut store.pages(), Region::DeploymentHistory, &oldest).expect("room");
        let dropped = dropped.expect("a block");
        assert_eq!(dropped.what, store::What::RollingScope);
        gone.push((oldest.time, dropped.at));
    }
    let end = |day: i64| (day + 1) * DAY_MS - 1;
    let start = |day: i64| day * DAY_MS;
    let is_day = |(time, _): &(i64, i64)| time % DAY_MS == 0;
    let (days, hours): (Vec<_>, Vec<_>) = gone.into_iter().partition(is_day);
    assert_eq!(days, [(0, end(2)), (0, end(20)), (start(32), end(40)), (start(64), end(70))]);
    // Hours go by the outcome that made them, and hold outcomes up to the newest day of their scope; when that went before them
    // it is told already.
    let until = |time: i64| if time == other || time > start(64) { time } else { end(70) };
    assert_eq!(hours.len(), 6);
    assert!(hours.iter().all(|(time, at)| *at == until(*time)), "{hours:?}");
}
