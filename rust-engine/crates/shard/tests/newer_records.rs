//! An engine that meets records of a newer one refuses the snapshot by name, and takes an older one or none.

use paged::{PageImage, ROOT_PAGE};
use pool::PoolOptions;
use shard::{Engine, Handle, Restored};
use snapshot::{Offsets, Wanted};
use std::path::{Path, PathBuf};
use store::RECORDS_VERSION;

const TOPIC: &str = "devops.deployments";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("newer-records-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("temporary folder");
        Self(folder)
    }

    fn key(&self) -> PathBuf {
        self.0.join("keys").join("snapshot.key")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn engine() -> Engine {
    let quota = 1 << 20;
    let options = PoolOptions { pool_bytes: quota * 4, quota_bytes: [quota; 4], borrow_bytes_max: [0; 4], shards: 1 };
    Engine::open(&options).expect("options are valid")
}

fn offsets(offset: u32) -> Offsets {
    Offsets::from([(TOPIC.to_owned(), offset.to_string())])
}

fn write(engine: &mut Engine, handle: Handle, folder: &Folder, offset: u32) {
    let (folder, key) = (folder.0.clone(), folder.key());
    let wanted =
        Wanted { folder, shard: 0, writer: "w".to_owned(), offsets: offsets(offset), clock: f64::from(offset) };
    let writing = engine.begin_snapshot(handle, wanted).expect("none is running");
    // The ring has room for all pages of this shard.
    engine.copy_slice(handle);
    let result = writing.run(&key, &mut || ());
    engine.finish_snapshot(handle, writing, result).expect("writes");
}

/// The shard as an engine leaves it that writes records of another version.
fn written_by(version: u32, shard: &PageImage) -> PageImage {
    let mut image = PageImage::with_capacity(shard.len());
    let mut pages = shard.iter().peekable();
    for n in 0..shard.len() as u32 {
        let Some((_, region, page)) = pages.next_if(|(of, ..)| *of == n) else {
            image.push(None);
            continue;
        };
        let mut page = *page;
        if n == ROOT_PAGE {
            page[..4].copy_from_slice(&version.to_le_bytes());
        }
        image.push(Some((region, &page)));
    }
    image
}

fn restore(folder: &Path, key: &Path) -> (Restored, Engine) {
    let mut engine = engine();
    (engine.restore(folder, 0, &offsets(9), key).expect("reads"), engine)
}

fn filled() -> (Engine, Handle) {
    let mut engine = engine();
    let handle = engine.create(0).expect("room");
    engine.rolling_add(handle, &["scope".to_owned()], 1_000, true, 2.0).expect("room");
    (engine, handle)
}

#[test]
fn a_snapshot_with_newer_records_is_refused_and_the_one_before_it_taken() {
    let folder = Folder::new("older");
    let (mut ours, handle) = filled();
    write(&mut ours, handle, &folder, 1);
    let mut theirs = engine();
    let newer = written_by(RECORDS_VERSION + 1, &ours.image(handle).expect("loaded"));
    let loaded = theirs.load(0, &newer).expect("room");
    theirs.rolling_add(loaded, &["scope".to_owned()], 2_000, true, 2.0).expect("room");
    write(&mut theirs, loaded, &folder, 2);

    let (restored, engine) = restore(&folder.0, &folder.key());
    let (found, info) = restored.loaded.expect("the one before");
    assert_eq!(info.offsets, offsets(1));
    assert_eq!(engine.state_hash(found).expect("loaded"), ours.state_hash(handle).expect("loaded"));
    let reason = format!("records of version {}, {RECORDS_VERSION} is known", RECORDS_VERSION + 1);
    assert!(restored.refused.len() == 1 && restored.refused[0].ends_with(&reason), "{:?}", restored.refused);
}

#[test]
fn without_another_snapshot_there_is_none() {
    let folder = Folder::new("none");
    let (ours, handle) = filled();
    let mut theirs = engine();
    let newer = written_by(u32::MAX, &ours.image(handle).expect("loaded"));
    let loaded = theirs.load(0, &newer).expect("room");
    write(&mut theirs, loaded, &folder, 1);
    let (restored, _) = restore(&folder.0, &folder.key());
    assert!(restored.loaded.is_none());
    assert_eq!(restored.refused.len(), 1);
}

#[test]
fn records_of_an_older_engine_are_taken_and_count_as_ours_from_then_on() {
    let folder = Folder::new("ours");
    let (ours, handle) = filled();
    let image = ours.image(handle).expect("loaded");
    let mut theirs = engine();
    // As before pages told a version.
    let loaded = theirs.load(0, &written_by(0, &image)).expect("room");
    assert_eq!(theirs.image(loaded).expect("loaded"), image);
    write(&mut theirs, loaded, &folder, 1);
    assert!(restore(&folder.0, &folder.key()).0.loaded.is_some());
}
