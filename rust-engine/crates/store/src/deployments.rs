use crate::deployment::{DeploymentRecord, DeploymentState, StoredDeployment, Subject, fold, is_failure};
use crate::event::DeploymentEvent;
use crate::evict::{Class, ONE_CLASS};
use crate::facet::{Facet, PAST, conclusion_code};
use crate::keys::{OwnedPart, Table, counted_part, join, value_key};
use crate::known::{AsKnown, PastOf};
use crate::list::{ListPage, Place, TimeIndex, Window, page_of};
use crate::past::Undo;
use crate::stored::{displace, load, reindex, save};
use crate::{ACTIVE, HISTORY, PREDICTION_BYTES_MAX, StoreError, change, service};
use paged::{Pages, PagesMut, Tree};
use serde::{Deserialize, Serialize};

const INDEX: TimeIndex = TimeIndex { by_time: Table::DeploymentByTime, by_service: Table::DeploymentByService };
const PAST_OF: PastOf = PastOf { tree: HISTORY, table: Table::DeploymentPast, index: INDEX };

/// What an event did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentApplied {
    /// False when nothing changed.
    pub changed: bool,
    /// The first event of its attempt.
    pub opened: bool,
    /// The event that ended its attempt: by a conclusion, or rolled back without one.
    pub closed: bool,
    /// The attempt that the event speaks of, or the latest one. None for a change. With `closed` it still carries the
    /// prediction.
    pub record: Option<DeploymentRecord>,
    /// An earlier attempt whose end is waited for no longer, with its prediction.
    pub given_up: Option<DeploymentRecord>,
}

/// Which deployments to list; none = all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // rust-engine/ts/records.ts
pub struct DeploymentFilter {
    pub subject: Option<Subject>,
    pub service: Option<String>,
    pub environment: Option<String>,
    pub state: Option<DeploymentState>,
    pub conclusion: Option<String>,
    pub from: Option<i64>,
    pub to: Option<i64>,
    /// As known at this time; none: now.
    pub at: Option<i64>,
}

/// Applies an event that the log had at `at`. The caller has asked for `pages_for_event` in all three regions that this
/// touches.
pub fn apply_deployment(
    pages: &mut impl PagesMut,
    event: &DeploymentEvent,
    at: i64,
) -> Result<DeploymentApplied, StoreError> {
    let Some(subject) = event.subject.run() else {
        let changed = change::record_change(pages, event)?;
        service::touch_service(pages, &event.service, &event.environment, event.occurred_at, |_| {})?;
        return Ok(DeploymentApplied { changed, opened: false, closed: false, record: None, given_up: None });
    };
    let known = find(pages, &event.service, &event.key);
    let mut folded = fold(known.as_ref().map(|(_, stored)| stored), event, subject, at);
    let record = folded.record;
    if let Some((_, known)) = &known
        && folded.stored.record.differs(&known.told().record)
    {
        folded.stored.known = known.known.changed(at);
    }
    if folded.changed {
        put(pages, known.as_ref(), &folded.stored)?;
    }
    let is_new = known.is_none();
    service::touch_service(pages, &record.service, &record.environment, event.occurred_at, |service| {
        match subject {
            Subject::Deployment => service.deployments += u32::from(is_new),
            Subject::CiRun => service.ci_runs += u32::from(is_new),
        };
    })?;
    Ok(DeploymentApplied {
        changed: folded.changed,
        opened: folded.opened,
        closed: folded.closed,
        record: Some(record),
        given_up: folded.given_up,
    })
}

/// Keeps a prediction with an attempt that has not ended; false when there is none.
pub fn attach_prediction(
    pages: &mut impl PagesMut,
    service: &str,
    key: &str,
    attempt: u32,
    prediction: &str,
) -> Result<bool, StoreError> {
    if prediction.len() > PREDICTION_BYTES_MAX {
        let reason = format!("{} bytes, at most {PREDICTION_BYTES_MAX}", prediction.len());
        return Err(StoreError::invalid("prediction", reason));
    }
    let Some((tree, stored)) = find(pages, service, key) else { return Ok(false) };
    let mut next = stored.clone();
    let Some(record) = next.running_attempt(attempt) else { return Ok(false) };
    record.prediction = Some(prediction.to_owned());
    put(pages, Some(&(tree, stored)), &next)?;
    Ok(true)
}

/// The deployment or CI run of a service with this key, as known at a time or now.
pub fn deployment(pages: &impl Pages, service: &str, key: &str, at: Option<i64>) -> Option<AsKnown<DeploymentRecord>> {
    let part = counted_part(key, service);
    let (_, stored) = find_part(pages, &part)?;
    as_known(pages, &part, stored, at)
}

/// Lists deployments, newest first.
pub fn deployments(
    pages: &impl Pages,
    filter: &DeploymentFilter,
    limit: usize,
    cursor: Option<&str>,
) -> Result<ListPage<DeploymentRecord>, StoreError> {
    let code = filter.conclusion.as_deref().map(|conclusion| conclusion_code(Some(conclusion)));
    // What a record is now says nothing of what it was known to be.
    let wanted = |facet: Facet| match filter.at {
        Some(_) => facet == PAST || filter.subject.is_none_or(|subject| facet.is_of_subject(subject)),
        None => {
            facet != PAST
                && filter.subject.is_none_or(|subject| facet.is_of_subject(subject))
                && filter.state.is_none_or(|state| facet.is_in_state(state))
                && code.is_none_or(|code| facet.has_code(code))
        }
    };
    let (service, environment) = (filter.service.as_deref(), filter.environment.as_deref());
    let groups = INDEX.groups(pages, &[ACTIVE, HISTORY], service, environment, wanted);
    let window = Window { from: filter.from, to: filter.to };
    page_of(pages, &groups, window, limit, cursor, |part, time, tree| {
        let stored = match filter.at {
            Some(_) => find_part(pages, part).map(|(_, stored)| stored),
            None => load(pages, tree, &record_key(part)),
        };
        let known = stored.filter(|stored| filter.is_of(&stored.record));
        let known = known.and_then(|stored| as_known(pages, part, stored, filter.at));
        let Some(AsKnown { record, exact_from }) = known else { return (None, None) };
        ((record.listed_at == time && filter.fits(&record)).then_some(record), exact_from)
    })
}

impl DeploymentFilter {
    /// By what of a record never changes.
    fn is_of(&self, record: &DeploymentRecord) -> bool {
        self.subject.is_none_or(|subject| record.subject == subject)
            && self.service.as_ref().is_none_or(|service| record.service == *service)
            && self.environment.as_ref().is_none_or(|environment| record.environment == *environment)
    }

    fn fits(&self, record: &DeploymentRecord) -> bool {
        self.state.is_none_or(|state| record.state == state)
            && (self.conclusion.is_none() || record.conclusion == self.conclusion)
    }
}

fn as_known(
    pages: &impl Pages,
    part: &OwnedPart,
    stored: StoredDeployment,
    at: Option<i64>,
) -> Option<AsKnown<DeploymentRecord>> {
    let Some(at) = at else { return Some(AsKnown { record: stored.record, exact_from: None }) };
    // That it counts as lost is no word of the log.
    let record = DeploymentRecord { prediction: None, ..stored.told().record };
    PAST_OF.as_known(pages, part, record, stored.known, at)
}

fn find(pages: &impl Pages, service: &str, key: &str) -> Option<(Tree, StoredDeployment)> {
    find_part(pages, &counted_part(key, service))
}

fn find_part(pages: &impl Pages, part: &OwnedPart) -> Option<(Tree, StoredDeployment)> {
    let key = record_key(part);
    [ACTIVE, HISTORY].into_iter().find_map(|tree| Some((tree, load(pages, tree, &key)?)))
}

fn record_key(part: &OwnedPart) -> Vec<u8> {
    join(&[&[Table::Deployment as u8], part])
}

fn put(
    pages: &mut impl PagesMut,
    known: Option<&(Tree, StoredDeployment)>,
    stored: &StoredDeployment,
) -> Result<(), StoreError> {
    let tree = if stored.is_running() { ACTIVE } else { HISTORY };
    let part = counted_part(&stored.record.key, &stored.record.service);
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
    PAST_OF.remember(pages, place_of(&stored.record, &part), &known.told().record, &stored.record, stored.known.at)
}

/// True when an attempt of the service runs.
pub(crate) fn has_running(pages: &impl Pages, service: &str) -> bool {
    let prefix = INDEX.prefix_of_service(service);
    ACTIVE.seek(pages, &prefix).next(pages).is_some_and(|(key, _)| key.starts_with(&prefix))
}

/// Removes a record, its past and its index entries; for eviction.
pub(crate) fn evict(pages: &mut impl PagesMut, tree: Tree, key: &[u8]) {
    let Some(stored) = load::<StoredDeployment>(pages, tree, key) else { return };
    let part = counted_part(&stored.record.key, &stored.record.service);
    tree.remove(pages, key);
    for key in index_keys(&stored, &part) {
        tree.remove(pages, &key);
    }
    PAST_OF.forget(pages, place_of(&stored.record, &part), &stored.record);
}

/// Moves a running attempt that counts as lost to those that are over, with its prediction. Refused before anything changes.
pub(crate) fn lose(pages: &mut impl PagesMut, key: &[u8]) -> Result<(), StoreError> {
    let Some(stored) = load::<StoredDeployment>(pages, ACTIVE, key) else { return Ok(()) };
    let lost = stored.lost();
    let part = counted_part(&stored.record.key, &stored.record.service);
    displace(pages, HISTORY, key, &lost, &index_keys(&stored, &part), &index_keys(&lost, &part))
}

fn place_of<'a>(record: &'a DeploymentRecord, part: &'a OwnedPart) -> Place<'a> {
    let (environment, service) = (&record.environment, &record.service);
    Place { environment, service, facet: Facet::of_deployment(record), time: record.listed_at, part }
}

fn index_keys(stored: &StoredDeployment, part: &OwnedPart) -> Vec<Vec<u8>> {
    let record = &stored.record;
    let (class, at) = match record.subject {
        _ if stored.is_running() => (ONE_CLASS, stored.last_event_at),
        Subject::Deployment => (Class::Deployment as u8, record.listed_at),
        Subject::CiRun if is_failure(record.conclusion.as_deref()) => (Class::FailedRun as u8, record.listed_at),
        Subject::CiRun => (Class::Run as u8, record.listed_at),
    };
    let [by_time, by_service] = INDEX.entries(place_of(record, part));
    vec![by_time, by_service, value_key(class, at, Table::Deployment, part)]
}
