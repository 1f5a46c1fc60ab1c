use crate::evict::{ONE_CLASS, hour_of};
use crate::keys::{Table, record_key, value_key};
use crate::list::{ListPage, at_least_one, from_hex, to_hex};
use crate::stored::{Versioned, decode, load, reindex, save};
use crate::{INFRASTRUCTURE, StoreError, deployments};
use paged::{Pages, PagesMut};
use serde::{Deserialize, Serialize};

/// A service as seen in its events; the shape of `ServiceRecord` in records.ts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ServiceRecord {
    pub service: String,
    pub environment: String,
    pub first_seen_at: i64,
    pub last_event_at: i64,
    pub deployments: u32,
    pub ci_runs: u32,
    pub open_incidents: u32,
    pub series: u32,
}

impl Versioned for ServiceRecord {}

/// The service with this name.
pub fn service(pages: &impl Pages, service: &str) -> Option<ServiceRecord> {
    load(pages, INFRASTRUCTURE, &record_key(Table::Service, service))
}

/// Lists services by name.
pub fn services(pages: &impl Pages, limit: usize, cursor: Option<&str>) -> Result<ListPage<ServiceRecord>, StoreError> {
    at_least_one(limit)?;
    let mut from = match cursor {
        Some(cursor) => [from_hex(cursor)?, vec![0]].concat(),
        None => Vec::new(),
    };
    from.insert(0, Table::Service as u8);
    let mut at = INFRASTRUCTURE.seek(pages, &from);
    let mut items = Vec::new();
    let mut last = Vec::new();
    while let Some((key, value)) = at.next(pages) {
        if key.first() != Some(&(Table::Service as u8)) {
            break;
        }
        if items.len() >= limit {
            return Ok(ListPage { items, cursor: Some(to_hex(&last)), exact_from: None });
        }
        items.push(decode(&value));
        last = key[1..].to_vec();
    }
    Ok(ListPage { items, cursor: None, exact_from: None })
}

/// Notes an event of a service and lets the caller change its counts.
pub fn touch_service(
    pages: &mut impl PagesMut,
    name: &str,
    environment: &str,
    at: i64,
    count: impl FnOnce(&mut ServiceRecord),
) -> Result<(), StoreError> {
    let known = service(pages, name);
    let mut next = known.clone().unwrap_or_else(|| ServiceRecord {
        service: name.to_owned(),
        environment: environment.to_owned(),
        first_seen_at: at,
        last_event_at: at,
        deployments: 0,
        ci_runs: 0,
        open_incidents: 0,
        series: 0,
    });
    next.first_seen_at = next.first_seen_at.min(at);
    next.last_event_at = next.last_event_at.max(at);
    count(&mut next);
    if known.as_ref() == Some(&next) {
        return Ok(());
    }
    let key = record_key(Table::Service, name);
    save(pages, INFRASTRUCTURE, &key, &next)?;
    let entry =
        |service: &ServiceRecord| vec![value_key(ONE_CLASS, hour_of(service.last_event_at), Table::Service, &key[1..])];
    reindex(pages, known.as_ref().map(|known| (INFRASTRUCTURE, entry(known))), (INFRASTRUCTURE, &entry(&next)))
}

/// False while something of the service with this key runs, is open or is measured.
pub(crate) fn may_go(pages: &impl Pages, key: &[u8]) -> bool {
    load::<ServiceRecord>(pages, INFRASTRUCTURE, key).is_none_or(|known| {
        known.open_incidents == 0 && known.series == 0 && !deployments::has_running(pages, &known.service)
    })
}

/// Time of the last event of the service with this key.
pub(crate) fn last_event_at(pages: &impl Pages, key: &[u8]) -> Option<i64> {
    load::<ServiceRecord>(pages, INFRASTRUCTURE, key).map(|known| known.last_event_at)
}

/// Takes an open incident that counts as lost out of its service's count.
pub(crate) fn forget_open_incident(pages: &mut impl PagesMut, name: &str) -> Result<(), StoreError> {
    let Some(mut known) = service(pages, name) else { return Ok(()) };
    known.open_incidents = known.open_incidents.saturating_sub(1);
    save(pages, INFRASTRUCTURE, &record_key(Table::Service, name), &known)
}

/// Takes series that were evicted out of a service's count.
pub fn count_series(pages: &mut impl PagesMut, name: &str, gone: u32) -> Result<(), StoreError> {
    let Some(mut known) = service(pages, name) else { return Ok(()) };
    known.series = known.series.saturating_sub(gone);
    save(pages, INFRASTRUCTURE, &record_key(Table::Service, name), &known)
}
