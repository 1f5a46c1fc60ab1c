//! Chains of pages for values that do not fit a leaf. Page: 0 kind u8 (3) · 4 length u32 · 8 next u32 · 16 bytes.

use crate::{PAGE_BYTES, PageNo, Pages, PagesMut, PoolError, Region, read_u32, write};

const OVERFLOW: u8 = 3;
const HEAD: usize = 16;
const ROOM: usize = PAGE_BYTES - HEAD;

/// Pages that a value takes.
pub fn pages_for(bytes: usize) -> u32 {
    bytes.div_ceil(ROOM) as u32
}

/// Stores a value; the number of its first page. What was taken is given back on refusal.
pub fn store(pages: &mut impl PagesMut, region: Region, value: &[u8]) -> Result<PageNo, PoolError> {
    let mut next = 0;
    for chunk in value.chunks(ROOM).rev() {
        let n = match pages.allocate_uncleared(region) {
            Ok(n) => n,
            Err(error) => {
                release(pages, next);
                return Err(error);
            }
        };
        let page = pages.page_mut(n);
        page[..HEAD].fill(0);
        page[0] = OVERFLOW;
        write(page, 4, &(chunk.len() as u32).to_le_bytes());
        write(page, 8, &next.to_le_bytes());
        write(page, HEAD, chunk);
        next = n;
    }
    Ok(next)
}

pub fn load(pages: &impl Pages, first: PageNo) -> Vec<u8> {
    let mut value = Vec::new();
    let mut n = first;
    while n != 0 {
        let page = pages.page(n);
        value.extend_from_slice(&page[HEAD..HEAD + read_u32(page, 4) as usize]);
        n = read_u32(page, 8);
    }
    value
}

pub fn release(pages: &mut impl PagesMut, first: PageNo) {
    let mut n = first;
    while n != 0 {
        let next = read_u32(pages.page(n), 8);
        pages.free(n);
        n = next;
    }
}

/// The bytes of a value that lie in its first page.
pub fn beginning(pages: &impl Pages, first: PageNo) -> &[u8] {
    let page = pages.page(first);
    &page[HEAD..HEAD + read_u32(page, 4) as usize]
}

/// Pages of a chain, and their bytes in use.
pub fn size(pages: &impl Pages, first: PageNo) -> (u32, usize) {
    let (mut count, mut bytes, mut n) = (0, 0, first);
    while n != 0 {
        let page = pages.page(n);
        count += 1;
        bytes += HEAD + read_u32(page, 4) as usize;
        n = read_u32(page, 8);
    }
    (count, bytes)
}
