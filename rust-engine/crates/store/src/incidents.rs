use crate::event::IncidentEvent;
use crate::evict::ONE_CLASS;
use crate::incident::{IncidentRecord, IncidentState, StoredIncident, fold};
use crate::keys::{Table, key_prefix, owned_key, owned_part, time_entries, value_key};
use crate::list::{ListPage, TimeIndex, Window};
use crate::stored::{decode, displace, load, reindex, save};
use crate::{ACTIVE, INCIDENTS, StoreError, service};
use paged::{Pages, PagesMut, Tree};
use serde::{Deserialize, Serialize};

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
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// Applies an event. The caller has asked for `pages_for_event` in all regions that this touches.
pub fn apply_incident(pages: &mut impl PagesMut, event: &IncidentEvent) -> Result<IncidentApplied, StoreError> {
    let known = find(pages, &event.service, &event.key);
    let stored = fold(known.as_ref().map(|(_, stored)| stored), event);
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

/// The incident of a service with this key.
pub fn incident(pages: &impl Pages, service: &str, key: &str) -> Option<IncidentRecord> {
    find(pages, service, key).map(|(_, stored)| stored.record)
}

/// The incidents with this key, at most `limit`: one for each service that has it. Open ones first, then by service.
pub fn incidents_with_key(pages: &impl Pages, key: &str, limit: usize) -> Vec<IncidentRecord> {
    let prefix = key_prefix(Table::Incident, key);
    let mut found = Vec::new();
    for tree in [ACTIVE, INCIDENTS] {
        let mut cursor = tree.seek(pages, &prefix);
        while let Some((key, value)) = cursor.next(pages) {
            if !key.starts_with(&prefix) {
                break;
            }
            if found.len() >= limit {
                return found;
            }
            let stored: StoredIncident = decode(&value);
            found.push(stored.record);
        }
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
    let trees = match filter.state {
        None => vec![ACTIVE, INCIDENTS],
        Some(IncidentState::Resolved) => vec![INCIDENTS],
        Some(_) => vec![ACTIVE],
    };
    let index = match &filter.service {
        Some(service) => TimeIndex::of_service(Table::IncidentByService, Table::Incident, trees, service),
        None => TimeIndex::over_all(Table::IncidentByTime, Table::Incident, trees),
    };
    let window = Window { from: filter.from, to: filter.to };
    index.page(pages, window, limit, cursor, |stored: StoredIncident| {
        let record = stored.record;
        let fits = filter.service.as_ref().is_none_or(|service| record.service == *service)
            && filter.environment.as_ref().is_none_or(|environment| record.environment == *environment)
            && filter.state.is_none_or(|state| record.state == state);
        fits.then_some(record)
    })
}

/// Removes an incident that is over and its index entries, for eviction; when it began.
pub(crate) fn evict(pages: &mut impl PagesMut, tree: Tree, key: &[u8]) -> Option<i64> {
    let stored = load::<StoredIncident>(pages, tree, key)?;
    tree.remove(pages, key);
    for key in index_keys(&stored) {
        tree.remove(pages, &key);
    }
    Some(stored.record.starts_at)
}

/// Moves an open incident that counts as lost to those that are over, as it was last told. Refused before anything changes.
pub(crate) fn lose(pages: &mut impl PagesMut, key: &[u8]) -> Result<(), StoreError> {
    let Some(stored) = load::<StoredIncident>(pages, ACTIVE, key) else { return Ok(()) };
    displace(pages, INCIDENTS, key, &stored, &index_keys(&stored), &index_keys(&stored))?;
    service::forget_open_incident(pages, &stored.record.service)
}

fn is_open(stored: &StoredIncident) -> bool {
    stored.record.state != IncidentState::Resolved
}

fn find(pages: &impl Pages, service: &str, key: &str) -> Option<(Tree, StoredIncident)> {
    let key = owned_key(Table::Incident, key, service);
    [ACTIVE, INCIDENTS].into_iter().find_map(|tree| Some((tree, load(pages, tree, &key)?)))
}

fn put(
    pages: &mut impl PagesMut,
    known: Option<&(Tree, StoredIncident)>,
    stored: &StoredIncident,
) -> Result<(), StoreError> {
    let tree = if is_open(stored) { ACTIVE } else { INCIDENTS };
    let key = owned_key(Table::Incident, &stored.record.key, &stored.record.service);
    save(pages, tree, &key, stored)?;
    let old = known.map(|(tree, stored)| (*tree, index_keys(stored)));
    if let Some((old_tree, _)) = &old
        && old_tree.region() != tree.region()
    {
        old_tree.remove(pages, &key);
    }
    reindex(pages, old, (tree, &index_keys(stored)))
}

fn index_keys(stored: &StoredIncident) -> Vec<Vec<u8>> {
    let record = &stored.record;
    let (key, service) = (&record.key, &record.service);
    let [by_time, by_service] =
        time_entries(Table::IncidentByTime, Table::IncidentByService, record.starts_at, key, service);
    let at = if is_open(stored) { stored.told_at } else { record.ends_at.unwrap_or(record.starts_at) };
    vec![by_time, by_service, value_key(ONE_CLASS, at, Table::Incident, &owned_part(key, service))]
}
