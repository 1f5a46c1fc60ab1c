//! What is inside of a manifest's seal. Nobody without the key gets so far, but a manifest of another version does, and one
//! that was written by a writer with a fault.

use crate::Target;
use snapshot::Manifest;

/// The target.
pub const TARGET: Target = Target {
    name: "snapshot_manifest",
    run,
    seeds,
    words: &["\"format\":", "\"segments\":[", "\"pages\":", "4294967295", "\"offsets\":{", "\"clock\":"],
};

/// A manifest that is taken says the same once it is written, and counts each page once.
pub fn run(bytes: &[u8]) -> bool {
    let Ok(manifest) = Manifest::of_plain(bytes) else { return false };
    let again = Manifest::of_plain(&manifest.plain().expect("can be written")).expect("can be read");
    assert!(again == manifest, "written as another one");
    assert!(manifest.used() > 0);
    true
}

fn seeds() -> Vec<Vec<u8>> {
    let head = |hash: &str, pages: u32| {
        format!(
            r#"{{"format":{},"shard":1,"writer":"w","sequence":3,"offsets":{{"topic":"7"}},"clock":5.0,"pagesHash":"{hash}","segments":[{{"sequence":3,"id":"00","pages":{pages},"digest":"00"}}]}}"#,
            snapshot::FORMAT
        )
    };
    let plain = |head: String, places: u32| {
        let place = |slot: u32| [&[1, 0, 0], slot.to_le_bytes().as_slice(), &[0; 8]].concat();
        let table: Vec<u8> = (0..places).flat_map(place).collect();
        [&(head.len() as u32).to_le_bytes(), head.as_bytes(), &places.to_le_bytes(), &table].concat()
    };
    // With the digests of tables of one and of three pages.
    let hashes = [1, 3].map(|places| (places, Manifest::hash_of_plain(&plain(head("", places), places))));
    hashes.map(|(places, hash)| plain(head(&hash.expect("is whole"), places), places)).to_vec()
}
