//! Changes to the code (push, pull request): their size by service and commit.

use crate::deployment::ChangeSize;
use crate::event::DeploymentEvent;
use crate::evict::Class;
use crate::keys::{Table, join, service_prefix, text_part, value_key};
use crate::stored::{Versioned, load, reindex, save};
use crate::{HISTORY, StoreError};
use paged::{Pages, PagesMut};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredChange {
    at: i64,
    size: ChangeSize,
}

impl Versioned for StoredChange {}

/// Size of the change with this commit.
pub fn change_of(pages: &impl Pages, service: &str, sha: &str) -> Option<ChangeSize> {
    load::<StoredChange>(pages, HISTORY, &key_of(service, sha)).map(|stored| stored.size)
}

/// Keeps the size that an event tells; the first telling holds and later ones fill its gaps. False when nothing changed.
pub fn record_change(pages: &mut impl PagesMut, event: &DeploymentEvent) -> Result<bool, StoreError> {
    let (Some(sha), Some(told)) = (&event.sha, &event.change) else { return Ok(false) };
    let key = key_of(&event.service, sha);
    let known: Option<StoredChange> = load(pages, HISTORY, &key);
    let next = match &known {
        None => StoredChange { at: event.occurred_at, size: told.clone() },
        Some(known) => StoredChange { at: known.at.min(event.occurred_at), size: filled(&known.size, told) },
    };
    if known.as_ref() == Some(&next) {
        return Ok(false);
    }
    save(pages, HISTORY, &key, &next)?;
    let entry = |stored: &StoredChange| vec![value_key(Class::Change as u8, stored.at, Table::Change, &key[1..])];
    reindex(pages, known.as_ref().map(|known| (HISTORY, entry(known))), (HISTORY, &entry(&next)))?;
    Ok(true)
}

fn filled(known: &ChangeSize, told: &ChangeSize) -> ChangeSize {
    ChangeSize {
        files_added: known.files_added.or(told.files_added),
        files_deleted: known.files_deleted.or(told.files_deleted),
        files_modified: known.files_modified.or(told.files_modified),
        lines_added: known.lines_added.or(told.lines_added),
        lines_deleted: known.lines_deleted.or(told.lines_deleted),
        src_files: known.src_files.or(told.src_files),
        doc_files: known.doc_files.or(told.doc_files),
        other_files: known.other_files.or(told.other_files),
        dockerfile_changed: known.dockerfile_changed.or(told.dockerfile_changed),
        compose_changed: known.compose_changed.or(told.compose_changed),
        file_types: known.file_types.clone().or_else(|| told.file_types.clone()),
    }
}

fn key_of(service: &str, sha: &str) -> Vec<u8> {
    join(&[&service_prefix(Table::Change, service), &text_part(sha)])
}
