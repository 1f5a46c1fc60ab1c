//! Names and values of labels, each kept once and known by a number. A value belongs to its name: that of another name with
//! the same text is another symbol. Names belong to `NAMES`.

use crate::keys::{self, push_ordered};
use crate::varint::{read_varint, write_varint};
use crate::{SeriesError, TREE, group_set};
use paged::{Pages, PagesMut, text_part};

/// Number of a text.
pub type Symbol = u32;

/// What names belong to, as values do to their name.
pub const NAMES: Symbol = 0;
/// Keys hold a shorter text as it is.
const PART_BYTES_MAX: usize = 200;
/// The beginning of a text that keys certainly begin with.
const PREFIX_BYTES_MAX: usize = 100;

/// The number of a text.
pub fn find(pages: &impl Pages, of: Symbol, text: &str) -> Option<Symbol> {
    TREE.get(pages, &key_of(of, &text_part(text))).map(|bytes| number(&bytes))
}

/// The number of a text, a new one for a text that has none.
pub fn intern(pages: &mut impl PagesMut, of: Symbol, text: &str, new: &mut Vec<Symbol>) -> Result<Symbol, SeriesError> {
    let key = key_of(of, &text_part(text));
    if let Some(known) = TREE.get(pages, &key) {
        return Ok(number(&known));
    }
    let symbol = free_number(pages);
    TREE.insert(pages, &keys::NEXT_SYMBOL, &(symbol.wrapping_add(1)).to_le_bytes())?;
    let mut entry = Vec::with_capacity(text.len() + 5);
    write_varint(&mut entry, of.into());
    entry.extend_from_slice(text.as_bytes());
    let text_key = keys::text_of(symbol);
    TREE.insert(pages, &text_key, &entry)?;
    let mut named = Vec::with_capacity(5);
    write_varint(&mut named, symbol.into());
    if let Err(refused) = TREE.insert(pages, &key, &named) {
        TREE.remove(pages, &text_key);
        return Err(refused.into());
    }
    new.push(symbol);
    Ok(symbol)
}

/// The text of a number.
pub fn text(pages: &impl Pages, symbol: Symbol) -> String {
    with_text(pages, symbol, |_, text| text.to_owned()).unwrap_or_default()
}

/// Calls with what a symbol belongs to and its text.
pub fn with_text<T>(pages: &impl Pages, symbol: Symbol, call: impl FnOnce(Symbol, &str) -> T) -> Option<T> {
    let entry = TREE.get(pages, &keys::text_of(symbol))?;
    let mut at = 0;
    let of = read_varint(&entry, &mut at) as Symbol;
    Some(call(of, std::str::from_utf8(&entry[at..]).expect("labels are text")))
}

/// Calls with the values of a name that begin with a text, in the order of their beginnings, until one gives false.
pub fn each_value(pages: &impl Pages, name: Symbol, beginning: &str, mut call: impl FnMut(Symbol, &str) -> bool) {
    let prefix = key_of(name, &[]);
    let start = key_of(name, &beginning.as_bytes()[..beginning.len().min(PREFIX_BYTES_MAX)]);
    let mut cursor = TREE.seek(pages, &start);
    while let Some((key, value)) = cursor.next(pages) {
        if !key.starts_with(&start) {
            return;
        }
        let part = &key[prefix.len()..];
        let symbol = number(&value);
        let goes_on = if part.len() < PART_BYTES_MAX {
            call(symbol, std::str::from_utf8(part).expect("labels are text"))
        } else {
            call(symbol, &text(pages, symbol))
        };
        if !goes_on {
            return;
        }
    }
}

/// Forgets symbols that nothing uses any more, and names without values. Needs no page.
pub fn release_unused(pages: &mut impl PagesMut, symbols: &[Symbol]) {
    for symbol in symbols {
        release_if_unused(pages, *symbol);
    }
}

fn release_if_unused(pages: &mut impl PagesMut, symbol: Symbol) {
    let Some((of, text)) = with_text(pages, symbol, |of, text| (of, text.to_owned())) else { return };
    let users = if of == NAMES { key_of(symbol, &[]) } else { keys::posting(symbol) };
    if !group_set::is_empty(pages, &users) {
        return;
    }
    TREE.remove(pages, &key_of(of, &text_part(&text)));
    TREE.remove(pages, &keys::text_of(symbol));
    if of != NAMES {
        release_if_unused(pages, of);
    } else if group_set::is_empty(pages, &key_of(NAMES, &[])) {
        TREE.remove(pages, &keys::NEXT_SYMBOL);
    }
}

fn key_of(of: Symbol, part: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(part.len() + 6);
    key.push(keys::SYMBOL);
    push_ordered(&mut key, of);
    key.extend_from_slice(part);
    key
}

fn number(bytes: &[u8]) -> Symbol {
    read_varint(bytes, &mut 0) as Symbol
}

/// Numbers go up, and begin again after the last one with those that are free by then.
fn free_number(pages: &impl Pages) -> Symbol {
    let next = TREE.get(pages, &keys::NEXT_SYMBOL);
    let mut symbol = next.and_then(|bytes| bytes.first_chunk().map(|bytes| Symbol::from_le_bytes(*bytes))).unwrap_or(1);
    while symbol == NAMES || TREE.contains(pages, &keys::text_of(symbol)) {
        symbol = symbol.wrapping_add(1);
    }
    symbol
}
