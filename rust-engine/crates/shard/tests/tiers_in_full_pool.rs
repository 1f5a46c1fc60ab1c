//! Which samples go first from a pool that is full all the time: raw ones of more than a day, buckets of five minutes of more than
//! 30 days, of an hour of more than 400; where nothing is that old, the finest. What went is counted by kind, and a gap of the log
//! stays told.

use codec::encode_blocks;
use pool::PoolOptions;
use series::{Aggregation, Asked};
use shard::{Dropped, Engine, Handle, Kind};
use std::time::Duration;

const SERIES: u32 = 12;
const STEP_MS: i64 = 300_000;
const DAY_MS: i64 = 86_400_000;
const START: i64 = 1_000 * DAY_MS;
const ROWS_A_CALL: i64 = 48;

struct Filled {
    engine: Engine,
    handle: Handle,
    /// Samples of both targets.
    applied: u64,
    clock: i64,
}

/// Values that do not compress.
fn value(time: i64, series: u32) -> f64 {
    let bits = (time as u64 ^ (u64::from(series) * 0x9e37_79b9)).wrapping_mul(0x2545_f491_4f6c_dd1d);
    f64::from_bits(bits >> 2 | 0x3000_0000_0000_0000)
}

fn id(target: u128, series: u32) -> u128 {
    target << 64 | u128::from(series)
}

fn apply(engine: &mut Engine, handle: Handle, target: u128, first: i64) -> u64 {
    let ids: Vec<u128> = (0..SERIES).map(|series| id(target, series)).collect();
    let rows = (0..ROWS_A_CALL).map(|row| first + row * STEP_MS);
    let samples = rows.flat_map(|time| (0..SERIES).map(move |one| (time, one, value(time, one)))).collect();
    let block = encode_blocks(&ids, samples, usize::MAX).remove(0).block;
    engine.apply_metrics(handle, &format!("t{target}"), "production/shop", &[], &block).expect("room").applied
}

/// A target for so many days, and another one for the first 20 of them.
fn filled(pages: u64, days: i64) -> Filled {
    let quota = pages * 4096;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    let mut engine = Engine::open(&options).expect("options are valid");
    let handle = engine.create(0).expect("room");
    let (mut applied, mut clock) = (0, 0);
    for first in (START..START + days * DAY_MS).step_by((ROWS_A_CALL * STEP_MS) as usize) {
        applied += apply(&mut engine, handle, 1, first);
        clock = first + (ROWS_A_CALL - 1) * STEP_MS;
        if first < START + 20 * DAY_MS {
            applied += apply(&mut engine, handle, 2, first);
        }
        while let Some(task) = engine.next_task(handle).expect("loaded") {
            if engine.install(handle, task.run()).expect("installed").refused {
                break;
            }
        }
        while engine.clean(Duration::from_millis(10)).expect("cleans") {}
    }
    Filled { engine, handle, applied, clock }
}

impl Filled {
    fn dropped(&self, kind: Kind) -> Dropped {
        let all = self.engine.dropped(self.handle).expect("loaded");
        all.into_iter().find(|one| one.kind == kind).expect("every kind is told")
    }

    /// How old the newest of a kind is that went, in days.
    fn age(&self, kind: Kind) -> f64 {
        self.dropped(kind).until.map_or(f64::INFINITY, |until| (self.clock - until) as f64 / DAY_MS as f64)
    }

    fn read(&self, target: u128, series: u32, step: i64) -> Vec<i64> {
        let (mut times, mut values) = (vec![0.0; 200_000], vec![0.0; 200_000]);
        let asked = Asked { from: START, to: START + 1_000 * DAY_MS, step, aggregation: Aggregation::Last };
        let id = format!("{:032x}", id(target, series));
        let found = self.engine.range(self.handle, &id, asked, &mut times, &mut values).expect("valid");
        times[..found].iter().map(|time| *time as i64).collect()
    }
}

fn check_counts(filled: &Filled) {
    let kept = filled.read(1, 0, 0).len() as u64 * u64::from(SERIES);
    assert_eq!(filled.applied, kept + filled.dropped(Kind::Samples).records);
    assert!([Kind::SamplesFiveMinutes, Kind::SamplesHour].iter().all(|kind| filled.dropped(*kind).records > 0));
    // The buckets of the other target were the last that told of its series.
    assert!(filled.read(2, 0, 3_600_000).is_empty());
    assert_eq!(filled.dropped(Kind::Series).records, u64::from(SERIES));
    let ended = (START + 19 * DAY_MS)..(START + 20 * DAY_MS);
    assert!(filled.dropped(Kind::Series).until.is_some_and(|until| ended.contains(&until)));
    let service = filled.engine.service(filled.handle, "production/shop").expect("loaded").expect("is measured");
    assert_eq!(service.series, SERIES);
}

#[test]
fn each_kind_goes_down_to_its_days_while_older_ones_of_a_coarser_kind_are_left() {
    let mut filled = filled(1_300, 500);
    let ages = [Kind::Samples, Kind::SamplesFiveMinutes, Kind::SamplesHour].map(|kind| filled.age(kind));
    assert!(ages.iter().zip([1.0, 30.0, 400.0]).all(|(age, days)| *age >= days), "{ages:?}");
    assert!(ages.iter().zip([10.0, 60.0, 450.0]).all(|(age, days)| *age < days), "{ages:?}");
    check_counts(&filled);
    // Everything after what is told to have gone is there.
    let until = filled.dropped(Kind::Samples).until.expect("some went");
    assert_eq!(filled.read(1, 3, 0).first(), Some(&(until + STEP_MS)));

    let (clock, before) = (filled.clock, filled.dropped(Kind::Samples));
    filled.engine.note_gap(filled.handle, &[Kind::Samples], clock).expect("loaded");
    assert_eq!(filled.dropped(Kind::Samples), Dropped { until: Some(clock), ..before });
    for call in 0..60 {
        apply(&mut filled.engine, filled.handle, 1, clock + STEP_MS + call * ROWS_A_CALL * STEP_MS);
    }
    let after = filled.dropped(Kind::Samples);
    assert!(after.records > before.records && after.until >= Some(clock), "what goes later does not hide the gap");
}

#[test]
fn where_nothing_is_that_old_the_finest_go() {
    let filled = filled(1_100, 500);
    let ages = [Kind::Samples, Kind::SamplesFiveMinutes, Kind::SamplesHour].map(|kind| filled.age(kind));
    // Buckets of an hour of the last 400 days do not leave room for a day of samples; a head that goes takes rows with it that
    // no tier has yet, which is told of the tiers, too.
    assert!(ages.iter().all(|age| *age < 1.0), "{ages:?}");
    check_counts(&filled);
}
