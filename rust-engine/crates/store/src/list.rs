//! Lists by time, newest first, with keyset cursors.
//!
//! An index entry: table, whose (an environment or a service), facet, time, record. All entries with the same beginning are
//! a group in the order of the list. A list merges the groups that can hold what it wants, of all trees; so a filter by
//! what groups tell never walks over records that it refuses.

use crate::StoreError;
use crate::facet::Facet;
use crate::keys::{OwnedPart, Table, join, newest_first, short_digest, time_of};
use paged::{Cursor, Pages, Tree};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Records looked at for one page: a filter that fits nothing must not stop the world. The cursor then goes on from there.
const LOOKED_AT_MAX: usize = 2_000;
/// Time and record: what orders the entries of a group, and is the cursor.
const SUFFIX_BYTES: usize = 8 + size_of::<OwnedPart>();
const FACET_BYTES: usize = 2;
const ENVIRONMENT_BYTES: usize = 4;
const SERVICE_BYTES: usize = 8;

type Suffix = [u8; SUFFIX_BYTES];

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListPage<T> {
    /// At most the limit; fewer also when a filter fits few of the records looked at.
    pub items: Vec<T>,
    /// Where to go on; none at the end.
    pub cursor: Option<String>,
    /// As known at a time: from when on the page would be exactly what was known, what a filter refused included; none when it
    /// is.
    pub exact_from: Option<i64>,
}

/// Half-open time window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// Where a record stands in the lists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub environment: &'a str,
    pub service: &'a str,
    pub facet: Facet,
    pub time: i64,
    pub part: &'a OwnedPart,
}

/// The two indexes of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeIndex {
    pub by_time: Table,
    pub by_service: Table,
}

impl TimeIndex {
    /// The entries of a record at a place.
    pub fn entries(self, place: Place<'_>) -> [Vec<u8>; 2] {
        let Place { environment, service, facet, time, part } = place;
        let time = newest_first(time);
        let entry = |table: Table, whose: &[u8]| join(&[&[table as u8], whose, &facet.0, &time, part]);
        [entry(self.by_time, &environment_id(environment)), entry(self.by_service, &service_id(service))]
    }

    /// Prefix of a service's entries.
    pub fn prefix_of_service(self, service: &str) -> Vec<u8> {
        join(&[&[self.by_service as u8], &service_id(service)])
    }

    /// The groups that may hold what is asked for.
    pub fn groups(
        self,
        pages: &impl Pages,
        trees: &[Tree],
        service: Option<&str>,
        environment: Option<&str>,
        mut wanted: impl FnMut(Facet) -> bool,
    ) -> Vec<Group> {
        let (prefix, bytes) = match (service, environment) {
            (Some(service), _) => (self.prefix_of_service(service), 1 + SERVICE_BYTES + FACET_BYTES),
            (None, Some(environment)) => {
                let whose = environment_id(environment);
                (join(&[&[self.by_time as u8], &whose]), 1 + ENVIRONMENT_BYTES + FACET_BYTES)
            }
            (None, None) => (vec![self.by_time as u8], 1 + ENVIRONMENT_BYTES + FACET_BYTES),
        };
        let mut groups = Vec::new();
        for tree in trees {
            let mut from = prefix.clone();
            while let Some(group) = first_group(pages, *tree, &from, &prefix, bytes) {
                let [.., kind, code] = group[..] else { break };
                if wanted(Facet([kind, code])) {
                    groups.push(Group { tree: *tree, prefix: group.clone() });
                }
                let Some(next) = successor(group) else { break };
                from = next;
            }
        }
        groups
    }
}

/// A tree and the beginning of the entries of a group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    tree: Tree,
    prefix: Vec<u8>,
}

/// The group of the first entry at or after `from`, if that begins with `prefix`.
fn first_group(pages: &impl Pages, tree: Tree, from: &[u8], prefix: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let mut cursor = tree.seek(pages, from);
    let key = cursor.peek_key(pages)?;
    if key.starts_with(prefix) { Some(key.get(..bytes)?.to_vec()) } else { None }
}

/// The smallest text of bytes after all that begin with this one; none after the last.
fn successor(mut prefix: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = prefix.pop() {
        if last < u8::MAX {
            prefix.push(last + 1);
            return Some(prefix);
        }
    }
    None
}

/// What `pick` makes of the entries of some groups, newest first. It is given the record's part and the entry's time and tree,
/// and gives the item, if any, and from when on this, or that there is none, is exact.
pub(crate) fn page_of<P: Pages, T>(
    pages: &P,
    groups: &[Group],
    window: Window,
    limit: usize,
    cursor: Option<&str>,
    mut pick: impl FnMut(&OwnedPart, i64, Tree) -> (Option<T>, Option<i64>),
) -> Result<ListPage<T>, StoreError> {
    at_least_one(limit)?;
    let start = match (cursor, window.to) {
        (Some(cursor), _) => [from_hex(cursor)?, vec![0]].concat(),
        (None, Some(to)) => newest_first(to.saturating_sub(1)).to_vec(),
        (None, None) => Vec::new(),
    };
    let mut heads: Vec<Cursor> = Vec::with_capacity(groups.len());
    let mut queue = BinaryHeap::with_capacity(groups.len());
    for (n, group) in groups.iter().enumerate() {
        let mut cursor = group.tree.seek(pages, &[&group.prefix, start.as_slice()].concat());
        queue.extend(advance(pages, &mut cursor, group).map(|suffix| Reverse((suffix, n))));
        heads.push(cursor);
    }
    let mut page = ListPage { items: Vec::new(), cursor: None, exact_from: None };
    let mut last: Option<Suffix> = None;
    let mut looked_at = 0;
    while let Some(Reverse((suffix, n))) = queue.pop() {
        if page.items.len() >= limit || looked_at >= LOOKED_AT_MAX {
            page.cursor = last.map(|suffix| to_hex(&suffix));
            break;
        }
        looked_at += 1;
        queue.extend(advance(pages, &mut heads[n], &groups[n]).map(|suffix| Reverse((suffix, n))));
        let (time, part) = split(&suffix);
        if window.from.is_some_and(|from| time < from) {
            break;
        }
        let (item, exact_from) = pick(part, time, groups[n].tree);
        page.items.extend(item);
        page.exact_from = page.exact_from.max(exact_from);
        last = Some(suffix);
    }
    Ok(page)
}

/// Refuses a page of nothing, which could have no cursor.
pub(crate) fn at_least_one(limit: usize) -> Result<(), StoreError> {
    if limit == 0 { Err(StoreError::invalid("limit", "0, at least 1")) } else { Ok(()) }
}

fn advance(pages: &impl Pages, cursor: &mut Cursor, group: &Group) -> Option<Suffix> {
    let (key, _) = cursor.next(pages)?;
    key.strip_prefix(group.prefix.as_slice())?.try_into().ok()
}

fn split(suffix: &Suffix) -> (i64, &OwnedPart) {
    let (time, part) = suffix.split_at(8);
    let time = time.first_chunk().map_or(0, |time| time_of(*time));
    (time, part.first_chunk().expect("the rest of a suffix"))
}

fn environment_id(environment: &str) -> [u8; ENVIRONMENT_BYTES] {
    short_digest(&[environment.as_bytes()])
}

fn service_id(service: &str) -> [u8; SERVICE_BYTES] {
    short_digest(&[service.as_bytes()])
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, StoreError> {
    let digits = text.as_bytes();
    let digit = |at: usize| char::from(digits[at]).to_digit(16);
    let bytes: Option<Vec<u8>> =
        (0..digits.len() / 2).map(|i| Some((digit(i * 2)? * 16 + digit(i * 2 + 1)?) as u8)).collect();
    match bytes {
        Some(bytes) if digits.len().is_multiple_of(2) && bytes.len() <= paged::KEY_BYTES_MAX => Ok(bytes),
        _ => Err(StoreError::invalid("cursor", "not one of ours")),
    }
}
