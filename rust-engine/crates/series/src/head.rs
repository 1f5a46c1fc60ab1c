//! The head of a group. Its page (little-endian): 0 rows u16 · 2 columns u16 · 4 stride u16 (columns that a row has room
//! for) · 8 sealed until i64 · 16 queued at i64 (time of its entry in the eviction order) · 24 a bit for each column whose
//! labels are known, 30 bytes · 54 chunks sealed since it was last queued for merging u8 · 55 there may be late samples u8 ·
//! 56 dropped until i64 · 64 timestamps, 144 × i64 · 1216 pages of the rows, 68 × u32 · 1488 and 1496
//! first and last time of samples that were late, i64 each, while the tiers do not have them · 1504 page of the full head whose
//! columns are being sealed (see `full`) u32 · 1508 there: how many of them are u16 · 1512 and 1520 first and last time of late
//! samples that the tiers will never have (see `amend`), i64 each with its top bit flipped, zero bits for none. A row is `stride` cells of 8 bytes; rows
//! follow each other over the pages.

use crate::TREE;
use crate::byte_set::ByteSet;
use crate::group::COLUMNS_MAX;
use paged::{PAGE_BYTES, PageNo, Pages, PagesMut, PoolError, ordered, read_u16, read_u32, read_u64, unordered, write};

/// Rows sealed at once.
pub const SEALED_ROWS: usize = 128;
/// Rows of a head: those to be sealed and a window for late ones.
pub const ROWS_MAX: usize = SEALED_ROWS + 16;
/// Bits of a cell without a sample: a signalling NaN that no source sends (a sample with these bits becomes a plain NaN).
pub const ABSENT: u64 = 0x7ff4_a55e_7000_0001;
const NAMED_AT: usize = 24;
const UNMERGED_AT: usize = 54;
const LATE_AT: usize = 55;
const DROPPED_AT: usize = 56;
const TIMES_AT: usize = 64;
const PAGES_AT: usize = TIMES_AT + ROWS_MAX * 8;
/// Pages of the rows of the widest head.
const ROW_PAGES_MAX: usize = (ROWS_MAX * COLUMNS_MAX * CELL_BYTES).div_ceil(PAGE_BYTES);
const LACKING_AT: usize = PAGES_AT + ROW_PAGES_MAX * 4;
const FULL_AT: usize = LACKING_AT + 16;
const SEALED_AT: usize = FULL_AT + 4;
const SKIPPED_AT: usize = SEALED_AT + 4;
const CELL_BYTES: usize = 8;
const STRIDES: [usize; 7] = [4, 8, 16, 32, 64, 120, COLUMNS_MAX];

/// A group's head by its page.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    page: PageNo,
}

impl Head {
    /// Takes a page for an empty head.
    pub fn create(pages: &mut impl PagesMut) -> Result<PageNo, PoolError> {
        let page = pages.allocate(TREE.region())?;
        let head = Self { page };
        head.set_u16(pages, 4, STRIDES[0]);
        head.set_sealed_until(pages, i64::MIN);
        head.set_dropped_until(pages, i64::MIN);
        head.set_lacking(pages, None);
        head.set_queued_at(pages, None);
        Ok(page)
    }

    pub fn at(page: PageNo) -> Self {
        Self { page }
    }

    pub fn rows(self, pages: &impl Pages) -> usize {
        usize::from(read_u16(pages.page(self.page), 0))
    }

    pub fn columns(self, pages: &impl Pages) -> usize {
        usize::from(read_u16(pages.page(self.page), 2))
    }

    pub fn sealed_until(self, pages: &impl Pages) -> i64 {
        read_u64(pages.page(self.page), 8) as i64
    }

    pub fn set_sealed_until(self, pages: &mut impl PagesMut, time: i64) {
        write(pages.page_mut(self.page), 8, &time.to_le_bytes());
    }

    pub fn queued_at(self, pages: &impl Pages) -> Option<i64> {
        let time = read_u64(pages.page(self.page), 16) as i64;
        (time != i64::MIN).then_some(time)
    }

    pub fn set_queued_at(self, pages: &mut impl PagesMut, time: Option<i64>) {
        write(pages.page_mut(self.page), 16, &time.unwrap_or(i64::MIN).to_le_bytes());
    }

    /// Chunks sealed since the group was last queued for merging.
    pub fn unmerged(self, pages: &impl Pages) -> u8 {
        pages.page(self.page)[UNMERGED_AT]
    }

    pub fn set_unmerged(self, pages: &mut impl PagesMut, chunks: u8) {
        pages.page_mut(self.page)[UNMERGED_AT] = chunks;
    }

    /// False: no sample came after its row was sealed and is still to be merged.
    pub fn has_late(self, pages: &impl Pages) -> bool {
        pages.page(self.page)[LATE_AT] != 0
    }

    pub fn set_late(self, pages: &mut impl PagesMut, late: bool) {
        pages.page_mut(self.page)[LATE_AT] = u8::from(late);
    }

    /// Samples up to here were dropped to make room: what comes for them now is not kept.
    pub fn dropped_until(self, pages: &impl Pages) -> i64 {
        read_u64(pages.page(self.page), DROPPED_AT) as i64
    }

    pub fn set_dropped_until(self, pages: &mut impl PagesMut, time: i64) {
        write(pages.page_mut(self.page), DROPPED_AT, &time.to_le_bytes());
    }

    /// First and last time of samples that were late, which the tiers lack.
    pub fn lacking(self, pages: &impl Pages) -> Option<(i64, i64)> {
        let page = pages.page(self.page);
        let [first, last] = [0, 8].map(|at| read_u64(page, LACKING_AT + at) as i64);
        (first <= last).then_some((first, last))
    }

    pub fn set_lacking(self, pages: &mut impl PagesMut, times: Option<(i64, i64)>) {
        let (first, last) = times.unwrap_or((i64::MAX, i64::MIN));
        let page = pages.page_mut(self.page);
        write(page, LACKING_AT, &first.to_le_bytes());
        write(page, LACKING_AT + 8, &last.to_le_bytes());
    }

    /// First and last time of late samples that the tiers will never have.
    pub fn skipped(self, pages: &impl Pages) -> Option<(i64, i64)> {
        let page = pages.page(self.page);
        let [first, last] = [0, 8].map(|at| read_u64(page, SKIPPED_AT + at));
        (last != 0).then_some((unordered(first), unordered(last)))
    }

    pub fn set_skipped(self, pages: &mut impl PagesMut, times: Option<(i64, i64)>) {
        let (first, last) = times.map_or((0, 0), |(first, last)| (ordered(first), ordered(last)));
        let page = pages.page_mut(self.page);
        write(page, SKIPPED_AT, &first.to_le_bytes());
        write(page, SKIPPED_AT + 8, &last.to_le_bytes());
    }

    /// All times of late samples that the tiers do not have.
    pub fn not_in_tiers(self, pages: &impl Pages) -> [Option<(i64, i64)>; 2] {
        [self.lacking(pages), self.skipped(pages)]
    }

    /// The page of the full head whose columns are being sealed.
    pub fn full(self, pages: &impl Pages) -> Option<PageNo> {
        Some(read_u32(pages.page(self.page), FULL_AT)).filter(|page| *page != 0)
    }

    pub fn set_full(self, pages: &mut impl PagesMut, page: Option<PageNo>) {
        write(pages.page_mut(self.page), FULL_AT, &page.unwrap_or_default().to_le_bytes());
    }

    /// Of a full head: columns that are sealed.
    pub fn sealed(self, pages: &impl Pages) -> usize {
        usize::from(read_u16(pages.page(self.page), SEALED_AT))
    }

    pub fn set_sealed(self, pages: &mut impl PagesMut, columns: usize) {
        self.set_u16(pages, SEALED_AT, columns);
    }

    /// The newest time of its rows and of those sealed.
    pub fn newest(self, pages: &impl Pages) -> i64 {
        let times = &pages.page(self.page)[TIMES_AT..TIMES_AT + self.rows(pages) * 8];
        let newest = times.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).max();
        newest.unwrap_or(i64::MIN).max(self.sealed_until(pages))
    }

    pub fn time(self, pages: &impl Pages, row: usize) -> i64 {
        read_u64(pages.page(self.page), TIMES_AT + row * 8) as i64
    }

    /// None in a column that came after its rows were set aside.
    pub fn cell(self, pages: &impl Pages, row: usize, column: usize) -> u64 {
        if column >= self.columns(pages) {
            return ABSENT;
        }
        let (page, at) = self.place(pages, row, column);
        read_u64(pages.page(page), at)
    }

    /// Where the cells of a row begin among those of all rows.
    pub fn row_start(self, pages: &impl Pages, row: usize) -> usize {
        row * self.stride(pages) * CELL_BYTES
    }

    /// Puts samples (f64 bits, little-endian; absent ones are none) into the cells of a row from a column on that have none;
    /// how many, and of how many.
    pub fn put(self, pages: &mut impl PagesMut, row_start: usize, column: usize, samples: &[u8]) -> (usize, usize) {
        let (mut put, mut count) = (0, 0);
        let start = row_start + column * CELL_BYTES;
        self.each_part(pages, start, samples.len(), |pages, page, at, done, bytes| {
            let cells = &mut pages.page_mut(page)[at..at + bytes];
            let (filled, present) = fill_absent(cells, &samples[done..done + bytes]);
            (put, count) = (put + filled, count + present);
        });
        (put, count)
    }

    /// Reads the cells of a row from a column on.
    pub fn read(self, pages: &impl Pages, row: usize, column: usize, cells: &mut [u64]) {
        let mut offset = self.row_start(pages, row) + column * CELL_BYTES;
        let mut rest = cells;
        while !rest.is_empty() {
            let at = offset % PAGE_BYTES;
            let (part, after) = rest.split_at_mut(rest.len().min((PAGE_BYTES - at) / CELL_BYTES));
            let page = &pages.page(self.row_page(pages, offset / PAGE_BYTES))[at..at + part.len() * CELL_BYTES];
            for (cell, bytes) in part.iter_mut().zip(page.as_chunks().0) {
                *cell = u64::from_le_bytes(*bytes);
            }
            offset += part.len() * CELL_BYTES;
            rest = after;
        }
    }

    pub fn is_named(self, pages: &impl Pages, column: usize) -> bool {
        pages.page(self.page)[NAMED_AT + column / 8] & (1 << (column % 8)) != 0
    }

    /// The columns whose labels are known.
    pub fn named(self, pages: &impl Pages) -> ByteSet {
        ByteSet::of_bits(&pages.page(self.page)[NAMED_AT..NAMED_AT + COLUMNS_MAX / 8])
    }

    pub fn set_named(self, pages: &mut impl PagesMut, column: usize) {
        pages.page_mut(self.page)[NAMED_AT + column / 8] |= 1 << (column % 8);
    }

    /// The row with this time, newest looked at first.
    pub fn find(self, pages: &impl Pages, time: i64) -> Option<usize> {
        let times = &pages.page(self.page)[TIMES_AT..TIMES_AT + self.rows(pages) * 8];
        times.as_chunks().0.iter().rposition(|bytes| i64::from_le_bytes(*bytes) == time)
    }

    /// Rows in the order of their times.
    pub fn sorted_rows(self, pages: &impl Pages) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..self.rows(pages)).collect();
        rows.sort_by_key(|row| self.time(pages, *row));
        rows
    }

    /// Appends a row without samples; there must be room for one.
    pub fn append(self, pages: &mut impl PagesMut, time: i64) -> Result<usize, PoolError> {
        let row = self.rows(pages);
        assert!(row < ROWS_MAX, "the head is full");
        let stride = self.stride(pages);
        self.extend(pages, (row + 1) * stride * CELL_BYTES)?;
        write(pages.page_mut(self.page), TIMES_AT + row * 8, &time.to_le_bytes());
        self.each_part(pages, row * stride * CELL_BYTES, stride * CELL_BYTES, |pages, page, at, _, bytes| {
            pages.page_mut(page)[at..at + bytes].as_chunks_mut().0.fill(ABSENT.to_le_bytes());
        });
        self.set_u16(pages, 0, row + 1);
        Ok(row)
    }

    /// Adds a column; there must be fewer than `COLUMNS_MAX`. Returns its number.
    pub fn add_column(self, pages: &mut impl PagesMut) -> Result<usize, PoolError> {
        let column = self.columns(pages);
        let stride = self.stride(pages);
        if column == stride {
            let wider = STRIDES.into_iter().find(|wider| *wider > stride).unwrap_or(COLUMNS_MAX);
            let rows = self.rows(pages);
            pages.require(TREE.region(), (rows * wider * CELL_BYTES).div_ceil(PAGE_BYTES) as u32)?;
            let kept: Vec<(i64, Vec<u8>)> = (0..rows).map(|row| self.row(pages, row)).collect();
            self.clear(pages);
            self.set_u16(pages, 4, wider);
            self.refill(pages, &kept)?;
        }
        self.set_u16(pages, 2, column + 1);
        Ok(column)
    }

    /// Time and cells of a row, as they lie in the pages.
    fn row(self, pages: &impl Pages, row: usize) -> (i64, Vec<u8>) {
        let mut offset = self.row_start(pages, row);
        let end = self.row_start(pages, row + 1);
        let mut cells = Vec::with_capacity(end - offset);
        while offset < end {
            let at = offset % PAGE_BYTES;
            let bytes = (end - offset).min(PAGE_BYTES - at);
            cells.extend_from_slice(&pages.page(self.row_page(pages, offset / PAGE_BYTES))[at..at + bytes]);
            offset += bytes;
        }
        (self.time(pages, row), cells)
    }

    /// Puts rows into an empty head.
    fn refill(self, pages: &mut impl PagesMut, rows: &[(i64, Vec<u8>)]) -> Result<(), PoolError> {
        for (time, cells) in rows {
            let row = self.append(pages, *time)?;
            self.each_part(pages, self.row_start(pages, row), cells.len(), |pages, page, at, done, bytes| {
                pages.page_mut(page)[at..at + bytes].copy_from_slice(&cells[done..done + bytes]);
            });
        }
        Ok(())
    }

    /// Goes on without its oldest rows, which stay in a full head of their own, up to the time `last`.
    pub fn set_aside(self, pages: &mut impl PagesMut, kept: &[usize], last: i64) -> Result<(), PoolError> {
        let kept: Vec<(i64, Vec<u8>)> = kept.iter().map(|row| self.row(pages, *row)).collect();
        let bytes = kept.len() * self.stride(pages) * CELL_BYTES;
        pages.require(TREE.region(), 1 + bytes.div_ceil(PAGE_BYTES) as u32)?;
        let full = pages.allocate_uncleared(TREE.region())?;
        let copy = *pages.page(self.page);
        *pages.page_mut(full) = copy;
        Self::at(full).set_sealed_until(pages, last);
        Self::at(full).set_sealed(pages, 0);
        pages.page_mut(self.page)[PAGES_AT..LACKING_AT].fill(0);
        self.set_u16(pages, 0, 0);
        self.set_sealed_until(pages, last);
        self.set_full(pages, Some(full));
        self.refill(pages, &kept)
    }

    /// Drops all rows and their pages.
    pub fn clear(self, pages: &mut impl PagesMut) {
        let taken = (self.rows(pages) * self.stride(pages) * CELL_BYTES).div_ceil(PAGE_BYTES);
        for i in 0..taken {
            let page = self.row_page(pages, i);
            pages.free(page);
            write(pages.page_mut(self.page), PAGES_AT + i * 4, &0u32.to_le_bytes());
        }
        self.set_u16(pages, 0, 0);
    }

    /// Calls with (pages, page, place in it, bytes before, bytes) for each part of some cells that lies in one page.
    #[inline]
    fn each_part<P: PagesMut>(
        self,
        pages: &mut P,
        start: usize,
        bytes: usize,
        mut part: impl FnMut(&mut P, PageNo, usize, usize, usize),
    ) {
        let mut done = 0;
        while done < bytes {
            let offset = start + done;
            let at = offset % PAGE_BYTES;
            let length = (bytes - done).min(PAGE_BYTES - at);
            let page = self.row_page(pages, offset / PAGE_BYTES);
            part(pages, page, at, done, length);
            done += length;
        }
    }

    fn stride(self, pages: &impl Pages) -> usize {
        usize::from(read_u16(pages.page(self.page), 4))
    }

    fn place(self, pages: &impl Pages, row: usize, column: usize) -> (PageNo, usize) {
        let offset = (row * self.stride(pages) + column) * CELL_BYTES;
        (self.row_page(pages, offset / PAGE_BYTES), offset % PAGE_BYTES)
    }

    /// Pages of the head and its rows, and their bytes in use.
    pub fn extent(self, pages: &impl Pages) -> (u32, usize) {
        let row_pages = (0..ROW_PAGES_MAX).take_while(|i| self.row_page(pages, *i) != 0).count();
        let rows = self.rows(pages);
        let own = TIMES_AT + rows * 8 + row_pages * 4;
        (1 + row_pages as u32, own + rows * self.columns(pages) * CELL_BYTES)
    }

    fn row_page(self, pages: &impl Pages, i: usize) -> PageNo {
        read_u32(pages.page(self.page), PAGES_AT + i * 4)
    }

    /// Takes the pages that `bytes` bytes of rows need.
    fn extend(self, pages: &mut impl PagesMut, bytes: usize) -> Result<(), PoolError> {
        let mut i = bytes.div_ceil(PAGE_BYTES);
        let needed = (0..i).rev().take_while(|n| self.row_page(pages, *n) == 0).count();
        pages.require(TREE.region(), needed as u32)?;
        while i > 0 && self.row_page(pages, i - 1) == 0 {
            let page = pages.allocate(TREE.region())?;
            write(pages.page_mut(self.page), PAGES_AT + (i - 1) * 4, &page.to_le_bytes());
            i -= 1;
        }
        Ok(())
    }

    fn set_u16(self, pages: &mut impl PagesMut, at: usize, value: usize) {
        write(pages.page_mut(self.page), at, &(value as u16).to_le_bytes());
    }
}

/// The bits of a sample, which are never those of a cell without one.
pub fn without_absent(bits: u64) -> u64 {
    if bits == ABSENT { f64::NAN.to_bits() } else { bits }
}

/// Puts samples into the cells that have none; how many, and how many samples there are.
fn fill_absent(cells: &mut [u8], samples: &[u8]) -> (usize, usize) {
    let (mut filled, mut count) = (0, 0);
    for (cell, sample) in cells.as_chunks_mut().0.iter_mut().zip(samples.as_chunks().0) {
        let (absent, present) = (u64::from_le_bytes(*cell) == ABSENT, u64::from_le_bytes(*sample) != ABSENT);
        filled += usize::from(absent & present);
        count += usize::from(present);
        *cell = if absent { *sample } else { *cell };
    }
    (filled, count)
}
