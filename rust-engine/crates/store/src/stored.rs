use crate::{ACTIVE, StoreError};
use paged::{Pages, PagesMut, Tree, VALUE_BYTES_MAX};
use serde::{Serialize, de::DeserializeOwned};

/// Reads a record; bytes that do not decode were never written by us.
pub fn load<T: DeserializeOwned>(pages: &impl Pages, tree: Tree, key: &[u8]) -> Option<T> {
    tree.get(pages, key).map(|bytes| decode(&bytes))
}

pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> T {
    postcard::from_bytes(bytes).expect("a stored record decodes")
}

pub fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, StoreError> {
    let bytes = postcard::to_allocvec(record).expect("a record of plain fields encodes");
    if bytes.len() > VALUE_BYTES_MAX {
        return Err(StoreError::invalid("event", format!("record of {} bytes", bytes.len())));
    }
    Ok(bytes)
}

pub fn save<T: Serialize>(pages: &mut impl PagesMut, tree: Tree, key: &[u8], record: &T) -> Result<(), StoreError> {
    tree.insert(pages, key, &encode(record)?)?;
    Ok(())
}

/// Moves index entries from where a record stood to where it stands now.
pub fn reindex(
    pages: &mut impl PagesMut,
    old: Option<(Tree, Vec<Vec<u8>>)>,
    new: (Tree, &[Vec<u8>]),
) -> Result<(), StoreError> {
    let (tree, keys) = new;
    if let Some((old_tree, old_keys)) = old {
        if old_tree.region() == tree.region() && old_keys == keys {
            return Ok(());
        }
        for key in old_keys {
            old_tree.remove(pages, &key);
        }
    }
    for key in keys {
        tree.insert(pages, key, &[])?;
    }
    Ok(())
}

/// Moves a record out of the active ones: kept as `stored` with the index entries `new`, instead of with `old`. Refused, when
/// there is no room, before anything changes.
pub fn displace<T: Serialize>(
    pages: &mut impl PagesMut,
    to: Tree,
    key: &[u8],
    stored: &T,
    old: &[Vec<u8>],
    new: &[Vec<u8>],
) -> Result<(), StoreError> {
    let bytes = encode(stored)?;
    pages.require(to.region(), Tree::pages_needed(bytes.len()) + new.len() as u32 * Tree::pages_needed(0))?;
    to.insert(pages, key, &bytes)?;
    for entry in new {
        to.insert(pages, entry, &[])?;
    }
    ACTIVE.remove(pages, key);
    for entry in old {
        ACTIVE.remove(pages, entry);
    }
    Ok(())
}
