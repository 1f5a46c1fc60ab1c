//! A snapshot whose state is not what it says is passed over.

use pool::PoolOptions;
use shard::{Engine, find_snapshot, write_snapshot};
use snapshot::{Offsets, SnapshotKey, Wanted};
use std::path::PathBuf;

#[test]
fn a_wrong_digest_is_named_and_the_older_snapshot_is_used() {
    let folder = std::env::temp_dir().join(format!("older-snapshot-{}", std::process::id()));
    let key_file = folder.join("keys").join("snapshot.key");
    let wanted = |offset: u32, state_hash: &str| Wanted {
        folder: PathBuf::from(&folder),
        shard: 0,
        writer: "w".to_owned(),
        offsets: Offsets::from([("devops.deployments".to_owned(), offset.to_string())]),
        clock: f64::from(offset),
        state_hash: state_hash.to_owned(),
    };
    let committed = Offsets::from([("devops.deployments".to_owned(), "9".to_owned())]);

    let quota = 64 * 4096;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    let mut engine = Engine::open(&options).expect("options are valid");
    let shard = engine.create(0).expect("room");
    let image = engine.image(shard).expect("loaded");
    let older = write_snapshot(wanted(1, ""), &key_file, &image).expect("writes");
    engine.rolling_add(shard, &["scope".to_owned()], 1, true, 2.0).expect("room");
    let image = engine.image(shard).expect("loaded");
    let key = SnapshotKey::load_or_create(&key_file).expect("there is one");
    let newer = snapshot::write(&wanted(2, "0123"), &key, &image).expect("writes");

    let searched = find_snapshot(&folder, 0, &committed, &key_file).expect("finds");
    std::fs::remove_dir_all(&folder).expect("ours");
    assert_eq!(searched.found.map(|found| found.info), Some(older));
    let name = PathBuf::from(newer.file).file_name().map(|name| name.to_string_lossy().into_owned());
    let [refused] = searched.refused.as_slice() else { panic!("{:?}", searched.refused) };
    assert!(refused.starts_with(&format!("{}: digest ", name.expect("a file"))), "{refused}");
    assert!(refused.ends_with(", not 0123"), "{refused}");
}
