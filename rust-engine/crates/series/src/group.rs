use crate::head::Head;
use crate::{SeriesError, TREE, keys};
use codec::SeriesId;
use paged::{PageNo, Pages, PagesMut, write};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Series of a group at most: their ids fit one page.
pub const COLUMNS_MAX: usize = 240;

/// A target and its groups.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Target {
    pub service: String,
    pub groups: Vec<u32>,
}

/// Where a group's pages are and whose it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    pub head: PageNo,
    pub ids: PageNo,
    pub target: String,
}

/// The place of a series. Its labels lie with those of its group.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Series {
    pub group: u32,
    pub column: u16,
}

pub fn load<T: DeserializeOwned>(pages: &impl Pages, key: &[u8]) -> Option<T> {
    TREE.get(pages, key).map(|bytes| decode(&bytes))
}

pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> T {
    postcard::from_bytes(bytes).expect("a stored entry decodes")
}

/// Group and column of a series.
pub fn place_of(pages: &impl Pages, id: SeriesId) -> Option<(u32, u16)> {
    load(pages, &keys::series(id))
}

pub fn save<T: Serialize>(pages: &mut impl PagesMut, key: &[u8], value: &T) -> Result<(), SeriesError> {
    let bytes = postcard::to_allocvec(value).expect("plain fields encode");
    TREE.insert(pages, key, &bytes)?;
    Ok(())
}

/// Adds an empty group to a target.
pub fn create(pages: &mut impl PagesMut, target: &str) -> Result<(u32, Group), SeriesError> {
    let number: u32 = load(pages, &keys::NEXT_GROUP).unwrap_or_default();
    save(pages, &keys::NEXT_GROUP, &(number + 1))?;
    pages.require(TREE.region(), 10)?;
    let head = Head::create(pages)?;
    let ids = pages.allocate(TREE.region())?;
    let group = Group { head, ids, target: target.to_owned() };
    save(pages, &keys::group(number), &group)?;
    Ok((number, group))
}

/// Ids of the first `columns` columns as they lie in the page (little-endian).
pub fn id_bytes(pages: &impl Pages, ids: PageNo, columns: usize) -> &[u8] {
    &pages.page(ids)[..columns * 16]
}

pub fn id_of(pages: &impl Pages, ids: PageNo, column: usize) -> SeriesId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&pages.page(ids)[column * 16..column * 16 + 16]);
    SeriesId::from_le_bytes(bytes)
}

pub fn set_id(pages: &mut impl PagesMut, ids: PageNo, column: usize, id: SeriesId) {
    write(pages.page_mut(ids), column * 16, &id.to_le_bytes());
}
