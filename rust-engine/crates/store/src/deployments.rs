use crate::deployment::{DeploymentRecord, DeploymentState, StoredDeployment, Subject, fold, is_failure};
use crate::event::DeploymentEvent;
use crate::evict::{Class, ONE_CLASS};
use crate::keys::{Table, owned_key, owned_part, service_prefix, time_entries, value_key};
use crate::list::{ListPage, TimeIndex, Window};
use crate::stored::{displace, load, reindex, save};
use crate::{ACTIVE, HISTORY, PREDICTION_BYTES_MAX, StoreError, change, service};
use paged::{Pages, PagesMut, Tree};
use serde::{Deserialize, Serialize};

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
}

/// Applies an event. The caller has asked for `pages_for_event` in all three regions that this touches.
pub fn apply_deployment(pages: &mut impl PagesMut, event: &DeploymentEvent) -> Result<DeploymentApplied, StoreError> {
    let Some(subject) = event.subject.run() else {
        let changed = change::record_change(pages, event)?;
        service::touch_service(pages, &event.service, &event.environment, event.occurred_at, |_| {})?;
        return Ok(DeploymentApplied { changed, opened: false, closed: false, record: None, given_up: None });
    };
    let known = find(pages, &event.service, &event.key);
    let folded = fold(known.as_ref().map(|(_, stored)| stored), event, subject);
    let record = folded.record;
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

/// The deployment or CI run of a service with this key.
pub fn deployment(pages: &impl Pages, service: &str, key: &str) -> Option<DeploymentRecord> {
    find(pages, service, key).map(|(_, stored)| stored.record)
}

/// Lists deployments, newest first.
pub fn deployments(
    pages: &impl Pages,
    filter: &DeploymentFilter,
    limit: usize,
    cursor: Option<&str>,
) -> Result<ListPage<DeploymentRecord>, StoreError> {
    let may_run = filter.conclusion.is_none() && filter.state.is_none_or(|state| state < DeploymentState::Finished);
    let may_be_over = filter.state.is_none_or(|state| state >= DeploymentState::Finished);
    let trees = [(ACTIVE, may_run), (HISTORY, may_be_over)];
    let trees = trees.into_iter().filter(|(_, may)| *may).map(|(tree, _)| tree).collect();
    let index = match &filter.service {
        Some(service) => TimeIndex::of_service(Table::DeploymentByService, Table::Deployment, trees, service),
        None => TimeIndex::over_all(Table::DeploymentByTime, Table::Deployment, trees),
    };
    let window = Window { from: filter.from, to: filter.to };
    index.page(pages, window, limit, cursor, |stored: StoredDeployment| {
        let record = stored.record;
        let fits = filter.subject.is_none_or(|subject| record.subject == subject)
            && filter.service.as_ref().is_none_or(|service| record.service == *service)
            && filter.environment.as_ref().is_none_or(|environment| record.environment == *environment)
            && filter.state.is_none_or(|state| record.state == state)
            && (filter.conclusion.is_none() || record.conclusion == filter.conclusion);
        fits.then_some(record)
    })
}

fn find(pages: &impl Pages, service: &str, key: &str) -> Option<(Tree, StoredDeployment)> {
    let key = owned_key(Table::Deployment, key, service);
    [ACTIVE, HISTORY].into_iter().find_map(|tree| Some((tree, load(pages, tree, &key)?)))
}

fn put(
    pages: &mut impl PagesMut,
    known: Option<&(Tree, StoredDeployment)>,
    stored: &StoredDeployment,
) -> Result<(), StoreError> {
    let tree = if stored.is_running() { ACTIVE } else { HISTORY };
    let key = owned_key(Table::Deployment, &stored.record.key, &stored.record.service);
    save(pages, tree, &key, stored)?;
    let old = known.map(|(tree, stored)| (*tree, index_keys(stored)));
    if let Some((old_tree, _)) = &old
        && old_tree.region() != tree.region()
    {
        old_tree.remove(pages, &key);
    }
    reindex(pages, old, (tree, &index_keys(stored)))
}

/// True when an attempt of the service runs.
pub(crate) fn has_running(pages: &impl Pages, service: &str) -> bool {
    let prefix = service_prefix(Table::DeploymentByService, service);
    ACTIVE.seek(pages, &prefix).next(pages).is_some_and(|(key, _)| key.starts_with(&prefix))
}

/// Removes a record and its index entries; for eviction.
pub(crate) fn evict(pages: &mut impl PagesMut, tree: Tree, key: &[u8]) {
    let Some(stored) = load::<StoredDeployment>(pages, tree, key) else { return };
    tree.remove(pages, key);
    for key in index_keys(&stored) {
        tree.remove(pages, &key);
    }
}

/// Moves a running attempt that counts as lost to those that are over, with its prediction. Refused before anything changes.
pub(crate) fn lose(pages: &mut impl PagesMut, key: &[u8]) -> Result<(), StoreError> {
    let Some(stored) = load::<StoredDeployment>(pages, ACTIVE, key) else { return Ok(()) };
    let lost = stored.lost();
    displace(pages, HISTORY, key, &lost, &index_keys(&stored), &index_keys(&lost))
}

fn index_keys(stored: &StoredDeployment) -> Vec<Vec<u8>> {
    let record = &stored.record;
    let (key, service) = (&record.key, &record.service);
    let [by_time, by_service] =
        time_entries(Table::DeploymentByTime, Table::DeploymentByService, record.listed_at, key, service);
    let (class, at) = match record.subject {
        _ if stored.is_running() => (ONE_CLASS, stored.last_event_at),
        Subject::Deployment => (Class::Deployment as u8, record.listed_at),
        Subject::CiRun if is_failure(record.conclusion.as_deref()) => (Class::FailedRun as u8, record.listed_at),
        Subject::CiRun => (Class::Run as u8, record.listed_at),
    };
    vec![by_time, by_service, value_key(class, at, Table::Deployment, &owned_part(key, service))]
}
