//! Timings equal a plain list of which the newest are kept.

use crate::Store;
use paged::Region;
use proptest::prelude::*;
use store::{StoreError, TIMINGS_MAX};

const WIDTH: usize = 3;

fn read(store: &mut Store, scope: &str, room: usize) -> Vec<Vec<f64>> {
    let mut out = vec![f64::NAN; room * WIDTH];
    let rows = store::timings_read(&store.pages(), scope, &mut out);
    assert!(out[rows * WIDTH..].iter().all(|number| number.is_nan()), "nothing beyond the rows is written");
    out.chunks(WIDTH).take(rows).map(<[f64]>::to_vec).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn timings_equal_the_newest_of_a_plain_list(
        added in prop::collection::vec((prop::bool::ANY, prop::array::uniform3(-1e6f32..1e6)), 0..350),
        room in 1usize..130,
    ) {
        let mut store = Store::open();
        let (mut own, mut other) = (Vec::new(), Vec::new());
        for (at, (is_own, row)) in added.iter().enumerate() {
            let row: Vec<f64> = row.iter().map(|number| f64::from(*number)).collect();
            let (scope, list) = if *is_own { ("ci_run|ci/shop", &mut own) } else { ("ci_run|ci/sho", &mut other) };
            // In whatever order they happened.
            let at = at as i64 * 7 % 50;
            store::timings_add(&mut store.pages(), scope, at, &row).expect("room");
            list.push(row);
        }
        for (scope, list) in [("ci_run|ci/shop", own), ("ci_run|ci/sho", other)] {
            let newest: Vec<_> = list.into_iter().rev().take(TIMINGS_MAX.min(room)).collect();
            prop_assert_eq!(read(&mut store, scope, room), newest);
        }
    }
}

#[test]
fn rows_that_do_not_fit_are_refused_and_change_nothing() {
    let mut store = Store::open();
    store::timings_add(&mut store.pages(), "scope", 1, &[1.0; WIDTH]).expect("room");
    for row in [vec![], vec![1.0; 65], vec![1.0; WIDTH + 1], vec![1.0, f64::NAN, 1.0], vec![1.0, 1.0, 1e300]] {
        let refused = store::timings_add(&mut store.pages(), "scope", 2, &row);
        assert!(matches!(refused, Err(StoreError::RecordInvalid { field: "row", .. })), "{row:?}: {refused:?}");
    }
    assert_eq!(read(&mut store, "scope", 9), [[1.0; WIDTH]]);
}

#[test]
fn the_scope_that_was_silent_longest_goes_first() {
    let mut store = Store::open();
    for (scope, at) in [("a", 5), ("b", 6), ("a", 9), ("b", 4)] {
        store::timings_add(&mut store.pages(), scope, at, &[1.0; WIDTH]).expect("room");
    }
    let oldest = store::oldest(&store.pages(), Region::DeploymentHistory, i64::MAX).expect("something");
    let dropped = store::evict(&mut store.pages(), Region::DeploymentHistory, &oldest).expect("room").expect("dropped");
    assert_eq!((dropped.what, dropped.at), (store::What::RollingScope, 6));
    assert_eq!([read(&mut store, "a", 9).len(), read(&mut store, "b", 9).len()], [2, 0]);
}
