//! Random operations on the tree and on a BTreeMap agree; pages are all given back.

use paged::{Heap, Pages, Region, Space, Tree, View};
use pool::{Pool, PoolOptions};
use proptest::prelude::*;
use std::collections::BTreeMap;

const TREE: Tree = Tree::of(Region::DeploymentHistory);

fn pool(pages: u64) -> Pool {
    let quota = pages / 4 * 4096;
    let options =
        PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [quota * 3; 4], shards: 2 };
    Pool::open(&options).expect("options are valid")
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<u8>, usize, u8),
    Remove(prop::sample::Index),
    RemoveAbsent(Vec<u8>),
    RemoveRange(prop::sample::Index, usize),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..12),
        prop::collection::vec(b'a'..b'd', 0..500),
        (0u64..500).prop_map(|n| n.to_be_bytes().to_vec()),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bytes = prop_oneof![5 => 0usize..200, 2 => 900usize..1200, 1 => 0usize..20_000];
    let step = prop_oneof![
        8 => (key(), bytes, any::<u8>()).prop_map(|(k, n, fill)| Step::Insert(k, n, fill)),
        3 => any::<prop::sample::Index>().prop_map(Step::Remove),
        1 => key().prop_map(Step::RemoveAbsent),
        1 => (any::<prop::sample::Index>(), 1usize..80).prop_map(|(at, n)| Step::RemoveRange(at, n)),
    ];
    prop::collection::vec(step, 1..300)
}

fn entries(pages: &impl Pages) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut cursor = TREE.seek(pages, &[]);
    std::iter::from_fn(|| cursor.next(pages).map(|(k, v)| (k.to_vec(), v.into_owned()))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn tree_equals_map(steps in steps(), probe in key()) {
        let mut pool = pool(4096);
        let mut heap = Heap::create(&mut pool, 1).expect("room");
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut space = Space { pool: &mut pool, heap: &mut heap };
        for step in steps {
            match step {
                Step::Insert(key, bytes, fill) => {
                    let value = vec![fill; bytes];
                    let new = TREE.insert(&mut space, &key, &value).expect("room");
                    prop_assert_eq!(model.insert(key, value).is_none(), new);
                }
                Step::Remove(index) if !model.is_empty() => {
                    let key = index.get(&model.keys().cloned().collect::<Vec<_>>()).clone();
                    model.remove(&key);
                    prop_assert!(TREE.remove(&mut space, &key));
                }
                Step::RemoveRange(index, n) if !model.is_empty() => {
                    let first = index.index(model.len());
                    for key in model.keys().skip(first).take(n).cloned().collect::<Vec<_>>() {
                        model.remove(&key);
                        prop_assert!(TREE.remove(&mut space, &key));
                    }
                }
                Step::Remove(_) | Step::RemoveRange(..) => {}
                Step::RemoveAbsent(key) => {
                    prop_assert_eq!(TREE.remove(&mut space, &key), model.remove(&key).is_some());
                }
            }
        }
        prop_assert_eq!(entries(&space), model.clone().into_iter().collect::<Vec<_>>());
        for (key, value) in &model {
            let found = TREE.get(&space, key);
            prop_assert_eq!(found.as_deref(), Some(value.as_slice()));
        }
        let from = TREE.seek(&space, &probe).next(&space).map(|(key, _)| key.to_vec());
        prop_assert_eq!(from.as_ref(), model.range(probe..).next().map(|(key, _)| key));

        let (mut seen, mut used, mut from) = (Vec::new(), 0, Some(Vec::new()));
        while let Some(key) = from {
            let looked = TREE.look(&space, &key, &mut |entry| {
                let value = &model[entry.key];
                assert!(value.starts_with(entry.beginning));
                assert_eq!(entry.chain.0 == 0, value.len() <= 1024);
                seen.push(entry.key.to_vec());
                used += entry.chain.0;
            });
            used += looked.as_ref().map_or(0, |looked| looked.branches.0 + 1);
            from = looked.and_then(|looked| looked.next);
        }
        prop_assert_eq!(seen, model.keys().cloned().collect::<Vec<_>>());
        prop_assert_eq!(used + 1, pool.pages_of(1), "every page but the root page");

        let image = heap.image(&pool);
        prop_assert_eq!(entries(&image), model.clone().into_iter().collect::<Vec<_>>());
        let mut copy = Heap::vacant(0, image.regions().iter().map(Option::is_some));
        for (n, region, page) in image.iter() {
            copy.install(&mut pool, n, region, page).expect("room");
        }
        prop_assert_eq!(entries(&View { pool: &pool, heap: &copy }), entries(&image));

        let mut space = Space { pool: &mut pool, heap: &mut heap };
        for key in model.keys() {
            TREE.remove(&mut space, key);
        }
        prop_assert_eq!(pool.pages_of(1), 1, "an empty tree keeps only the root page");
    }
}

#[test]
fn a_refused_insert_leaves_the_map_as_it_was() {
    let mut pool = pool(64);
    let mut heap = Heap::create(&mut pool, 0).expect("room");
    let mut space = Space { pool: &mut pool, heap: &mut heap };
    let mut n = 0u32;
    while TREE.insert(&mut space, &n.to_be_bytes(), &[7; 700]).is_ok() {
        n += 1;
    }
    assert!(n > 200, "{n}");
    let before = entries(&space);
    assert!(TREE.insert(&mut space, b"large", &[1; 9000]).is_err());
    assert_eq!(entries(&space), before);
    assert_eq!(before.len(), n as usize);
}
