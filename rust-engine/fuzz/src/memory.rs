//! Files in memory.

use snapshot::{Storage, StorageFile};
use std::collections::BTreeMap;
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// One folder.
#[derive(Debug, Default)]
pub struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

struct File<'a> {
    folder: &'a Memory,
    name: String,
}

impl Memory {
    pub fn of(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self(Mutex::new(files))
    }

    pub fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().expect("one thread at a time")
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

fn missing() -> io::Error {
    ErrorKind::NotFound.into()
}

impl Write for File<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.folder.files().entry(self.name.clone()).or_default().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StorageFile for File<'_> {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Storage for Memory {
    fn make_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn names(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(self.files().keys().cloned().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile + '_>> {
        let name = name_of(path);
        self.files().insert(name.clone(), Vec::new());
        Ok(Box::new(File { folder: self, name }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>> {
        let content = self.files().get(&name_of(path)).cloned().ok_or_else(missing)?;
        Ok(Box::new(Cursor::new(content)))
    }

    fn bytes(&self, path: &Path) -> io::Result<u64> {
        self.files().get(&name_of(path)).map(|content| content.len() as u64).ok_or_else(missing)
    }

    fn age(&self, path: &Path) -> io::Result<Duration> {
        self.bytes(path).map(|_| Duration::ZERO)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files();
        let content = files.remove(&name_of(from)).ok_or_else(missing)?;
        files.insert(name_of(to), content);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.files().remove(&name_of(path)).map(drop).ok_or_else(missing)
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}
