//! Records as known at a time: what the log had told until then.

use crate::StoreError;
use crate::facet::PAST;
use crate::keys::{OwnedPart, Table, join};
use crate::list::{Place, TimeIndex};
use crate::past::{Past, Undo};
use crate::stored::{Versioned, load, reindex, save};
use paged::{Pages, PagesMut, Tree};
use serde::{Deserialize, Serialize};

/// The span of time, by the clock of the log, in which a record became what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The first word of it.
    pub from: i64,
    /// The last word that changed it.
    pub at: i64,
}

impl Known {
    pub fn since(at: i64) -> Self {
        Self { from: at, at }
    }

    /// Changed at a time, or with the change before, should the log's clock have gone back.
    pub fn changed(self, at: i64) -> Self {
        Self { at: self.at.max(at), ..self }
    }
}

/// A record as it was known at a time.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AsKnown<R> {
    /// The record.
    pub record: R,
    /// None: just so. Else something between is not kept any more, and the record as known from this time on is exact.
    pub exact_from: Option<i64>,
}

impl<W> Versioned for Past<W> where W: Serialize + for<'de> Deserialize<'de> {}

/// Where a table keeps the past of its records. It lies with what is over also while a record is active.
pub(crate) struct PastOf {
    pub tree: Tree,
    pub table: Table,
    pub index: TimeIndex,
}

impl PastOf {
    /// Keeps what a change that became known at `at` replaced, and where the record stood in lists before it.
    pub fn remember<R: Undo>(
        &self,
        pages: &mut impl PagesMut,
        place: Place<'_>,
        older: &R,
        now: &R,
        at: i64,
    ) -> Result<(), StoreError> {
        let (was, cut) = now.replaced(older);
        if was.is_empty() {
            return Ok(());
        }
        let key = self.key(place.part);
        let mut past: Past<R::Was> = load(pages, self.tree, &key).unwrap_or_default();
        let stood = self.entries(&past, older, place);
        past.push(at, was, cut);
        save(pages, self.tree, &key, &past)?;
        let stands = self.entries(&past, now, place);
        reindex(pages, Some((self.tree, stood)), (self.tree, &stands))
    }

    /// A record, last changed at `known.at`, as known at a time; none before it was known at all.
    pub fn as_known<R: Undo>(
        &self,
        pages: &impl Pages,
        part: &OwnedPart,
        mut record: R,
        known: Known,
        at: i64,
    ) -> Option<AsKnown<R>> {
        if at < known.from {
            return None;
        }
        if at >= known.at {
            return Some(AsKnown { record, exact_from: None });
        }
        let past: Past<R::Was> = load(pages, self.tree, &self.key(part)).unwrap_or_default();
        let exact_from = past.take_back(&mut record, at);
        Some(AsKnown { record, exact_from })
    }

    /// Removes the past of a record.
    pub fn forget<R: Undo>(&self, pages: &mut impl PagesMut, place: Place<'_>, record: &R) {
        let key = self.key(place.part);
        let Some(past) = load::<Past<R::Was>>(pages, self.tree, &key) else { return };
        for entry in self.entries(&past, record, place) {
            self.tree.remove(pages, &entry);
        }
        self.tree.remove(pages, &key);
    }

    fn entries<R: Undo>(&self, past: &Past<R::Was>, now: &R, place: Place<'_>) -> Vec<Vec<u8>> {
        let Place { environment, service, part, .. } = place;
        let entries = |time| self.index.entries(Place { environment, service, facet: PAST, time, part });
        past.places(now).into_iter().flat_map(entries).collect()
    }

    fn key(&self, part: &OwnedPart) -> Vec<u8> {
        join(&[&[self.table as u8], part])
    }
}
