//! The labels of series, by group: for each name that a series of the group has, an entry with the values and the columns
//! that have them. This is the forward index and, within a group, the inverted one. Across groups, each value has the set of
//! the groups that it stands in.

use crate::byte_set::ByteSet;
use crate::group::{self, Group, load};
use crate::head::Head;
use crate::symbols::{self, NAMES, Symbol};
use crate::varint::{read_varint, write_varint};
use crate::{SeriesError, TREE, group_set, keys};
use codec::Announced;
use paged::{PAGE_BYTES, Pages, PagesMut};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Labels of a series, sorted by name.
pub type Labels = Vec<(String, String)>;

/// Columns by the value that they have for one name.
type Section = BTreeMap<Symbol, ByteSet>;

/// Pages that keeping these labels can need.
pub fn pages_for_labels(pages: &impl Pages, announced: &[Announced<'_>]) -> u32 {
    let mut pairs = BTreeSet::new();
    let mut labels = 0;
    for one in announced.iter().filter(|one| !is_named(pages, one)) {
        pairs.extend(one.labels.iter());
        labels += one.labels.len();
    }
    if pairs.is_empty() {
        return 0;
    }
    let names: BTreeSet<&str> = pairs.iter().map(|(name, _)| *name).collect();
    let long: usize = pairs.iter().map(|(_, value)| value.len()).chain(names.iter().map(|name| name.len())).sum();
    // Each entry can split a page: a value has three, a name two. A section takes at most 12 bytes for each label.
    let entries = pairs.len() * 3 + names.len() * 4;
    (32 + entries + long.div_ceil(PAGE_BYTES) + labels * 12 / PAGE_BYTES) as u32
}

fn is_named(pages: &impl Pages, one: &Announced<'_>) -> bool {
    let place = group::place_of(pages, one.id);
    let head = place.and_then(|(group, column)| Some((load::<Group>(pages, &keys::group(group))?.head, column)));
    head.is_some_and(|(head, column)| Head::at(head).is_named(pages, usize::from(column)))
}

/// Columns of a group with what is announced of them.
type Columns<'b, 'a> = Vec<(u8, &'b Announced<'a>)>;

/// Keeps the labels of announced series that have a place; others are named when their samples come.
pub fn announce(
    pages: &mut impl PagesMut,
    own: &[(u32, Group)],
    announced: &[Announced<'_>],
) -> Result<(), SeriesError> {
    let mut heads: BTreeMap<u32, Head> = own.iter().map(|(number, group)| (*number, Head::at(group.head))).collect();
    let mut by_group: BTreeMap<u32, Columns<'_, '_>> = BTreeMap::new();
    for one in announced {
        let Some((number, column)) = group::place_of(pages, one.id) else { continue };
        let known = heads.get(&number).copied();
        // A series of another target may be announced beside those of this one.
        let Some(head) = known.or_else(|| load(pages, &keys::group(number)).map(|group: Group| Head::at(group.head)))
        else {
            continue;
        };
        heads.insert(number, head);
        if !head.is_named(pages, usize::from(column)) {
            by_group.entry(number).or_default().push((column as u8, one));
        }
    }
    let mut known = Known::default();
    for (number, columns) in by_group {
        announce_group(pages, &mut known, number, &columns)?;
        for (column, _) in columns {
            heads[&number].set_named(pages, usize::from(column));
        }
    }
    Ok(())
}

/// Symbols that a batch has asked for.
#[derive(Default)]
struct Known<'a> {
    symbols: HashMap<(Symbol, &'a str), Symbol, foldhash::fast::RandomState>,
    new: Vec<Symbol>,
}

impl<'a> Known<'a> {
    fn symbol(&mut self, pages: &mut impl PagesMut, of: Symbol, text: &'a str) -> Result<Symbol, SeriesError> {
        if let Some(symbol) = self.symbols.get(&(of, text)) {
            return Ok(*symbol);
        }
        let symbol = symbols::intern(pages, of, text, &mut self.new)?;
        self.symbols.insert((of, text), symbol);
        Ok(symbol)
    }
}

/// Keeps the labels of some columns of a group. On refusal some names may be kept already: those of a column count only
/// once it is marked as named, and keeping them again changes nothing.
fn announce_group<'a>(
    pages: &mut impl PagesMut,
    known: &mut Known<'a>,
    number: u32,
    columns: &Columns<'_, 'a>,
) -> Result<(), SeriesError> {
    let mut by_name: BTreeMap<&'a str, Vec<(&'a str, u8)>> = BTreeMap::new();
    for (column, one) in columns {
        for (name, value) in &one.labels {
            by_name.entry(name).or_default().push((value, *column));
        }
    }
    for (name, values) in by_name {
        let mut added = Vec::new();
        if let Err(refused) = keep(pages, known, number, (name, &values), &mut added) {
            for value in added {
                group_set::remove(pages, &keys::posting(value), number);
            }
            symbols::release_unused(pages, &known.new);
            return Err(refused);
        }
    }
    Ok(())
}

/// Keeps the values of one name; `added`: those whose set the group was put into.
fn keep<'a>(
    pages: &mut impl PagesMut,
    known: &mut Known<'a>,
    number: u32,
    (name, values): (&'a str, &[(&'a str, u8)]),
    added: &mut Vec<Symbol>,
) -> Result<(), SeriesError> {
    let name = known.symbol(pages, NAMES, name)?;
    let key = keys::labels(number, name);
    let mut section: Section = TREE.get(pages, &key).map_or_else(Section::new, |bytes| values_of(&bytes).collect());
    for (value, column) in values {
        let value = known.symbol(pages, name, value)?;
        if !section.contains_key(&value) {
            group_set::add(pages, &keys::posting(value), number)?;
            added.push(value);
        }
        section.entry(value).or_default().insert(*column);
    }
    TREE.insert(pages, &key, &encode(&section))?;
    Ok(())
}

fn encode(section: &Section) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(section.len() * 6);
    let mut before = 0;
    for (value, columns) in section {
        write_varint(&mut bytes, u64::from(value - before));
        columns.write(&mut bytes);
        before = *value;
    }
    bytes
}

/// The values in an entry in ascending order, and the columns that have them.
pub fn values_of(bytes: &[u8]) -> impl Iterator<Item = (Symbol, ByteSet)> {
    let (mut at, mut before) = (0, 0);
    std::iter::from_fn(move || {
        if at == bytes.len() {
            return None;
        }
        before += read_varint(bytes, &mut at) as Symbol;
        Some((before, ByteSet::read(bytes, &mut at)))
    })
}

/// Forgets at most so many values of labels of a group, and what only they used; false when it has none. Needs no page.
pub fn forget_some(pages: &mut impl PagesMut, number: u32, most: usize) -> bool {
    let Some((key, mut section)) = first_section(pages, &keys::labels_of(number)) else { return false };
    let values: Vec<Symbol> = section.keys().copied().take(most).collect();
    section.retain(|value, _| !values.contains(value));
    if section.is_empty() {
        TREE.remove(pages, &key);
    } else {
        let kept = TREE.insert(pages, &key, &encode(&section));
        assert!(kept.is_ok(), "a shorter entry needs no page");
    }
    for value in &values {
        group_set::remove(pages, &keys::posting(*value), number);
    }
    symbols::release_unused(pages, &values);
    true
}

fn first_section(pages: &impl Pages, prefix: &[u8]) -> Option<(Vec<u8>, Section)> {
    let mut cursor = TREE.seek(pages, prefix);
    let (key, bytes) = cursor.next(pages).filter(|(key, _)| key.starts_with(prefix))?;
    Some((key.to_vec(), values_of(&bytes).collect()))
}

/// The labels of some columns of a group, in the order of the columns.
pub fn of_columns(pages: &impl Pages, number: u32, wanted: ByteSet) -> Vec<(u8, Labels)> {
    let mut labels: Vec<(u8, Labels)> = wanted.iter().map(|column| (column, Labels::new())).collect();
    let prefix = keys::labels_of(number);
    let mut cursor = TREE.seek(pages, &prefix);
    while let Some((key, bytes)) = cursor.next(pages) {
        let Some(name) = keys::split_labels(key, &prefix) else { break };
        let mut text = None;
        for (value, columns) in values_of(&bytes) {
            let columns = columns.and(wanted);
            if columns.is_empty() {
                continue;
            }
            let name = text.get_or_insert_with(|| symbols::text(pages, name));
            let value = symbols::text(pages, value);
            for column in columns.iter() {
                let place = labels.binary_search_by_key(&column, |(column, _)| *column);
                labels[place.expect("a wanted column")].1.push((name.clone(), value.clone()));
            }
        }
    }
    labels.iter_mut().for_each(|(_, labels)| labels.sort_unstable());
    labels
}
