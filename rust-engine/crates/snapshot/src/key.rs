use crate::SnapshotError;
use aws_lc_rs::{digest, rand};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Bytes of the key.
pub const KEY_BYTES: usize = 32;
/// Bytes by which a file names the key that seals it.
pub const KEY_ID_BYTES: usize = 8;

/// Random bytes in the name of a key file that is being made.
const DRAFT_NAME_BYTES: usize = 16;
/// Keys of one file.
const KEYS_MAX: usize = 8;

/// A key that seals snapshots.
#[derive(Clone)]
pub(crate) struct SnapshotKey {
    bytes: [u8; KEY_BYTES],
}

impl std::fmt::Debug for SnapshotKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SnapshotKey(..)")
    }
}

impl SnapshotKey {
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }

    /// Names the key without telling it.
    pub fn id(&self) -> [u8; KEY_ID_BYTES] {
        let text = [b"devops-mcp-server snapshot key ".as_slice(), &self.bytes].concat();
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest::digest(&digest::SHA256, &text).as_ref()[..KEY_ID_BYTES]);
        id
    }
}

/// The keys of a key file: the first one seals, all of them open. To change keys put a new one in front; the old one may
/// go when the two manifests that are kept of every shard are both sealed whole with the new one: after three snapshots.
#[derive(Clone, Debug)]
pub struct SnapshotKeys {
    first: SnapshotKey,
    others: Vec<SnapshotKey>,
}

impl SnapshotKeys {
    /// One key.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self { first: SnapshotKey { bytes }, others: Vec::new() }
    }

    /// Several keys, the one that seals first; none for no key, or for more than a key file may hold.
    pub fn of(keys: &[[u8; KEY_BYTES]]) -> Option<Self> {
        let (first, others) = keys.split_first().filter(|(_, others)| others.len() < KEYS_MAX)?;
        let others = others.iter().map(|bytes| SnapshotKey { bytes: *bytes }).collect();
        Some(Self { first: SnapshotKey { bytes: *first }, others })
    }

    /// Reads the key file; makes it (mode 0600) when there is none.
    pub fn load_or_create(path: &Path) -> Result<Self, SnapshotError> {
        match Self::load(path) {
            Ok(Some(key)) => Ok(key),
            Ok(None) => {
                create(path).map_err(|error| invalid(path, error.to_string()))?;
                Self::load(path)?.ok_or_else(|| invalid(path, "vanished after it was made".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the key file; none when there is none.
    pub fn load(path: &Path) -> Result<Option<Self>, SnapshotError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(invalid(path, error.to_string())),
        };
        let mode = fs::metadata(path).map_err(|error| invalid(path, error.to_string()))?.mode();
        if mode & 0o077 != 0 {
            return Err(invalid(path, format!("mode {:o}, others must not read it", mode & 0o777)));
        }
        let (keys, rest) = bytes.as_chunks::<KEY_BYTES>();
        match Self::of(keys).filter(|_| rest.is_empty()) {
            Some(keys) => Ok(Some(keys)),
            None => Err(invalid(path, format!("{} bytes, not 1 to {KEYS_MAX} keys of {KEY_BYTES}", bytes.len()))),
        }
    }

    /// The key that seals.
    pub(crate) fn first(&self) -> &SnapshotKey {
        &self.first
    }

    pub(crate) fn by_id(&self, id: &[u8]) -> Option<&SnapshotKey> {
        std::iter::once(&self.first).chain(&self.others).find(|key| key.id() == *id)
    }
}

/// Whoever links first has made the key: a second one then reads that. No two drafts have the same name.
fn create(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut bytes = [0; KEY_BYTES];
    rand::fill(&mut bytes).map_err(|_| no_randomness())?;
    let mut name = [0; DRAFT_NAME_BYTES];
    rand::fill(&mut name).map_err(|_| no_randomness())?;
    let draft = path.with_extension(format!("{:032x}.tmp", u128::from_le_bytes(name)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    let linked = match fs::hard_link(&draft, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    };
    fs::remove_file(&draft)?;
    linked?;
    File::open(folder)?.sync_all()
}

fn no_randomness() -> std::io::Error {
    std::io::Error::other("no randomness")
}

fn invalid(path: &Path, reason: String) -> SnapshotError {
    SnapshotError::KeyInvalid { file: path.display().to_string(), reason }
}
