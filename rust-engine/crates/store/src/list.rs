//! Lists by time, newest first, with keyset cursors.

use crate::StoreError;
use crate::keys::{Table, join, newest_first_start, service_prefix, split_newest_first, text_part};
use crate::stored::load;
use paged::{Cursor, Pages, Tree};
use serde::{Serialize, de::DeserializeOwned};

/// Records looked at for one page: a filter that fits nothing must not stop the world. The cursor then goes on from there.
const LOOKED_AT_MAX: usize = 2_000;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListPage<T> {
    /// At most the limit; fewer also when a filter fits few of the records looked at.
    pub items: Vec<T>,
    /// Where to go on; none at the end.
    pub cursor: Option<String>,
}

/// Half-open time window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// A time index that lies in one or several trees.
pub(crate) struct TimeIndex {
    prefix: Vec<u8>,
    trees: Vec<Tree>,
    records: Table,
    /// What the entries leave out of the records' keys, as all have it: the service.
    tail: Vec<u8>,
}

/// A tree's cursor and the suffix under it.
struct Head {
    tree: Tree,
    cursor: Cursor,
    suffix: Option<Vec<u8>>,
}

impl TimeIndex {
    pub fn over_all(by_time: Table, records: Table, trees: Vec<Tree>) -> Self {
        Self { prefix: vec![by_time as u8], trees, records, tail: Vec::new() }
    }

    pub fn of_service(by_service: Table, records: Table, trees: Vec<Tree>, service: &str) -> Self {
        Self { prefix: service_prefix(by_service, service), trees, records, tail: text_part(service) }
    }

    /// The records that `pick` takes, newest first.
    pub fn page<R: DeserializeOwned, T>(
        &self,
        pages: &impl Pages,
        window: Window,
        limit: usize,
        cursor: Option<&str>,
        mut pick: impl FnMut(R) -> Option<T>,
    ) -> Result<ListPage<T>, StoreError> {
        let start = match (cursor, window.to) {
            (Some(cursor), _) => after(&from_hex(cursor)?),
            (None, Some(to)) => newest_first_start(to.saturating_sub(1)).to_vec(),
            (None, None) => Vec::new(),
        };
        let mut heads: Vec<Head> = self.trees.iter().map(|tree| self.head(pages, *tree, &start)).collect();
        let mut items = Vec::new();
        let mut last: Option<Vec<u8>> = None;
        for looked_at in 0.. {
            let first = heads.iter_mut().filter(|head| head.suffix.is_some()).min_by(|a, b| a.suffix.cmp(&b.suffix));
            let Some(head) = first else { break };
            if items.len() >= limit || looked_at >= LOOKED_AT_MAX {
                return Ok(ListPage { items, cursor: last.map(|suffix| to_hex(&suffix)) });
            }
            let suffix = head.suffix.take().unwrap_or_default();
            head.suffix = self.advance(pages, &mut head.cursor);
            let Some((time, part)) = split_newest_first(&suffix) else { break };
            if window.from.is_some_and(|from| time < from) {
                break;
            }
            let key = join(&[&[self.records as u8], part, &self.tail]);
            if let Some(record) = load(pages, head.tree, &key) {
                items.extend(pick(record));
            }
            last = Some(suffix);
        }
        Ok(ListPage { items, cursor: None })
    }

    fn head(&self, pages: &impl Pages, tree: Tree, start: &[u8]) -> Head {
        let mut cursor = tree.seek(pages, &[&self.prefix, start].concat());
        let suffix = self.advance(pages, &mut cursor);
        Head { tree, cursor, suffix }
    }

    fn advance(&self, pages: &impl Pages, cursor: &mut Cursor) -> Option<Vec<u8>> {
        let (key, _) = cursor.next(pages)?;
        key.strip_prefix(self.prefix.as_slice()).map(<[u8]>::to_vec)
    }
}

/// The smallest suffix after this one.
fn after(suffix: &[u8]) -> Vec<u8> {
    [suffix, &[0]].concat()
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
