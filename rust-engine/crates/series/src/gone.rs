//! A group whose last samples are gone is forgotten in steps: first all that leads to it, so that nobody finds it and a target
//! that sends again gets another one; then its labels, and the places of its series, some at a time. Key: `Z`, group u32.

use crate::group::{self, Group, Series, load, save};
use crate::{TREE, keys, labels};
use paged::{PageNo, PagesMut};
use serde::{Deserialize, Serialize};

/// Places of series that go in one step, some 30 µs, …
const SERIES_AT_ONCE: usize = 32;
/// … or values of labels.
const VALUES_AT_ONCE: usize = 16;

/// What is left of a group.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Gone {
    ids: PageNo,
    /// Series that still have their places.
    columns: u16,
}

/// Begins to forget a group that nothing leads to any more. False: without a page for what is left all of it went at once.
pub fn begin(pages: &mut impl PagesMut, number: u32, group: &Group, columns: usize) -> bool {
    TREE.remove(pages, &keys::group(number));
    pages.free(group.head);
    let mut gone = Gone { ids: group.ids, columns: columns as u16 };
    let is_kept = save(pages, &keys::gone(number), &gone).is_ok();
    while !is_kept && forget_some(pages, number, &mut gone) {}
    is_kept
}

/// Takes one step in forgetting a group; false when nothing of it is left.
pub fn step(pages: &mut impl PagesMut, number: u32) -> bool {
    let key = keys::gone(number);
    let Some(mut gone) = load::<Gone>(pages, &key) else { return false };
    if !forget_some(pages, number, &mut gone) {
        TREE.remove(pages, &key);
        return false;
    }
    let kept = save(pages, &key, &gone);
    assert!(kept.is_ok(), "an entry that does not grow needs no page");
    true
}

fn forget_some(pages: &mut impl PagesMut, number: u32, gone: &mut Gone) -> bool {
    if labels::forget_some(pages, number, VALUES_AT_ONCE) {
        return true;
    }
    let columns = usize::from(gone.columns);
    let left = columns.saturating_sub(SERIES_AT_ONCE);
    for column in left..columns {
        let key = keys::series(group::id_of(pages, gone.ids, column));
        // A series that came again has its place elsewhere.
        if load::<Series>(pages, &key).is_some_and(|place| place.group == number) {
            TREE.remove(pages, &key);
        }
    }
    gone.columns = left as u16;
    if left == 0 {
        pages.free(gone.ids);
    }
    left > 0
}

/// Series that the page of ids of an entry has.
pub fn series_of(entry: &[u8]) -> usize {
    usize::from(group::decode::<Gone>(entry).columns)
}
