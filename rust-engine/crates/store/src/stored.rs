use crate::change::StoredChange;
use crate::deployment::StoredDeployment;
use crate::incident::StoredIncident;
use crate::past::Past;
use crate::resource::StoredResource;
use crate::service::ServiceRecord;
use crate::{ACTIVE, StoreError, buckets, rolling, timings};
use paged::{Pages, PagesMut, Tree, VALUE_BYTES_MAX};
use serde::{Serialize, de::DeserializeOwned};

/// A record as it lies in the pages: a byte for its version, then its fields.
///
/// A change of the fields counts the version up and keeps a reader of the one before: pages of an older engine are read as
/// they are, and a record is written anew in the present version when it next changes. The format of snapshots stays, and
/// `RECORDS_VERSION` counts up, so that an older engine does not take pages with it.
pub trait Versioned: Serialize + DeserializeOwned {
    /// The version that is written.
    const VERSION: u8 = 1;

    /// A record from the fields of an older version; none for one that never was.
    fn of_version(_version: u8, _fields: &[u8]) -> Option<Self> {
        None
    }
}

/// Counts up with the version of any kind of record: pages say which may be in them, so that an older engine refuses them.
pub const RECORDS_VERSION: u32 = {
    let records = StoredDeployment::VERSION + StoredIncident::VERSION + StoredChange::VERSION;
    let others = StoredResource::VERSION + ServiceRecord::VERSION + Past::<()>::VERSION;
    (records + others + rolling::VERSION + buckets::VERSION + timings::VERSION) as u32
};

/// Reads a record; bytes that do not decode were never written by us.
pub fn load<T: Versioned>(pages: &impl Pages, tree: Tree, key: &[u8]) -> Option<T> {
    tree.get(pages, key).map(|bytes| decode(&bytes))
}

pub fn decode<T: Versioned>(bytes: &[u8]) -> T {
    let record = match bytes.split_first() {
        Some((version, fields)) if *version == T::VERSION => fields_of(fields),
        Some((version, fields)) => T::of_version(*version, fields),
        None => None,
    };
    record.expect("a stored record is of a version that was shipped, and decodes")
}

/// The fields of a version.
pub fn fields_of<T: DeserializeOwned>(fields: &[u8]) -> Option<T> {
    postcard::from_bytes(fields).ok()
}

pub fn encode<T: Versioned>(record: &T) -> Result<Vec<u8>, StoreError> {
    let bytes = postcard::to_extend(record, vec![T::VERSION]).expect("a record of plain fields encodes");
    if bytes.len() > VALUE_BYTES_MAX {
        return Err(StoreError::invalid("event", format!("record of {} bytes", bytes.len())));
    }
    Ok(bytes)
}

pub fn save<T: Versioned>(pages: &mut impl PagesMut, tree: Tree, key: &[u8], record: &T) -> Result<(), StoreError> {
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
/// there is no room, with all as it was.
pub fn displace<T: Versioned>(
    pages: &mut impl PagesMut,
    to: Tree,
    key: &[u8],
    stored: &T,
    old: &[Vec<u8>],
    new: &[Vec<u8>],
) -> Result<(), StoreError> {
    let bytes = encode(stored)?;
    let entries = std::iter::once((key, bytes.as_slice())).chain(new.iter().map(|entry| (entry.as_slice(), &[][..])));
    for (n, (entry, value)) in entries.enumerate() {
        if let Err(refused) = to.insert(pages, entry, value) {
            // Taking out needs no page.
            let inserted = std::iter::once(key).chain(new.iter().map(Vec::as_slice)).take(n);
            for entry in inserted {
                to.remove(pages, entry);
            }
            return Err(refused.into());
        }
    }
    ACTIVE.remove(pages, key);
    for entry in old {
        ACTIVE.remove(pages, entry);
    }
    Ok(())
}
