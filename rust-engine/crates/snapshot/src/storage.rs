//! The file operations that snapshots need, so that a crash or a failing disk is one line in a test.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A file being written.
pub trait StorageFile: Write {
    /// Returns when what was written is durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// Files in folders. A name is durable only after `sync_folder`, content only after `StorageFile::sync`.
pub trait Storage: Sync {
    /// Makes a folder and those above it.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;
    /// Names of the files in a folder; none while there is no folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;
    /// A new empty file; one of this name is emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile + '_>>;
    /// A file to read.
    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>>;
    /// Bytes of a file.
    fn bytes(&self, path: &Path) -> io::Result<u64>;
    /// Time since a file was written.
    fn age(&self, path: &Path) -> io::Result<Duration>;
    /// Gives a file another name, whole or not at all; one of that name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns when names made, changed and removed before are durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// The file system.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

/// Bytes written after which the disk begins to take them.
const SYNC_EVERY_BYTES: usize = 16 << 20;

/// A file whose content goes to the disk while the rest is still being made: else the disk would idle until the end and the
/// last sync would take as long as all of it.
struct DiskFile {
    file: File,
    /// Bytes written since the other thread was told.
    untold: usize,
    early: Option<EarlySync>,
}

/// A thread that syncs what was written so far, whenever it is told to.
struct EarlySync {
    /// Holds one: what is written during a sync is all for the next one.
    tell: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl EarlySync {
    fn start(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let (tell, told) = mpsc::sync_channel(1);
        let sync = move || told.into_iter().try_for_each(|()| file.sync_data());
        let thread = thread::Builder::new().name("snapshot-sync".to_owned()).spawn(sync)?;
        Ok(Self { tell, thread })
    }

    /// A write that failed after it was accepted is reported to one sync only, which may have been this thread's.
    fn end(self) -> io::Result<()> {
        drop(self.tell);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs broke")))
    }
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.untold += written;
        if self.untold >= SYNC_EVERY_BYTES {
            self.untold = 0;
            let early = match &mut self.early {
                Some(early) => early,
                none => none.insert(EarlySync::start(&self.file)?),
            };
            // Told already, or ended by an error that `end` gives.
            let _ = early.tell.try_send(());
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl StorageFile for DiskFile {
    fn sync(&mut self) -> io::Result<()> {
        self.early.take().map_or(Ok(()), EarlySync::end)?;
        self.file.sync_all()
    }
}

impl Storage for Disk {
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        // A name that is no text is none of ours.
        let name =
            |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().into_string().ok()).transpose();
        entries.filter_map(name).collect()
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile + '_>> {
        Ok(Box::new(DiskFile { file: File::create(path)?, untold: 0, early: None }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(File::open(path)?))
    }

    fn bytes(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }

    fn age(&self, path: &Path) -> io::Result<Duration> {
        // A clock that was set back makes nothing old.
        Ok(fs::metadata(path)?.modified()?.elapsed().unwrap_or_default())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}
