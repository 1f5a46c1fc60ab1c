//! Scores in whatever order they come, some twice, equal a plain map of them: of any service, subject and window, read in
//! pieces of any size.

use crate::{SERVICES, Store, TIMES, is_within, window};
use proptest::prelude::*;
use std::collections::BTreeMap;
use store::{SCORE_WIDTH, ScoreFields, Subject};

const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Debug)]
struct Told {
    service: &'static str,
    subject: Subject,
    id: u8,
    fields: ScoreFields,
}

fn told() -> impl Strategy<Value = Told> {
    let subject = prop_oneof![Just(Subject::Deployment), Just(Subject::CiRun)];
    // What is kept in 32 bits.
    let p = || (0.0f32..=1.0).prop_map(f64::from);
    let seconds = || prop_oneof![Just(f64::NAN), (0.0f32..1e7).prop_map(f64::from)];
    let outcome = prop_oneof![Just(0.0), Just(1.0), Just(f64::NAN)];
    let numbers = (p(), p(), outcome, 0u8..3, prop::array::uniform4(seconds()), any::<bool>(), any::<bool>());
    let place = (prop::sample::select(SERVICES.to_vec()), subject, any::<u8>(), -TIMES..TIMES);
    (place, numbers).prop_map(
        |((service, subject, id, at), (p, base, outcome, class, seconds, by_model, backfilled))| {
            let [p10, p50, p90, duration] = seconds;
            let (by_model, backfilled) = (f64::from(u8::from(by_model)), f64::from(u8::from(backfilled)));
            // At the ends of days and within.
            let at = (at * DAY_MS / 4 - i64::from(id % 2)) as f64;
            let fields = [at, p, base, outcome, f64::from(class), p10, p50, p90, duration, by_model, backfilled];
            Told { service, subject, id, fields }
        },
    )
}

fn add(store: &mut Store, told: &Told) -> bool {
    let id = format!("prediction {}", told.id);
    store::score_add(&mut store.pages(), told.service, told.subject, &id, &told.fields).expect("room")
}

/// All rows, read in pieces of so many; by their bits, as not every number equals itself.
fn read(store: &mut Store, service: Option<&str>, subject: Subject, window: (i64, i64), piece: usize) -> Vec<Vec<u64>> {
    let (mut rows, mut cursor): (Vec<Vec<u64>>, Option<String>) = (Vec::new(), None);
    loop {
        let mut out = vec![f64::NAN; piece * SCORE_WIDTH];
        let read =
            store::scores_read(&store.pages(), service, subject, window, cursor.as_deref(), &mut out).expect("valid");
        rows.extend(out.chunks(SCORE_WIDTH).take(read.rows).map(bits));
        match read.cursor {
            None => return rows,
            cursor_ => cursor = cursor_,
        }
    }
}

fn bits(row: &[f64]) -> Vec<u64> {
    row.iter().map(|number| number.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn scores_equal_a_plain_map(all in prop::collection::vec(told(), 0..120), window in window(), piece in 1usize..40) {
        let mut store = Store::open();
        let mut model = BTreeMap::new();
        for told in &all {
            let key = (told.service, told.subject == Subject::CiRun, told.fields[0] as i64, told.id);
            let is_new = !model.contains_key(&key);
            prop_assert_eq!(add(&mut store, told), is_new);
            model.entry(key).or_insert_with(|| bits(&told.fields));
        }
        let days = |bound: Option<i64>, open: i64| bound.map_or(open, |day| day * DAY_MS);
        let (from, to) = (days(window.0, i64::MIN), days(window.1, i64::MAX));
        for subject in [Subject::Deployment, Subject::CiRun] {
            for service in SERVICES.into_iter().map(Some).chain([None]) {
                let wanted = |(name, is_run, at, _): &(&str, bool, i64, u8)| {
                    service.is_none_or(|service| service == *name)
                        && *is_run == (subject == Subject::CiRun)
                        && is_within(*at, (Some(from), Some(to)))
                };
                let mut expected: Vec<_> =
                    model.iter().filter(|(key, _)| wanted(key)).map(|(_, row)| row.clone()).collect();
                let mut found = read(&mut store, service, subject, (from, to), piece);
                if service.is_some() {
                    prop_assert!(found.is_sorted_by_key(|row| f64::from_bits(row[0])), "oldest first");
                }
                expected.sort();
                found.sort();
                prop_assert_eq!(found, expected);
            }
        }
    }
}

#[test]
fn numbers_that_can_not_be_are_refused_by_name() {
    let good: ScoreFields = [5.0, 0.5, 0.5, 1.0, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0];
    let mut store = Store::open();
    let wrong = [
        (0, 0.5, "at"),
        (1, 1.1, "pSuccess"),
        (2, f64::NAN, "baseRate"),
        (3, 2.0, "outcome"),
        (4, 3.0, "answerClass"),
        (5, -1.0, "durationP10"),
        (8, f64::INFINITY, "durationS"),
        (9, 0.5, "byModel"),
        (10, 2.0, "backfilled"),
    ];
    for (place, number, field) in wrong {
        let mut fields = good;
        fields[place] = number;
        let refused = store::score_add(&mut store.pages(), "ci/a", Subject::CiRun, "p", &fields);
        let named = matches!(&refused, Err(store::StoreError::RecordInvalid { field: named, .. }) if *named == field);
        assert!(named, "{field}: {refused:?}");
    }
    assert!(read(&mut store, None, Subject::CiRun, (i64::MIN, i64::MAX), 9).is_empty());
}
