//! The folder of snapshots: `shard-<shard>.<writer>.<sequence>.snapshot`.

use crate::SnapshotError;
use crate::file::{self, FORMAT, Unusable};
use crate::key::SnapshotKey;
use crate::manifest::{Manifest, Offsets, SnapshotInfo, parse_offsets};
use paged::PageImage;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

const KEPT: usize = 2;
const WRITER_BYTES_MAX: usize = 64;
const ENDING: &str = ".snapshot";
/// Files of writers that are gone are kept for this long after this writer has files of its own.
const OTHERS_KEPT: Duration = Duration::from_hours(24);

/// What to write.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where.
    pub folder: PathBuf,
    /// The shard.
    pub shard: u16,
    /// Names the process that writes.
    pub writer: String,
    /// The place in the logs that the state is at.
    pub offsets: Offsets,
    /// The shard's clock.
    pub clock: f64,
    /// Digest of the state.
    pub state_hash: String,
}

/// A restored snapshot.
#[derive(Debug)]
pub struct Found {
    /// Its pages.
    pub image: PageImage,
    /// What it says.
    pub info: SnapshotInfo,
}

/// A file's name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    shard: u16,
    writer: String,
    sequence: u64,
}

impl Name {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("shard-")?.strip_suffix(ENDING)?.split('.');
        let name = Self {
            shard: parts.next()?.parse().ok()?,
            writer: parts.next()?.to_owned(),
            sequence: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(name)
    }

    fn text(&self) -> String {
        format!("shard-{:02}.{}.{:010}{ENDING}", self.shard, self.writer, self.sequence)
    }
}

/// Writes a snapshot so that it is there whole or not at all, then drops older ones. Durable when it returns.
pub fn write(wanted: &Wanted, key: &SnapshotKey, image: &PageImage) -> Result<SnapshotInfo, SnapshotError> {
    check_writer(&wanted.writer)?;
    parse_offsets(&wanted.offsets)?;
    fs::create_dir_all(&wanted.folder).map_err(failed("make", &wanted.folder))?;
    let names = list(&wanted.folder, wanted.shard)?;
    let last = names.iter().filter(|name| name.writer == wanted.writer).map(|name| name.sequence).max();
    let sequence = last.map_or(0, |last| last + 1);
    let name = Name { shard: wanted.shard, writer: wanted.writer.clone(), sequence };
    let path = wanted.folder.join(name.text());
    let draft = wanted.folder.join(format!("{}.tmp", name.text()));
    let manifest = Manifest {
        format: FORMAT,
        shard: wanted.shard,
        offsets: wanted.offsets.clone(),
        clock: wanted.clock,
        state_hash: wanted.state_hash.clone(),
        region_tags: image.region_tags(),
    };
    let bytes = write_file(&draft, key, &manifest, image).map_err(failed("write", &draft))?;
    fs::rename(&draft, &path).map_err(failed("rename", &draft))?;
    sync_folder(&wanted.folder).map_err(failed("sync", &wanted.folder))?;
    prune(&wanted.folder, &names, &name)?;
    Ok(info(manifest, image.used(), bytes, &path))
}

/// The newest usable snapshot of a shard of which no offset is above `committed`, and what was skipped with its reason.
/// `check` is given the pages and the digest that the snapshot says of them.
///
/// When nothing is usable and a file is sealed with another key, that is an error: starting empty would look like a loss.
pub fn find(
    folder: &Path,
    shard: u16,
    committed: &Offsets,
    key: &SnapshotKey,
    check: impl Fn(&PageImage, &str) -> Result<(), String>,
) -> Result<(Option<Found>, Vec<String>), SnapshotError> {
    let committed = parse_offsets(committed)?;
    let mut refused = Vec::new();
    let mut foreign = None;
    let mut candidates = Vec::new();
    for name in list(folder, shard)? {
        let path = folder.join(name.text());
        let manifest = match open_manifest(&path, key) {
            Ok(manifest) => manifest,
            Err(Unusable::ForeignKey) => {
                foreign.get_or_insert_with(|| path.display().to_string());
                refused.push(format!("{}: sealed with another key", name.text()));
                continue;
            }
            Err(unusable) => {
                refused.push(format!("{}: {}", name.text(), describe(&unusable)));
                continue;
            }
        };
        let Ok(offsets) = parse_offsets(&manifest.offsets) else {
            refused.push(format!("{}: offsets", name.text()));
            continue;
        };
        let ahead = offsets.iter().find(|(topic, offset)| committed.get(*topic).copied().unwrap_or(0) < **offset);
        if let Some((topic, offset)) = ahead {
            refused.push(format!("{}: {topic} at {offset} is ahead of what is committed", name.text()));
            continue;
        }
        if manifest.shard != shard {
            refused.push(format!("{}: holds shard {}", name.text(), manifest.shard));
            continue;
        }
        let sum = offsets.values().map(|offset| u128::from(*offset)).sum::<u128>();
        candidates.push((sum, manifest.clock, name));
    }
    candidates.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(b.2.sequence.cmp(&a.2.sequence)));
    for (_, _, name) in candidates {
        let path = folder.join(name.text());
        match open_pages(&path, key) {
            Ok((manifest, image)) => {
                if let Err(reason) = check(&image, &manifest.state_hash) {
                    refused.push(format!("{}: {reason}", name.text()));
                    continue;
                }
                let bytes = fs::metadata(&path).map_err(failed("read", &path))?.len();
                let info = info(manifest, image.used(), bytes, &path);
                return Ok((Some(Found { image, info }), refused));
            }
            Err(unusable) => refused.push(format!("{}: {}", name.text(), describe(&unusable))),
        }
    }
    match foreign {
        Some(file) => Err(SnapshotError::KeyWrong { file }),
        None => Ok((None, refused)),
    }
}

fn open_manifest(path: &Path, key: &SnapshotKey) -> Result<Manifest, Unusable> {
    Ok(file::read_manifest(&mut BufReader::new(File::open(path)?), key)?.0)
}

fn open_pages(path: &Path, key: &SnapshotKey) -> Result<(Manifest, PageImage), Unusable> {
    let mut input = BufReader::with_capacity(1 << 20, File::open(path)?);
    let (manifest, sealer) = file::read_manifest(&mut input, key)?;
    let image = file::read_pages(&mut input, &manifest, &sealer)?;
    Ok((manifest, image))
}

fn write_file(path: &Path, key: &SnapshotKey, manifest: &Manifest, image: &PageImage) -> io::Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let bytes = file::write(&mut out, key, manifest, image)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(bytes)
}

/// Drops what `name` makes superfluous. Files of others are only dropped when they are old and this writer has two.
fn prune(folder: &Path, names: &[Name], name: &Name) -> Result<(), SnapshotError> {
    let mut own: Vec<&Name> = names.iter().filter(|other| other.writer == name.writer).collect();
    own.sort_by_key(|other| std::cmp::Reverse(other.sequence));
    for old in own.iter().skip(KEPT - 1) {
        remove(&folder.join(old.text()))?;
    }
    if own.is_empty() {
        return Ok(());
    }
    for other in names.iter().filter(|other| other.writer != name.writer) {
        let path = folder.join(other.text());
        let age = fs::metadata(&path).and_then(|data| data.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > OTHERS_KEPT) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Snapshots of a shard; none while there is no folder.
fn list(folder: &Path, shard: u16) -> Result<Vec<Name>, SnapshotError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", folder)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("list", folder))?;
        names.extend(entry.file_name().to_str().and_then(Name::parse).filter(|name| name.shard == shard));
    }
    Ok(names)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn check_writer(writer: &str) -> Result<(), SnapshotError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if writer.is_empty() || writer.len() > WRITER_BYTES_MAX || !writer.bytes().all(fits) {
        let reason = format!("1 to {WRITER_BYTES_MAX} letters, digits, - and _");
        return Err(SnapshotError::ArgumentInvalid { field: "writer", reason });
    }
    Ok(())
}

fn info(manifest: Manifest, pages: usize, bytes: u64, path: &Path) -> SnapshotInfo {
    let Manifest { shard, offsets, clock, state_hash, .. } = manifest;
    SnapshotInfo { shard, offsets, clock, state_hash, pages, bytes, file: path.display().to_string() }
}

fn describe(unusable: &Unusable) -> String {
    match unusable {
        Unusable::ForeignKey => "sealed with another key".to_owned(),
        Unusable::Damaged(part) => format!("damaged: {part}"),
        Unusable::Io(error) => error.to_string(),
    }
}

fn failed<'a>(operation: &'static str, path: &'a Path) -> impl Fn(io::Error) -> SnapshotError + 'a {
    move |error| SnapshotError::Failed { operation, file: path.display().to_string(), reason: error.to_string() }
}
