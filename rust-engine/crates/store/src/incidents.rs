use crate::event::IncidentEvent;
use crate::evict::ONE_CLASS;
use crate::facet::{Facet, PAST, severity_code};
use crate::incident::{IncidentRecord, IncidentState, StoredIncident, fold};
use crate::keys::{OwnedPart, Table, join, key_prefix, owned_part, value_key};
use crate::known::{AsKnown, PastOf};
use crate::list::{ListPage, Place, TimeIndex, Window, page_of};
use crate::past::Undo;
use crate::stored::{decode, displace, load, reindex, save};
use crate::{ACTIVE, INCIDENTS, StoreError, service};
use paged::{Pages, PagesMut, Tree};
use serde::{Deserialize, Serialize};

const INDEX: TimeIndex = TimeIndex { by_time: Table::IncidentByTime, by_service: Table::IncidentByService };
const PAST_OF: PastOf = PastOf { tree: INCIDENTS, table: Table::IncidentPast, index: INDEX };

/// What an event did.
#[derive(Clone, Debug, Serialize)]
pub struct IncidentApplied {
    /// False when nothing changed.
    pub changed: bool,
    /// The incident after it.
    pub record: IncidentRecord,
}

/// Which incidents to list; none = all.
#[derive(Clone, Debug, Default, Deserialize)]
#[allow(missing_docs)] // rust-engine/ts/records.ts
pub struct IncidentFilter {
    pub service: Option<String>,
    pub environment: Option<String>,
    pub state: Option<IncidentState>,
    pub severity: Option<String>,
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// As known at this time; none: now.
    pub at: Option<i64>,
}

/// Applies an event that the log had at `at`. The caller has asked for `pages_for_event` in all regions that this touches.
pub fn apply_incident(
    pages: &mut impl PagesMut,
    event: &IncidentEvent,
    at: i64,
) -> Result<IncidentApplied, StoreError> {
    let known = find_part(pages, &owned_part(&event.key, &event.service));
    let mut stored = fold(known.as_ref().map(|(_, stored)| stored), event, at);
    if let Some((_, known)) = &known
        && stored.record.differs(&known.record)
    {
        stored.known = known.known.changed(at);
    }
    let changed = known.as_ref().is_none_or(|(_, known)| *known != stored);
    if changed {
        put(pages, known.as_ref(), &stored)?;
    }
    // One that counted as lost is open anew.
    let was_open = known.as_ref().is_some_and(|(tree, _)| tree.region() == ACTIVE.region());
    let is_open = is_open(&stored);
    let record = stored.record;
    service::touch_service(pages, &record.service, &record.environment, event.occurred_at, |service| {
        service.open_incidents = service.open_incidents + u32::from(is_open) - u32::from(was_open);
    })?;
    Ok(IncidentApplied { changed, record })
}

/// The incident of a service with this key, as known at a time or now.
pub fn incident(pages: &impl Pages, service: &str, key: &str, at: Option<i64>) -> Option<AsKnown<IncidentRecord>> {
    let part = owned_part(key, service);
    let (_, stored) = find_part(pages, &part)?;
    as_known(pages, &part, stored, at)
}

/// The incidents with this key, at most `limit`: one for each service that has it. Open ones first, then by service.
pub fn incidents_with_key(pages: &impl Pages, key: &str, limit: usize) -> Vec<IncidentRecord> {
    let prefix = key_prefix(Table::Incident, key);
    let mut found = Vec::new();
    for tree in [ACTIVE, INCIDENTS] {
        let mut cursor = tree.seek(pages, &prefix);
        let mut of_tree = Vec::new();
        while let Some((entry, value)) = cursor.next(pages) {
            if !entry.starts_with(&prefix) {
                break;
            }
            if found.len() + of_tree.len() >= limit {
                break;
            }
            let StoredIncident { record, .. } = decode(&value);
            if record.key == key {
                of_tree.push(record);
            }
        }
        of_tree.sort_by(|a, b| a.service.cmp(&b.service));
        found.extend(of_tree);
    }
    found
}

/// Lists incidents, newest first.
pub fn incidents(
    pages: &impl Pages,
    filter: &IncidentFilter,
    limit: usize,
    cursor: Option<&str>,
) -> Result<ListPage<IncidentRecord>, StoreError> {
    let code = filter.severity.as_deref().map(|severity| severity_code(Some(severity)));
    // What an incident is now says nothing of what it was known to be.
    let wanted = |facet: Facet| match filter.at {
        Some(_) => true,
        None => {
            facet != PAST
                && filter.state.is_none_or(|state| facet.is_incident_in(state))
                && code.is_none_or(|code| facet.has_code(code))
        }
    };
    let (service, environment) = (filter.service.as_deref(), filter.environment.as_deref());
    // One that counts as lost is not open, whatever it was last told to be.
    let trees: &[Tree] = match (filter.at, filter.state) {
        (Some(_), _) | (None, None) => &[ACTIVE, INCIDENTS],
        (None, Some(IncidentState::Resolved)) => &[INCIDENTS],
        (None, Some(_)) => &[ACTIVE],
    };
    let groups = INDEX.groups(pages, trees, service, environment, wanted);
    let window = Window { from: filter.from, to: filter.to };
    page_of(pages, &groups, window, limit, cursor, |part, time, tree| {
        let stored = match filter.at {
            Some(_) => find_part(pages, part).map(|(_, stored)| stored),
            None => load(pages, tree, &record_key(part)),
        };
        let known = stored.filter(|stored| filter.is_of(&stored.record));
        let known = known.and_then(|stored| as_known(pages, part, stored, filter.at));
        let Some(AsKnown { record, exact_from }) = known else { return (None, None) };
        ((record.starts_at == time && filter.fits(&record)).then_some(record), exact_from)
    })
}

impl IncidentFilter {
    /// By what of a record never changes.
    fn is_of(&self, record: &IncidentRecord) -> bool {
        self.service.as_ref().is_none_or(|service| record.service == *service)
            && self.environment.as_ref().is_none_or(|environment| record.environment == *environment)
    }

    fn fits(&self, record: &IncidentRecord) -> bool {
        self.state.is_none_or(|state| record.state == state)
            && (self.severity.is_none() || record.severity == self.severity)
    }
}

/// Removes an incident that is over, its past and its index entries, for eviction; when it began.
pub(crate) fn evict(pages: &mut impl PagesMut, tree: Tree, key: &[u8]) -> Option<i64> {
    let stored = load::<StoredIncident>(pages, tree, key)?;
    let part = owned_part(&stored.record.key, &stored.record.service);
    tree.remove(pages, key);
    for key in index_keys(&stored, &part) {
        tree.remove(pages, &key);
    }
    PAST_OF.forget(pages, place_of(&stored.record, &part), &stored.record);
    Some(stored.record.starts_at)
}

/// Moves an open incident that counts as lost to those that are over, as it was last told. Refused before anything changes.
pub(crate) fn lose(pages: &mut impl PagesMut, key: &[u8]) -> Result<(), StoreError> {
    let Some(stored) = load::<StoredIncident>(pages, ACTIVE, key) else { return Ok(()) };
    let part = owned_part(&stored.record.key, &stored.record.service);
    displace(pages, INCIDENTS, key, &stored, &index_keys(&stored, &part), &index_keys(&stored, &part))?;
    service::forget_open_incident(pages, &stored.record.service)
}

fn is_open(stored: &StoredIncident) -> bool {
    stored.record.state != IncidentState::Resolved
}

fn as_known(
    pages: &impl Pages,
    part: &OwnedPart,
    stored: StoredIncident,
    at: Option<i64>,
) -> Option<AsKnown<IncidentRecord>> {
    let StoredIncident { record, known, .. } = stored;
    match at {
        Some(at) => PAST_OF.as_known(pages, part, record, known, at),
        None => Some(AsKnown { record, exact_from: None }),
    }
}

fn find_part(pages: &impl Pages, part: &OwnedPart) -> Option<(Tree, StoredIncident)> {
    let key = record_key(part);
    [ACTIVE, INCIDENTS].into_iter().find_map(|tree| Some((tree, load(pages, tree, &key)?)))
}

fn record_key(part: &OwnedPart) -> Vec<u8> {
    join(&[&[Table::Incident as u8], part])
}

fn put(
    pages: &mut impl PagesMut,
    known: Option<&(Tree, StoredIncident)>,
    stored: &StoredIncident,
) -> Result<(), StoreError> {
    let tree = if is_open(stored) { ACTIVE } else { INCIDENTS };
    let part = owned_part(&stored.record.key, &stored.record.service);
    let key = record_key(&part);
    save(pages, tree, &key, stored)?;
    let old = known.map(|(tree, stored)| (*tree, index_keys(stored, &part)));
    if let Some((old_tree, _)) = &old
        && old_tree.region() != tree.region()
    {
        old_tree.remove(pages, &key);
    }
    reindex(pages, old, (tree, &index_keys(stored, &part)))?;
    let Some((_, known)) = known else { return Ok(()) };
    PAST_OF.remember(pages, place_of(&stored.record, &part), &known.record, &stored.record, stored.known.at)
}

fn place_of<'a>(record: &'a IncidentRecord, part: &'a OwnedPart) -> Place<'a> {
    let (environment, service) = (&record.environment, &record.service);
    Place { environment, service, facet: Facet::of_incident(record), time: record.starts_at, part }
}

fn index_keys(stored: &StoredIncident, part: &OwnedPart) -> Vec<Vec<u8>> {
    let record = &stored.record;
    let at = if is_open(stored) { stored.told_at } else { record.ends_at.unwrap_or(record.starts_at) };
    let [by_time, by_service] = INDEX.entries(place_of(record, part));
    vec![by_time, by_service, value_key(ONE_CLASS, at, Table::Incident, part)]
}
