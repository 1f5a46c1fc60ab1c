//! A decoder that has seen much gives what one that has seen nothing gives, but for announcements, which follow a plain map.

mod wire;

use codec::{Batch, Limits, RemoteWriteDecoder, announced, series_id};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use wire::{body, field, label, sample};

const LIMITS: Limits = Limits { series_max: 60, samples_max: 200, decoded_bytes_max: 1 << 20, label_bytes_max: 300 };
const NAMES: [&str; 8] = ["__name__", "job", "instance", "pod", "namespace", "le", "a", "zone"];
const HOUR_MS: i64 = 3_600_000;

/// A message: its fields in the order in which they are written.
#[derive(Clone, Debug)]
enum Field {
    Label(usize, u8),
    Sample(i64, f64),
    Exemplar,
}

#[derive(Clone, Debug)]
enum Step {
    Request { messages: Vec<Vec<Field>>, wait_ms: i64, broken: Option<(prop::sample::Index, u8)> },
    Forget(u8, u8),
}

fn field_bytes(of: &Field) -> Vec<u8> {
    match of {
        Field::Label(name, value) => label(&(NAMES[*name], &"v".repeat(usize::from(*value)))),
        Field::Sample(time, value) => sample(*time, *value),
        Field::Exemplar => field(3, b"not for us"),
    }
}

fn message() -> impl Strategy<Value = Vec<Field>> {
    let value = prop_oneof![3 => 0u8..3, 1 => Just(200u8)];
    let labels = prop::collection::btree_map(0usize..NAMES.len(), value, 0..6);
    let samples = prop::collection::vec((0i64..20, prop_oneof![Just(0.0), any::<f64>()]), 0..3);
    let odd = prop::option::weighted(
        0.1,
        prop_oneof![Just(Field::Exemplar), Just(Field::Label(1, 1)), Just(Field::Sample(-1, 0.0))],
    );
    (labels, samples, odd, 0..8u8).prop_flat_map(|(labels, samples, odd, order)| {
        let mut labels = labels;
        labels.entry(0).or_insert(1);
        let mut fields: Vec<Field> = labels.into_iter().map(|(name, value)| Field::Label(name, value)).collect();
        fields.extend(samples.into_iter().map(|(time, value)| Field::Sample(time, value)));
        fields.extend(odd);
        if order == 0 { Just(fields).prop_shuffle().boxed() } else { Just(fields).boxed() }
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let messages = prop::collection::vec(message(), 1..12);
    let wait = prop_oneof![3 => 0i64..1_000, 1 => HOUR_MS / 2..HOUR_MS + 2];
    let broken = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    let request =
        (messages, wait, broken).prop_map(|(messages, wait_ms, broken)| Step::Request { messages, wait_ms, broken });
    prop::collection::vec(prop_oneof![8 => request, 1 => (0u8..3, 0u8..3).prop_map(|(a, b)| Step::Forget(a, b))], 1..25)
}

/// Without what is announced.
fn bare(batch: &Batch) -> Batch {
    Batch { announced: Vec::new(), ..batch.clone() }
}

fn announced_in(batch: &Batch) -> Vec<u128> {
    announced(&batch.announced).expect("our own").into_iter().map(|one| one.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn what_was_seen_before_changes_announcements_alone(steps in steps()) {
        let mut decoder = RemoteWriteDecoder::new(LIMITS);
        let mut model: BTreeMap<String, BTreeMap<u128, i64>> = BTreeMap::new();
        let mut now = 0;
        for step in &steps {
            match step {
                Step::Forget(job, instance) => {
                    let (job, instance) = ("v".repeat(usize::from(*job)), "v".repeat(usize::from(*instance)));
                    let target = format!("{{instance=\"{instance}\",job=\"{job}\"}}");
                    decoder.forget(&target);
                    model.remove(&target);
                }
                Step::Request { messages, wait_ms, broken } => {
                    now += wait_ms;
                    let messages = messages.iter().map(|fields| field(1, &fields.iter().flat_map(field_bytes).collect::<Vec<_>>()));
                    let mut bytes = messages.collect::<Vec<_>>().concat();
                    if let Some((at, byte)) = broken {
                        let at = at.index(bytes.len());
                        bytes[at] = *byte;
                    }
                    let body = body(&[bytes]);
                    let fresh = RemoteWriteDecoder::new(LIMITS).decode(&body, now);
                    let seen = decoder.decode(&body, now);
                    let (fresh, seen) = match (fresh, seen) {
                        (Ok(fresh), Ok(seen)) => (fresh.batches, seen.batches),
                        (fresh, seen) => {
                            prop_assert_eq!(fresh, seen);
                            continue;
                        }
                    };
                    prop_assert_eq!(fresh.iter().map(bare).collect::<Vec<_>>(), seen.iter().map(bare).collect::<Vec<_>>());
                    for (fresh, seen) in fresh.iter().zip(&seen) {
                        // One that has seen nothing announces all, in the order of the columns.
                        let known = model.entry(seen.target.clone()).or_default();
                        let mut due = announced_in(fresh);
                        due.retain(|id| known.get(id).is_none_or(|last| now - last >= HOUR_MS));
                        known.extend(due.iter().map(|id| (*id, now)));
                        prop_assert_eq!(due, announced_in(seen));
                    }
                }
            }
        }
    }
}

#[test]
fn one_series_in_two_orders_of_labels_is_one_column_and_pods_that_differ_are_left_out() {
    let message = |fields: &[Field]| field(1, &fields.iter().flat_map(field_bytes).collect::<Vec<_>>());
    let [name, job, pod] = [Field::Label(0, 1), Field::Label(1, 2), Field::Label(3, 1)];
    let forwards = message(&[name.clone(), job.clone(), pod.clone(), Field::Sample(1, 1.0)]);
    let backwards = message(&[pod, job.clone(), name.clone(), Field::Sample(2, 0.0)]);
    let torn = message(&[name.clone(), Field::Sample(3, 1.0), job.clone(), Field::Label(3, 1)]);
    let other = message(&[name, job, Field::Label(3, 2), Field::Sample(1, 1.0)]);
    let mut decoder = RemoteWriteDecoder::new(LIMITS);
    for round in 0..3 {
        let body = body(&[forwards.clone(), backwards.clone(), torn.clone(), other.clone()]);
        let [batch] = <[Batch; 1]>::try_from(decoder.decode(&body, 0).expect("valid").batches).expect("one target");
        assert_eq!((batch.series, batch.samples), (2, 4));
        assert_eq!(batch.labels, BTreeMap::from([("job".to_owned(), "vv".to_owned())]));
        let ids: BTreeSet<u128> = announced_in(&batch).into_iter().collect();
        let wanted = ["v", "vv"].map(|pod| series_id(&[("__name__", "v"), ("job", "vv"), ("pod", pod)]));
        assert_eq!(ids, if round == 0 { BTreeSet::from(wanted) } else { BTreeSet::new() });
    }
}
