//! What was known of a record before: for each change the values that it replaced, beside the record and not in it.
//!
//! Reading a record as known at a time takes back what became known later, newest first. The past is bounded: the oldest
//! changes are merged, and long texts are kept by their beginning. An answer that rests on either says so; it never tells
//! what was learnt later.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Changes kept for each record.
pub const CHANGES_MAX: usize = 32;
/// Bytes of the changes of a record; the last of them may be longer, by a bounded size of each field.
pub const PAST_BYTES_MAX: usize = 4096;
/// Bytes of a replaced text, or of the texts of a replaced list or map.
const TEXT_BYTES_MAX: usize = 512;

/// A record whose changes can be taken back.
pub trait Undo: Clone {
    /// A field and its value before.
    type Was: Clone + PartialEq + Serialize + for<'de> Deserialize<'de>;
    /// The values of `older` that are others here, and whether one of them was cut.
    fn replaced(&self, older: &Self) -> (Vec<Self::Was>, bool);
    /// True when a kept field is another one than in `older`.
    fn differs(&self, older: &Self) -> bool;
    /// Sets a field back.
    fn undo(&mut self, was: &Self::Was);
    /// The time that lists go by.
    fn place(&self) -> i64;
    /// The value of that time, if it is what was replaced.
    fn place_of(was: &Self::Was) -> Option<i64>;
}

/// Values that became known at one time, or, where older changes were merged, within a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change<W> {
    /// When the last of the values that replaced these became known.
    at: i64,
    /// How long before that the first of them did.
    span: u64,
    /// A text is not whole.
    cut: bool,
    was: Vec<W>,
}

/// The changes of a record, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past<W> {
    changes: Vec<Change<W>>,
}

impl<W> Default for Past<W> {
    fn default() -> Self {
        Self { changes: Vec::new() }
    }
}

impl<W: Clone + PartialEq + Serialize> Past<W> {
    /// Adds what a change replaced; it is not before those that are there.
    pub fn push(&mut self, at: i64, was: Vec<W>, cut: bool) {
        self.changes.push(Change { at, span: 0, cut, was });
        while self.changes.len() > 1 && (self.changes.len() > CHANGES_MAX || self.bytes() > PAST_BYTES_MAX) {
            let older = self.changes.remove(0);
            self.changes[0].absorb(older);
        }
    }

    fn bytes(&self) -> usize {
        postcard::experimental::serialized_size(self).unwrap_or(usize::MAX)
    }

    /// Takes back what became known after `at`. The time from which on this is exact; none when it is at `at`.
    pub fn take_back<R: Undo<Was = W>>(&self, record: &mut R, at: i64) -> Option<i64> {
        let mut exact_from = None;
        for change in self.changes.iter().rev().take_while(|change| change.at > at) {
            change.was.iter().for_each(|was| record.undo(was));
            if change.cut || change.at.saturating_sub_unsigned(change.span) <= at {
                exact_from = exact_from.max(Some(change.at));
            }
        }
        exact_from
    }

    /// Where the record stood in lists before, other than where it stands now.
    pub fn places<R: Undo<Was = W>>(&self, now: &R) -> Vec<i64> {
        let were = self.changes.iter().flat_map(|change| &change.was).filter_map(R::place_of);
        let mut places: Vec<i64> = were.filter(|place| *place != now.place()).collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

impl<W> Change<W> {
    /// Of a field that both replaced, the older value holds.
    fn absorb(&mut self, older: Self) {
        let began = older.at.saturating_sub_unsigned(older.span);
        self.span = self.at.abs_diff(began);
        self.cut |= older.cut;
        let is_older = |was: &W| older.was.iter().any(|of| std::mem::discriminant(of) == std::mem::discriminant(was));
        self.was.retain(|was| !is_older(was));
        self.was.extend(older.was);
    }
}

/// A value that is kept after it was replaced.
pub trait Replaced {
    /// Cuts it to a bounded size; true when something is gone.
    fn cut(&mut self) -> bool;
}

/// Values of a bounded size.
macro_rules! small {
    ($($kind:ty),*) => { $(impl $crate::past::Replaced for $kind { fn cut(&mut self) -> bool { false } })* };
}
pub(crate) use small;
small!(bool, u32, i64);

impl<T: Replaced> Replaced for Option<T> {
    fn cut(&mut self) -> bool {
        self.as_mut().is_some_and(Replaced::cut)
    }
}

impl Replaced for String {
    fn cut(&mut self) -> bool {
        let is_long = self.len() > TEXT_BYTES_MAX;
        self.truncate(self.floor_char_boundary(TEXT_BYTES_MAX));
        is_long
    }
}

impl Replaced for Vec<String> {
    fn cut(&mut self) -> bool {
        let mut room = TEXT_BYTES_MAX;
        let fits = self.iter().take_while(|text| {
            let fits = text.len() <= room;
            room = room.saturating_sub(text.len());
            fits
        });
        let fitting = fits.count();
        let is_long = fitting < self.len();
        self.truncate(fitting);
        is_long
    }
}

impl Replaced for BTreeMap<String, String> {
    fn cut(&mut self) -> bool {
        let before = self.len();
        let mut room = TEXT_BYTES_MAX;
        self.retain(|name, value| {
            let bytes = name.len() + value.len();
            let fits = bytes <= room;
            room = room.saturating_sub(bytes);
            fits
        });
        self.len() < before
    }
}

/// Names the fields of a record whose changes are kept. The order is that of the stored bytes: append only.
macro_rules! undo {
    ($record:ident by $place:ident ($place_variant:ident), $was:ident { $($variant:ident: $field:ident: $kind:ty),* $(,)? }) => {
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub enum $was { $($variant($kind)),* }

        impl $crate::past::Undo for $record {
            type Was = $was;

            fn replaced(&self, older: &Self) -> (Vec<$was>, bool) {
                let mut was = Vec::new();
                let mut cut = false;
                $(if self.$field != older.$field {
                    let mut value = older.$field.clone();
                    cut |= $crate::past::Replaced::cut(&mut value);
                    was.push($was::$variant(value));
                })*
                (was, cut)
            }

            fn differs(&self, older: &Self) -> bool {
                $(self.$field != older.$field)||*
            }

            fn undo(&mut self, was: &$was) {
                match was { $($was::$variant(value) => self.$field.clone_from(value)),* }
            }

            fn place(&self) -> i64 {
                self.$place
            }

            fn place_of(was: &$was) -> Option<i64> {
                match was {
                    $was::$place_variant(place) => Some(*place),
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use undo;
