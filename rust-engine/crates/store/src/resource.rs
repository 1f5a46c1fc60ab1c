use crate::event::InfrastructureEvent;
use crate::evict::{ONE_CLASS, hour_of};
use crate::keys::{Table, join, record_key, service_prefix, text_part, value_key};
use crate::stored::{Versioned, load, reindex, save};
use crate::{INFRASTRUCTURE, StoreError, service};
use paged::{Pages, PagesMut};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A resource as last told; the shape of `ResourceRecord` in records.ts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ResourceRecord {
    pub resource: String,
    pub kind: String,
    pub service: String,
    pub environment: String,
    pub occurred_at: i64,
    pub attributes: BTreeMap<String, String>,
    pub quantities: BTreeMap<String, f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredResource {
    record: ResourceRecord,
    /// Kept, so that an older event told later does not bring it back.
    deleted: bool,
}

impl Versioned for StoredResource {}

/// Applies an event: the newest by `occurredAt` holds. False when nothing changed.
pub fn apply_infrastructure(pages: &mut impl PagesMut, event: &InfrastructureEvent) -> Result<bool, StoreError> {
    let key = record_key(Table::Resource, &event.resource);
    let known: Option<StoredResource> = load(pages, INFRASTRUCTURE, &key);
    service::touch_service(pages, &event.service, &event.environment, event.occurred_at, |_| {})?;
    if known.as_ref().is_some_and(|known| known.record.occurred_at >= event.occurred_at) {
        return Ok(false);
    }
    let record = ResourceRecord {
        resource: event.resource.clone(),
        kind: event.kind.clone(),
        service: event.service.clone(),
        environment: event.environment.clone(),
        occurred_at: event.occurred_at,
        attributes: if event.deleted { BTreeMap::new() } else { event.attributes.clone() },
        quantities: if event.deleted { BTreeMap::new() } else { event.quantities.clone() },
    };
    let next = StoredResource { record, deleted: event.deleted };
    save(pages, INFRASTRUCTURE, &key, &next)?;
    let old = known.as_ref().map(|known| (INFRASTRUCTURE, index_keys(known)));
    reindex(pages, old, (INFRASTRUCTURE, &index_keys(&next)))?;
    Ok(true)
}

/// Resources of a service by name.
pub fn resources(pages: &impl Pages, service: &str, limit: usize) -> Vec<ResourceRecord> {
    let prefix = service_prefix(Table::ResourceByService, service);
    let mut cursor = INFRASTRUCTURE.seek(pages, &prefix);
    let mut found = Vec::new();
    while found.len() < limit {
        let Some((key, _)) = cursor.next(pages) else { break };
        let Some(part) = key.strip_prefix(prefix.as_slice()) else { break };
        let key = join(&[&[Table::Resource as u8], part]);
        found.extend(load::<StoredResource>(pages, INFRASTRUCTURE, &key).map(|stored| stored.record));
    }
    found
}

/// Removes a resource and its index entries, for eviction; when it was last told.
pub(crate) fn evict(pages: &mut impl PagesMut, key: &[u8]) -> Option<i64> {
    let stored = load::<StoredResource>(pages, INFRASTRUCTURE, key)?;
    INFRASTRUCTURE.remove(pages, key);
    for key in index_keys(&stored) {
        INFRASTRUCTURE.remove(pages, &key);
    }
    Some(stored.record.occurred_at)
}

fn index_keys(stored: &StoredResource) -> Vec<Vec<u8>> {
    let record = &stored.record;
    let part = text_part(&record.resource);
    let mut keys = vec![value_key(ONE_CLASS, hour_of(record.occurred_at), Table::Resource, &part)];
    if !stored.deleted {
        keys.push(join(&[&service_prefix(Table::ResourceByService, &record.service), &part]));
    }
    keys
}
