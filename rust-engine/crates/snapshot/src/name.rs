//! The names of the files: `shard-<shard>.<writer>.<sequence>.manifest` and `.segment`.

use crate::SnapshotError;
use crate::storage::Storage;
use std::io;
use std::path::{Path, PathBuf};

const WRITER_BYTES_MAX: usize = 64;
/// While a file is written.
pub const DRAFT: &str = ".tmp";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Manifest,
    Segment,
}

/// A file's name, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub shard: u16,
    pub writer: String,
    pub sequence: u64,
    pub kind: Kind,
    /// Never finished.
    pub draft: bool,
}

impl Name {
    pub fn parse(text: &str) -> Option<Self> {
        let whole = text.strip_suffix(DRAFT);
        let mut parts = whole.unwrap_or(text).strip_prefix("shard-")?.split('.');
        let name = Self {
            shard: parts.next()?.parse().ok()?,
            writer: parts.next()?.to_owned(),
            sequence: parts.next()?.parse().ok()?,
            kind: match parts.next()? {
                "manifest" => Kind::Manifest,
                "segment" => Kind::Segment,
                _ => return None,
            },
            draft: whole.is_some(),
        };
        (parts.next().is_none() && name.text() == text).then_some(name)
    }

    pub fn text(&self) -> String {
        let kind = match self.kind {
            Kind::Manifest => "manifest",
            Kind::Segment => "segment",
        };
        let draft = if self.draft { DRAFT } else { "" };
        format!("shard-{:02}.{}.{:010}.{kind}{draft}", self.shard, self.writer, self.sequence)
    }

    pub fn is_manifest(&self) -> bool {
        self.kind == Kind::Manifest && !self.draft
    }

    pub fn in_folder(&self, folder: &Path) -> PathBuf {
        folder.join(self.text())
    }
}

/// The files of a shard; none while there is no folder.
pub fn list(storage: &dyn Storage, folder: &Path, shard: u16) -> Result<Vec<Name>, SnapshotError> {
    let names = storage.names(folder).map_err(failed("list", folder))?;
    Ok(names.iter().filter_map(|text| Name::parse(text)).filter(|name| name.shard == shard).collect())
}

pub fn check_writer(writer: &str) -> Result<(), SnapshotError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if writer.is_empty() || writer.len() > WRITER_BYTES_MAX || !writer.bytes().all(fits) {
        let reason = format!("1 to {WRITER_BYTES_MAX} letters, digits, - and _");
        return Err(SnapshotError::ArgumentInvalid { field: "writer", reason });
    }
    Ok(())
}

pub fn failed<'a>(operation: &'static str, path: &'a Path) -> impl Fn(io::Error) -> SnapshotError + 'a {
    move |error| SnapshotError::Failed { operation, file: path.display().to_string(), reason: error.to_string() }
}
