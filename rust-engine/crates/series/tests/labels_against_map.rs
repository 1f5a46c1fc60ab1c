//! What matchers find is what a plain map of labels says, through announcements that come late, moves between services,
//! evictions and a copy of the pages; what nobody uses any more leaves nothing behind.

use codec::{Announced, Block, encode_blocks, series_id};
use paged::{Heap, Pages, Region, Space, Tree};
use pool::{Pool, PoolOptions};
use proptest::prelude::*;
use regex_automata::meta::Regex;
use series::{
    Evicted, MatchOp, Matcher, Resolution, apply_metrics, evict_samples, label_values, oldest_samples, series,
};
use std::collections::{BTreeMap, BTreeSet};

const TARGETS: usize = 4;
const SERVICES: [&str; 3] = ["production/shop", "production/shop2", "ci/build"];
const NAMES: [&str; 5] = ["__name__", "instance", "job", "mode", "path"];
const PATTERNS: [&str; 14] =
    [".*", ".+", "", "a|b", "a|", "v1.*", "v[0-4]", "(?i)V1", "^v1$", "v1", "[^v].*", "t1|t2|x", "long.*1", "é."];

/// Labels as they vary: of each a few values, and now and then none.
type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug)]
enum Step {
    /// Some series of a target get a sample; those with a flag are announced.
    Scrape {
        target: usize,
        service: usize,
        series: Vec<(usize, bool)>,
    },
    Evict(usize),
    Ask {
        service: Option<usize>,
        matchers: Vec<(usize, usize, usize, bool)>,
        limit: usize,
        after: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let series = prop::collection::vec((0usize..300, any::<bool>()), 1..60);
    let matcher = (0..NAMES.len() + 1, 0usize..4, 0usize..40, any::<bool>());
    let matchers = prop::collection::vec(matcher, 0..4);
    prop_oneof![
        3 => (0..TARGETS, prop_oneof![4 => Just(0usize), 1 => 0..SERVICES.len()], series)
            .prop_map(|(target, service, series)| Step::Scrape { target, service, series }),
        1 => (0usize..3).prop_map(Step::Evict),
        4 => (prop::option::of(0..SERVICES.len()), matchers, 0usize..40, 0usize..20)
            .prop_map(|(service, matchers, limit, after)| Step::Ask { service, matchers, limit, after }),
    ]
}

/// The labels of a series of a target: always the same for the same numbers.
fn labels_of(target: usize, n: usize) -> Labels {
    let long = format!("long{}", "x".repeat(260));
    let mut labels = Labels::new();
    let mut put = |name: &str, value: String| labels.insert(name.to_owned(), value);
    put("__name__", format!("v{}", n % 9));
    put("instance", format!("t{target}"));
    put("n", n.to_string());
    if !n.is_multiple_of(3) {
        put("mode", ["a", "b", "é1"][n % 3].to_owned());
    }
    if n.is_multiple_of(5) {
        put("path", format!("{long}{}", n % 2));
    }
    if n.is_multiple_of(7) {
        put("job", ["", "v1", "t1"][n / 7 % 3].to_owned());
    }
    labels
}

fn value(kind: usize) -> String {
    match kind {
        0..9 => format!("v{kind}"),
        9..13 => format!("t{}", kind - 9),
        13 => String::new(),
        14 => format!("long{}1", "x".repeat(260)),
        15 => "é1".to_owned(),
        _ => ["a", "b", "x", "17"][kind % 4].to_owned(),
    }
}

fn matcher(&(name, op, kind, of_pattern): &(usize, usize, usize, bool)) -> Matcher {
    let op = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Like, MatchOp::Unlike][op];
    let is_pattern = matches!(op, MatchOp::Like | MatchOp::Unlike);
    let value = if is_pattern && of_pattern { PATTERNS[kind % PATTERNS.len()].to_owned() } else { value(kind) };
    Matcher { name: NAMES.get(name).unwrap_or(&"nobody").to_string(), op, value }
}

fn fits(labels: &Labels, matcher: &Matcher) -> bool {
    let value = labels.get(&matcher.name).map_or("", String::as_str);
    let like = || Regex::new(&format!("^(?s:{})$", matcher.value)).expect("valid").is_match(value);
    match matcher.op {
        MatchOp::Equal => value == matcher.value,
        MatchOp::NotEqual => value != matcher.value,
        MatchOp::Like => like(),
        MatchOp::Unlike => !like(),
    }
}

#[derive(Debug)]
struct Known {
    target: String,
    labels: Option<Labels>,
}

#[derive(Default)]
struct Model {
    services: BTreeMap<String, String>,
    series: BTreeMap<u128, Known>,
}

impl Model {
    fn find<'a>(
        &'a self,
        service: Option<&'a str>,
        matchers: &'a [Matcher],
    ) -> impl Iterator<Item = (&'a u128, &'a Known)> {
        self.series.iter().filter(move |(_, known)| {
            let labels = known.labels.as_ref();
            service.is_none_or(|service| self.services[&known.target] == service)
                && (matchers.is_empty() || labels.is_some_and(|labels| matchers.iter().all(|one| fits(labels, one))))
        })
    }
}

fn scrape(
    space: &mut Space<'_>,
    model: &mut Model,
    time: i64,
    (number, service): (usize, &str),
    which: &[(usize, bool)],
) {
    let target = format!("target {number}");
    let labels: Vec<Labels> = which.iter().map(|(n, _)| labels_of(number, *n)).collect();
    let pairs: Vec<Vec<(&str, &str)>> = labels
        .iter()
        .map(|labels| labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
        .collect();
    let ids: Vec<u128> = pairs.iter().map(|pairs| series_id(pairs)).collect();
    let announced: Vec<Announced<'_>> =
        (0..which.len()).filter(|i| which[*i].1).map(|i| Announced { id: ids[i], labels: pairs[i].clone() }).collect();
    model.services.insert(target.clone(), service.to_owned());
    for (i, id) in ids.iter().enumerate() {
        let known = model.series.entry(*id).or_insert_with(|| Known { target: target.clone(), labels: None });
        if which[i].1 {
            known.labels = Some(labels[i].clone());
        }
    }
    let samples = (0..ids.len()).map(|column| (time, column as u32, 1.0)).collect();
    let block = &encode_blocks(&ids, samples, usize::MAX)[0].block;
    apply_metrics(space, &target, service, &announced, &Block::parse(block).expect("our own")).expect("room");
}

fn ask(
    pages: &impl Pages,
    model: &Model,
    service: Option<&str>,
    matchers: &[Matcher],
    limit: usize,
    after: usize,
) -> Result<(), TestCaseError> {
    let wanted: Vec<_> = model.find(service, matchers).collect();
    let after = wanted.get(after).map(|(id, _)| **id);
    let rest: Vec<_> = wanted.into_iter().filter(|(id, _)| after.is_none_or(|after| **id > after)).collect();
    let found = series(pages, service, matchers, limit, after).expect("valid");
    prop_assert_eq!(found.truncated, rest.len() > limit);
    prop_assert_eq!(found.items.len(), rest.len().min(limit), "{:?}", matchers);
    for (found, (id, known)) in found.items.iter().zip(rest) {
        prop_assert_eq!(&found.id, &format!("{id:032x}"));
        prop_assert_eq!(&found.target, &known.target);
        prop_assert_eq!(&found.service, &model.services[&known.target]);
        prop_assert_eq!(&found.labels, &known.labels.clone().unwrap_or_default());
    }
    Ok(())
}

/// Entries of the region's tree by tag.
fn entries(pages: &impl Pages) -> BTreeMap<char, usize> {
    let mut counts = BTreeMap::new();
    let mut cursor = Tree::of(Region::InfrastructureState).seek(pages, &[]);
    while let Some((key, _)) = cursor.next(pages) {
        *counts.entry(char::from(key[0])).or_default() += 1;
    }
    counts
}

/// Every text is kept once, and only while a series has it.
fn check_symbols(pages: &impl Pages, model: &Model) -> Result<(), TestCaseError> {
    let labels = model.series.values().flat_map(|known| known.labels.iter().flatten());
    let pairs: BTreeSet<_> = labels.collect();
    let names: BTreeSet<_> = pairs.iter().map(|(name, _)| name).collect();
    let entries = entries(pages);
    for tag in ['K', 'P'] {
        prop_assert_eq!(entries.get(&tag).copied().unwrap_or_default(), pairs.len() + names.len());
    }
    for service in SERVICES {
        let of_service = model.find(Some(service), &[]).flat_map(|(_, known)| known.labels.iter().flatten());
        let wanted: BTreeSet<_> =
            of_service.filter(|(name, _)| *name == "mode").map(|(_, value)| value.clone()).collect();
        let found = label_values(pages, service, "mode", 2);
        prop_assert_eq!(found.truncated, wanted.len() > 2);
        prop_assert!(found.items.iter().eq(wanted.iter().take(2)));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn matchers_equal_a_map(steps in prop::collection::vec(step(), 1..60)) {
        let quota = 4096 * 4096;
        let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
        let mut pool = Pool::open(&options).expect("options are valid");
        let mut heap = Heap::create(&mut pool, 0).expect("room");
        let mut model = Model::default();
        for (time, step) in steps.iter().enumerate() {
            let mut space = Space { pool: &mut pool, heap: &mut heap };
            match step {
                Step::Scrape { target, service, series } => {
                    scrape(&mut space, &mut model, time as i64, (*target, SERVICES[*service]), series);
                }
                Step::Evict(times) => {
                    for _ in 0..*times {
                        let Some(evicted) = evict_oldest(&mut space) else { break };
                        let left = series(&space, None, &[], usize::MAX - 1, None).expect("no matchers").items;
                        let left: BTreeSet<u128> = left.iter().map(|one| u128::from_str_radix(&one.id, 16).expect("hex")).collect();
                        let before = model.series.len();
                        model.series.retain(|id, _| left.contains(id));
                        let gone = evicted.series.map_or(0, |(_, gone)| gone as usize);
                        prop_assert_eq!(before - model.series.len(), gone);
                    }
                    check_symbols(&space, &model)?;
                }
                Step::Ask { service, matchers, limit, after } => {
                    let matchers: Vec<Matcher> = matchers.iter().map(matcher).collect();
                    ask(&space, &model, service.map(|service| SERVICES[service]), &matchers, *limit, *after)?;
                }
            }
        }
        let image = heap.image(&pool);
        check_symbols(&image, &model)?;
        for kind in 0..16 {
            for name in 0..NAMES.len() {
                let asked: Vec<Matcher> = vec![matcher(&(name, kind % 4, kind, true))];
                ask(&image, &model, None, &asked, 1_000, usize::MAX)?;
            }
        }
        let mut space = Space { pool: &mut pool, heap: &mut heap };
        while evict_oldest(&mut space).is_some() {}
        let left: Vec<char> = entries(&space).into_keys().filter(|tag| *tag != 'g').collect();
        prop_assert_eq!(left, Vec::<char>::new());
    }
}

/// Drops the oldest chunk or head of the finest samples, with all its steps.
fn evict_oldest(space: &mut Space<'_>) -> Option<Evicted> {
    let resolutions = [Resolution::Raw, Resolution::FiveMinutes, Resolution::Hour];
    let oldest = resolutions.into_iter().find_map(|resolution| oldest_samples(space, resolution))?;
    let (mut dropping, mut series) = (None, None);
    loop {
        let evicted = evict_samples(space, &oldest, &mut dropping);
        series = evicted.series.clone().or(series);
        if oldest_samples(space, oldest.resolution).as_ref() != Some(&oldest) {
            return Some(Evicted { series, ..evicted });
        }
    }
}

fn one_target(series: usize, call: impl FnOnce(&mut Space<'_>)) {
    let quota = 4096 * 8192;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    let mut pool = Pool::open(&options).expect("options are valid");
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    let mut space = Space { pool: &mut pool, heap: &mut heap };
    let which: Vec<(usize, bool)> = (0..series).map(|n| (n, true)).collect();
    scrape(&mut space, &mut Model::default(), 1, (0, SERVICES[0]), &which);
    call(&mut space);
}

#[test]
fn a_wrong_matcher_is_named_with_its_place() {
    one_target(3, |space| {
        let good = Matcher { name: "a".to_owned(), op: MatchOp::Equal, value: "b".to_owned() };
        let bad = Matcher { op: MatchOp::Unlike, value: "x{3".to_owned(), ..good.clone() };
        let refused = series(space, None, &[good.clone(), bad], 1, None).expect_err("unclosed");
        assert_eq!(refused.to_string(), "matchers.1.value: unclosed counted repetition at character 2: {3");
        let refused = series(space, None, &vec![good; 33], 1, None).expect_err("many");
        assert_eq!(refused.to_string(), "matchers: 33, at most 32");
    });
}

#[test]
fn more_values_than_may_be_tried_are_refused_unless_others_narrow_them() {
    let value = |n: usize| format!("value {n}");
    one_target(1, |space| {
        for target in 0..450 {
            let values: Vec<String> = (0..240).map(|n| value(target * 240 + n)).collect();
            let target = format!("many {target}");
            let labels: Vec<Vec<(&str, &str)>> =
                values.iter().map(|value| vec![("target", target.as_str()), ("wide", value.as_str())]).collect();
            let ids: Vec<u128> = labels.iter().map(|labels| series_id(labels)).collect();
            let announced: Vec<Announced<'_>> =
                ids.iter().zip(&labels).map(|(id, labels)| Announced { id: *id, labels: labels.clone() }).collect();
            let samples = (0..ids.len()).map(|column| (1, column as u32, 1.0)).collect();
            let block = &encode_blocks(&ids, samples, usize::MAX)[0].block;
            apply_metrics(space, &target, "a/b", &announced, &Block::parse(block).expect("our own")).expect("room");
        }
        let like =
            |name: &str, value: &str| Matcher { name: name.to_owned(), op: MatchOp::Like, value: value.to_owned() };
        let refused = series(space, None, &[like("wide", ".*7")], 1, None).expect_err("108,000 values");
        assert!(refused.to_string().contains("more than 100000 values of wide"), "{refused}");
        // A beginning bounds what is tried, and so does another matcher.
        let found = |matchers: &[Matcher]| series(space, None, matchers, 1_000, None).expect("few").items.len();
        assert_eq!(found(&[like("wide", "value 12.*7")]), 111);
        assert_eq!(found(&[like("wide", ".*7"), like("target", "many 3|many 4")]), 48);
    });
}
