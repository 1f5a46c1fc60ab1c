//! A disk that forgets, tears and fails, from a seed.
//!
//! A file is the list of its writes; a folder is the list of changes to its names. What was not synced when the crash
//! comes is kept or lost piece by piece, in any combination, and a kept write may be torn or hold garbage at its end.

use snapshot::{Storage, StorageFile};
use std::collections::BTreeMap;
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// SplitMix64: small, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Vec<u8>,
    /// Offset and bytes.
    unsynced: Vec<(usize, Vec<u8>)>,
}

impl File {
    fn content(&self) -> Vec<u8> {
        let mut content = self.durable.clone();
        self.unsynced.iter().for_each(|(at, bytes)| put(&mut content, *at, bytes));
        content
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    content.resize(content.len().max(at + bytes.len()), 0);
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A change to the names of the folder, done as one.
#[derive(Clone, Debug)]
enum Change {
    Link(String, usize),
    Move(String, String, usize),
    Unlink(String),
}

#[derive(Debug)]
struct State {
    files: Vec<File>,
    durable: BTreeMap<String, usize>,
    unsynced: Vec<Change>,
    random: Random,
    /// Operations until the crash; none: no crash comes.
    left: Option<u64>,
    /// One in so many operations fails.
    fails: u64,
    /// A file that is there and can't be opened.
    unreadable: Option<String>,
}

/// One folder.
#[derive(Debug)]
pub struct Simulated(Mutex<State>);

impl Simulated {
    pub fn new(seed: u64, fails: u64) -> Self {
        let (files, durable, unsynced) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self(Mutex::new(State { files, durable, unsynced, random: Random(seed), left: None, fails, unreadable: None }))
    }

    #[allow(dead_code)]
    pub fn crash_in(&self, operations: u64) {
        self.lock().left = Some(operations);
    }

    #[allow(dead_code)]
    pub fn has_crashed(&self) -> bool {
        self.lock().left == Some(0)
    }

    /// Sets how often operations fail: one in `fails`, never for 0. How often they did before.
    #[allow(dead_code)]
    pub fn fail_one_in(&self, fails: u64) -> u64 {
        std::mem::replace(&mut self.lock().fails, fails)
    }

    /// What is left when the machine comes up again.
    #[allow(dead_code)]
    pub fn restart(&self) {
        let state = &mut *self.lock();
        state.left = None;
        for change in std::mem::take(&mut state.unsynced) {
            if !state.random.one_in(3) {
                apply(&mut state.durable, &change);
            }
        }
        for file in &mut state.files {
            for (at, mut bytes) in std::mem::take(&mut file.unsynced) {
                match state.random.below(4) {
                    0 => continue,
                    1 => bytes.truncate(state.random.below(bytes.len() as u64 + 1) as usize),
                    2 => {
                        let torn = state.random.below(bytes.len() as u64 + 1) as usize;
                        bytes[torn..].fill(0xa5);
                    }
                    _ => {}
                }
                put(&mut file.durable, at, &bytes);
            }
        }
    }

    /// From now on this file can't be opened, or all can.
    #[allow(dead_code)]
    pub fn make_unreadable(&self, name: Option<String>) {
        self.lock().unreadable = name;
    }

    /// Names now.
    #[allow(dead_code)] // each test file uses what it needs
    pub fn listing(&self) -> BTreeMap<String, usize> {
        self.lock().names()
    }

    /// Changes the content of a file, durably.
    #[allow(dead_code)]
    pub fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let state = &mut *self.lock();
        let file = state.names()[name];
        let mut content = state.files[file].content();
        change(&mut content);
        state.files[file] = File { durable: content, unsynced: Vec::new() };
    }

    #[allow(dead_code)]
    pub fn content(&self, name: &str) -> Vec<u8> {
        let state = self.lock();
        state.files[state.names()[name]].content()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("one thread at a time")
    }
}

impl State {
    fn names(&self) -> BTreeMap<String, usize> {
        let mut names = self.durable.clone();
        self.unsynced.iter().for_each(|change| apply(&mut names, change));
        names
    }

    /// Counts one operation; it may be the one that the crash or a failure hits.
    fn step(&mut self) -> io::Result<()> {
        match &mut self.left {
            Some(0) => return Err(io::Error::other("crashed")),
            Some(left) => *left -= 1,
            None => {}
        }
        if self.left == Some(0) {
            return Err(io::Error::other("crashed"));
        }
        if self.fails > 0 && self.random.one_in(self.fails) {
            return Err(io::Error::other("failed by the test"));
        }
        Ok(())
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.names().get(&name_of(path)).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }
}

fn apply(names: &mut BTreeMap<String, usize>, change: &Change) {
    match change {
        Change::Link(name, file) => drop(names.insert(name.clone(), *file)),
        Change::Move(from, to, file) => {
            names.remove(from);
            names.insert(to.clone(), *file);
        }
        Change::Unlink(name) => drop(names.remove(name)),
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

struct Open<'a> {
    disk: &'a Simulated,
    file: usize,
    at: usize,
}

impl Write for Open<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let state = &mut *self.disk.lock();
        let done = state.step();
        // A write that fails may have been done in part.
        let bytes = if done.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        // Cut in pieces that reach the disk each on its own.
        for piece in bytes.chunks(1 + bytes.len() / 3) {
            state.files[self.file].unsynced.push((self.at, piece.to_vec()));
            self.at += piece.len();
        }
        done.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StorageFile for Open<'_> {
    fn sync(&mut self) -> io::Result<()> {
        let state = &mut *self.disk.lock();
        state.step()?;
        let file = &mut state.files[self.file];
        *file = File { durable: file.content(), unsynced: Vec::new() };
        Ok(())
    }
}

impl Storage for Simulated {
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        self.lock().step()
    }

    fn names(&self, _: &Path) -> io::Result<Vec<String>> {
        let mut state = self.lock();
        state.step()?;
        Ok(state.names().into_keys().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile + '_>> {
        let mut state = self.lock();
        state.step()?;
        let file = state.files.len();
        state.files.push(File::default());
        state.unsynced.push(Change::Link(name_of(path), file));
        Ok(Box::new(Open { disk: self, file, at: 0 }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>> {
        let mut state = self.lock();
        state.step()?;
        let file = state.find(path)?;
        if state.unreadable == Some(name_of(path)) {
            return Err(io::Error::other("unreadable"));
        }
        Ok(Box::new(Cursor::new(state.files[file].content())))
    }

    fn bytes(&self, path: &Path) -> io::Result<u64> {
        let mut state = self.lock();
        state.step()?;
        let file = state.find(path)?;
        Ok(state.files[file].content().len() as u64)
    }

    fn age(&self, path: &Path) -> io::Result<Duration> {
        self.lock().find(path).map(|_| Duration::ZERO)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.step()?;
        let file = state.find(from)?;
        state.unsynced.push(Change::Move(name_of(from), name_of(to), file));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.step()?;
        state.find(path)?;
        state.unsynced.push(Change::Unlink(name_of(path)));
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        let state = &mut *self.lock();
        state.step()?;
        state.durable = state.names();
        state.unsynced.clear();
        Ok(())
    }
}
