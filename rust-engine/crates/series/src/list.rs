use crate::group::{Group, Series, Target, decode, load};
use crate::{SeriesError, TREE, keys};
use codec::SeriesId;
use paged::Pages;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Matchers of one query.
const MATCHERS_MAX: usize = 32;
/// Series looked at for one query.
const LOOKED_AT_MAX: usize = 100_000;

/// A condition on a label; a label that a series does not have is empty.
#[derive(Clone, Debug, Deserialize)]
pub struct Matcher {
    /// Label.
    pub name: String,
    /// Equal or not.
    pub op: MatchOp,
    /// Value.
    pub value: String,
}

/// Kind of a condition.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum MatchOp {
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
}

/// A series; the shape of `SeriesInfo` in records.ts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeriesInfo {
    /// Hash of the labels in hex.
    pub id: String,
    /// Its target.
    pub target: String,
    /// Its service.
    pub service: String,
    /// Empty until announced.
    pub labels: BTreeMap<String, String>,
}

/// Series of a service (none = of all) that fit all matchers, at most `limit`.
pub fn series(
    pages: &impl Pages,
    service: Option<&str>,
    matchers: &[Matcher],
    limit: usize,
) -> Result<Vec<SeriesInfo>, SeriesError> {
    if matchers.len() > MATCHERS_MAX {
        let reason = format!("{}, at most {MATCHERS_MAX}", matchers.len());
        return Err(SeriesError::ArgumentInvalid { field: "matchers", reason });
    }
    let prefix = service.map_or_else(|| vec![keys::SERIES], keys::by_service_prefix);
    let mut cursor = TREE.seek(pages, &prefix);
    let mut found = Vec::new();
    for _ in 0..LOOKED_AT_MAX {
        if found.len() >= limit {
            break;
        }
        let Some((key, value)) = cursor.next(pages) else { break };
        let Some(id) = key.strip_prefix(prefix.as_slice()).and_then(|id| id.first_chunk()) else { break };
        let id = SeriesId::from_be_bytes(*id);
        let entry = match service {
            None => Some(decode::<Series>(&value)),
            Some(_) => load::<Series>(pages, &keys::series(id)),
        };
        let Some(entry) = entry.filter(|entry| fits(entry, matchers)) else { continue };
        found.extend(info(pages, id, entry));
    }
    Ok(found)
}

fn fits(series: &Series, matchers: &[Matcher]) -> bool {
    let none = Vec::new();
    let labels = series.labels.as_ref().unwrap_or(&none);
    matchers.iter().all(|matcher| {
        let value = labels.iter().find(|(name, _)| *name == matcher.name).map_or("", |(_, value)| value);
        (value == matcher.value) == (matcher.op == MatchOp::Equal)
    })
}

fn info(pages: &impl Pages, id: SeriesId, series: Series) -> Option<SeriesInfo> {
    let group: Group = load(pages, &keys::group(series.group))?;
    let target: Target = load(pages, &keys::target(&group.target))?;
    Some(SeriesInfo {
        id: format!("{id:032x}"),
        target: group.target,
        service: target.service,
        labels: series.labels.into_iter().flatten().collect(),
    })
}
