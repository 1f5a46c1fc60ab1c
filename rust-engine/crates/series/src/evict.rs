use crate::group::{self, Group, Target, load, save};
use crate::head::{ABSENT, Head};
use crate::keys::{self, Kind};
use crate::{TREE, chunk, group_set, labels};
use paged::{Pages, PagesMut};

/// What was dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Samples.
    pub samples: u64,
    /// The service and how many of its series, when the last samples of a group went.
    pub series: Option<(String, u32)>,
}

/// The latest time of the chunk or head that goes next.
pub fn oldest_time(pages: &impl Pages) -> Option<i64> {
    let (key, _) = TREE.seek(pages, &keys::ORDER_START).next(pages)?;
    keys::split_order(key).map(|(time, _, _)| time)
}

/// Drops the oldest chunk or head; none when there is nothing.
pub fn evict_oldest(pages: &mut impl PagesMut) -> Option<Evicted> {
    let entry = TREE.seek(pages, &keys::ORDER_START).next(pages).map(|(key, _)| key.to_vec())?;
    let (time, kind, number) = keys::split_order(&entry)?;
    TREE.remove(pages, &entry);
    let group: Group = load(pages, &keys::group(number))?;
    let samples = match kind {
        Kind::Chunk => chunk::drop_sealed(pages, number, Head::at(group.head).columns(pages), time),
        Kind::Head => drop_head(pages, &group),
    };
    let series = drop_empty_group(pages, number, &group);
    // A chunk without samples still counts as one: the caller stops at nothing dropped.
    Some(Evicted { samples: samples.max(1), series })
}

fn drop_head(pages: &mut impl PagesMut, group: &Group) -> u64 {
    let head = Head::at(group.head);
    let (rows, columns) = (head.rows(pages), head.columns(pages));
    let last = (0..rows).map(|row| head.time(pages, row)).max();
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let samples = cells.filter(|(row, column)| head.cell(pages, *row, *column) != ABSENT).count() as u64;
    head.clear(pages);
    head.set_queued_at(pages, None);
    if let Some(last) = last {
        head.set_sealed_until(pages, last.max(head.sealed_until(pages)));
    }
    samples
}

/// Forgets the series of a group that has no samples any more.
fn drop_empty_group(pages: &mut impl PagesMut, number: u32, group: &Group) -> Option<(String, u32)> {
    let head = Head::at(group.head);
    let prefix = keys::chunks_of(number);
    let has_chunk = TREE.seek(pages, &prefix).next(pages).is_some_and(|(key, _)| key.starts_with(&prefix));
    if has_chunk || head.rows(pages) > 0 {
        return None;
    }
    let target_key = keys::target(&group.target);
    let mut target: Target = load(pages, &target_key)?;
    target.groups.retain(|other| *other != number);
    if target.groups.is_empty() {
        TREE.remove(pages, &target_key);
    } else if save(pages, &target_key, &target).is_err() {
        // Only a target of hundreds of groups needs a page to shrink; its empty group then stays until there is one.
        return None;
    }
    let columns = head.columns(pages);
    for column in 0..columns {
        let id = group::id_of(pages, group.ids, column);
        TREE.remove(pages, &keys::series(id));
    }
    labels::forget(pages, number);
    group_set::remove(pages, &keys::by_service_prefix(&target.service), number);
    TREE.remove(pages, &keys::work(number));
    TREE.remove(pages, &keys::group(number));
    pages.free(group.head);
    pages.free(group.ids);
    Some((target.service, columns as u32))
}
