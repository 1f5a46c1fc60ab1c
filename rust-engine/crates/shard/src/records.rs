//! Which records the pages of a shard may hold: the version of the engine that last had it, in its root page. Records of older
//! versions are read, those of newer ones are not known here: such a snapshot is not taken.

use paged::{PageNo, PagesMut, ROOT_PAGE, read_u32, write};
use pool::Page;
use store::RECORDS_VERSION;

/// Where the version stands in the root page.
const AT: usize = 0;

/// Refuses pages whose records a newer engine wrote.
pub fn accept(n: PageNo, page: &Page) -> Result<(), String> {
    let version = read_u32(page, AT);
    if n == ROOT_PAGE && version > RECORDS_VERSION {
        return Err(format!("records of version {version}, {RECORDS_VERSION} is known"));
    }
    Ok(())
}

/// From now on this engine writes records.
pub fn note(pages: &mut impl PagesMut) {
    if read_u32(pages.page(ROOT_PAGE), AT) < RECORDS_VERSION {
        write(pages.page_mut(ROOT_PAGE), AT, &RECORDS_VERSION.to_le_bytes());
    }
}
