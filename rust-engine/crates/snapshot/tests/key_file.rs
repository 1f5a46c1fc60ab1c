//! The key file on a disk: made once, by whoever comes first.

use snapshot::SnapshotKeys;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;
use std::thread;

#[test]
fn callers_that_make_the_key_file_at_once_all_get_the_same_key() {
    let folder = std::env::temp_dir().join(format!("key-file-{}", std::process::id()));
    for round in 0..50 {
        let path = folder.join(format!("{round}.key"));
        let barrier = Barrier::new(4);
        let make = || {
            barrier.wait();
            SnapshotKeys::load_or_create(&path).err().map(|error| error.to_string())
        };
        let refused: Vec<String> = thread::scope(|scope| {
            let callers: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
            callers.into_iter().filter_map(|caller| caller.join().expect("no panic")).collect()
        });
        assert_eq!(refused, Vec::<String>::new(), "round {round}");
        assert_eq!(fs::read(&path).expect("made").len(), snapshot::KEY_BYTES);
        assert_eq!(fs::metadata(&path).expect("made").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).expect("made").count(), round + 1, "a draft was left");
    }
    fs::remove_dir_all(&folder).expect("ours");
}
