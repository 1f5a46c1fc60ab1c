//! One tree page. Layout (little-endian):
//! 0 kind u8 (1 leaf, 2 branch) · 2 count u16 · 4 cell start u16 · 6 bytes of dead cells u16 · 8 link u32 (leaf: next leaf;
//! branch: leftmost child) · 12 position of the last insert into a leaf, from 1, u16 · 14 how many in a row were near the one
//! before u8 · 15 by how much these moved i8 · 16 slots, count × u16 offset of a cell · cells, packed towards the end of the page.
//! Cell: key length u16, payload length u16, key, payload.

use crate::{PAGE_BYTES, Page, PageNo, read_u16, read_u32, write};
use std::cmp::Ordering;

pub const LEAF: u8 = 1;
pub const BRANCH: u8 = 2;
const SLOTS: usize = 16;
const CELL_HEAD: usize = 4;
/// Bytes that slots and cells may take.
pub const CAPACITY: usize = PAGE_BYTES - SLOTS;

pub fn init(page: &mut Page, kind: u8, link: PageNo) {
    page[..SLOTS].fill(0);
    page[0] = kind;
    write(page, 4, &(PAGE_BYTES as u16).to_le_bytes());
    set_link(page, link);
}

#[inline]
pub fn kind(page: &Page) -> u8 {
    page[0]
}

#[inline]
pub fn count(page: &Page) -> usize {
    usize::from(read_u16(page, 2))
}

#[inline]
pub fn link(page: &Page) -> PageNo {
    read_u32(page, 8)
}

pub fn set_link(page: &mut Page, link: PageNo) {
    write(page, 8, &link.to_le_bytes());
}

/// Bytes in use by slots and live cells.
pub fn used(page: &Page) -> usize {
    count(page) * 2 + (PAGE_BYTES - cell_start(page)) - dead(page)
}

#[inline]
pub fn key(page: &Page, i: usize) -> &[u8] {
    let at = cell_at(page, i);
    &page[at + CELL_HEAD..at + CELL_HEAD + usize::from(read_u16(page, at))]
}

#[inline]
pub fn payload(page: &Page, i: usize) -> &[u8] {
    let (start, end) = payload_range(page, i);
    &page[start..end]
}

pub fn payload_mut(page: &mut Page, i: usize) -> &mut [u8] {
    let (start, end) = payload_range(page, i);
    &mut page[start..end]
}

/// Child behind a branch: the leftmost for 0, else that of cell i − 1.
#[inline]
pub fn child(page: &Page, i: usize) -> PageNo {
    if i == 0 {
        return link(page);
    }
    let mut bytes = [0; 4];
    bytes.copy_from_slice(payload(page, i - 1));
    u32::from_le_bytes(bytes)
}

/// Position of the key, or where it would stand.
pub fn search(page: &Page, wanted: &[u8]) -> Result<usize, usize> {
    let (mut low, mut high) = (0, count(page));
    while low < high {
        let middle = low.midpoint(high);
        match key(page, middle).cmp(wanted) {
            Ordering::Less => low = middle + 1,
            Ordering::Greater => high = middle,
            Ordering::Equal => return Ok(middle),
        }
    }
    Err(low)
}

pub fn cell_bytes(key: &[u8], payload: &[u8]) -> usize {
    2 + CELL_HEAD + key.len() + payload.len()
}

/// Puts a cell at position i; false when it does not fit.
pub fn insert(page: &mut Page, i: usize, key: &[u8], payload: &[u8]) -> bool {
    let needed = cell_bytes(key, payload);
    if used(page) + needed > CAPACITY {
        return false;
    }
    if SLOTS + count(page) * 2 + needed > cell_start(page) {
        compact(page);
    }
    let n = count(page);
    let at = cell_start(page) - (needed - 2);
    write_cell(page, at, key, payload);
    let slot = SLOTS + i * 2;
    page.copy_within(slot..SLOTS + n * 2, slot + 2);
    write(page, slot, &(at as u16).to_le_bytes());
    set_count(page, n + 1);
    set_cell_start(page, at);
    true
}

/// Inserts at most so far from the one before are near it: what comes in the order of time comes about in that order.
fn near(cells: usize) -> usize {
    (cells / 16).clamp(1, 4)
}

/// So many near inserts in a row are no chance.
fn long_run(cells: usize) -> u8 {
    (cells / 2).clamp(4, 16) as u8
}

/// Takes note of an insert at position i.
pub fn note_insert(page: &mut Page, i: usize) {
    let counters = counters_after(page, i);
    set_note(page, i, counters);
}

/// How many inserts in a row are near the one before, and by how much they moved, when the next one is at position i.
pub fn counters_after(page: &Page, i: usize) -> (u8, i8) {
    let last = usize::from(read_u16(page, 12));
    if last == 0 || (last - 1).abs_diff(i) > near(count(page)) {
        return (0, 0);
    }
    let moved = i as i64 - (last as i64 - 1);
    (page[14].saturating_add(1), (page[15] as i8).saturating_add(moved as i8))
}

/// The page that the last insert went to, at position i, goes on with these counters.
pub fn set_note(page: &mut Page, i: usize, (run, drift): (u8, i8)) {
    write(page, 12, &(i as u16 + 1).to_le_bytes());
    (page[14], page[15]) = (run, drift as u8);
}

/// Where to divide a page that takes its inserts at one place, of which i is the next. None for one that takes them anywhere.
///
/// Each ascending insert moves the place on by one, a descending one leaves it. The place goes to the side where it moves
/// away from what lies behind it; once nothing lies before it, that stays together on the other side, as nothing will come
/// between.
pub fn hot_split(page: &Page, i: usize) -> Option<usize> {
    let cells = count(page);
    // What came about in order may still come between the last few; of large cells that would leave much of a page unused.
    let near = (cells / 16).min(4);
    let (run, drift) = (page[14], page[15] as i8);
    let ascends = i16::from(drift) * 2 > i16::from(run.min(127));
    let (before, after) = (i.saturating_sub(near), i + 1 + near);
    let is_last_before_edge = if ascends { after + near > cells } else { before <= near };
    let at = if ascends == is_last_before_edge { before } else { after };
    (run >= long_run(cells) && at > 0 && at <= cells).then_some(at)
}

pub fn remove(page: &mut Page, i: usize) {
    let n = count(page);
    let last = read_u16(page, 12);
    if i + 1 < usize::from(last) {
        write(page, 12, &(last - 1).to_le_bytes());
    }
    let (start, end) = payload_range(page, i);
    let bytes = CELL_HEAD + usize::from(read_u16(page, cell_at(page, i))) + (end - start);
    let slot = SLOTS + i * 2;
    page.copy_within(slot + 2..SLOTS + n * 2, slot);
    set_count(page, n - 1);
    let dead = dead(page) + bytes;
    write(page, 6, &(dead as u16).to_le_bytes());
}

/// Appends the cells [from, to) of another page; they must fit.
pub fn append(page: &mut Page, source: &Page, from: usize, to: usize) {
    for i in from..to {
        let end = count(page);
        let fits = insert(page, end, key(source, i), payload(source, i));
        assert!(fits, "cells do not fit their page");
    }
}

fn compact(page: &mut Page) {
    let old = *page;
    init(page, kind(&old), link(&old));
    append(page, &old, 0, count(&old));
    page[12..SLOTS].copy_from_slice(&old[12..SLOTS]);
}

fn write_cell(page: &mut Page, at: usize, key: &[u8], payload: &[u8]) {
    write(page, at, &(key.len() as u16).to_le_bytes());
    write(page, at + 2, &(payload.len() as u16).to_le_bytes());
    write(page, at + CELL_HEAD, key);
    write(page, at + CELL_HEAD + key.len(), payload);
}

#[inline]
fn cell_at(page: &Page, i: usize) -> usize {
    usize::from(read_u16(page, SLOTS + i * 2))
}

#[inline]
fn payload_range(page: &Page, i: usize) -> (usize, usize) {
    let at = cell_at(page, i);
    let start = at + CELL_HEAD + usize::from(read_u16(page, at));
    (start, start + usize::from(read_u16(page, at + 2)))
}

#[inline]
fn cell_start(page: &Page) -> usize {
    usize::from(read_u16(page, 4))
}

fn set_cell_start(page: &mut Page, at: usize) {
    write(page, 4, &(at as u16).to_le_bytes());
}

#[inline]
fn dead(page: &Page) -> usize {
    usize::from(read_u16(page, 6))
}

fn set_count(page: &mut Page, n: usize) {
    write(page, 2, &(n as u16).to_le_bytes());
}
