//! A head that was full: its rows are changed no more. They are read here until all columns are sealed, so that nobody sees how
//! far that has come. Its page is that of a head; the rows that the running head took with it lie behind those that count.

use crate::group::Group;
use crate::head::{ABSENT, Head};
use paged::{PageNo, Pages, PagesMut};
use std::ops::Range;

/// A full head by its page.
#[derive(Clone, Copy, Debug)]
pub struct Full {
    page: PageNo,
}

/// All rows of a group that are not sealed: their times, ascending, and where they are.
pub fn rows(pages: &impl Pages, head: Head) -> Vec<(i64, Head, usize)> {
    let full = Full::beside(pages, head);
    let set_aside =
        full.into_iter().flat_map(|full| full.rows(pages).into_iter().map(move |(time, row)| (time, full.head(), row)));
    let running = head.sorted_rows(pages).into_iter().map(|row| (head.time(pages, row), head, row));
    set_aside.chain(running).collect()
}

impl Full {
    /// That of a group whose sealing is under way.
    pub fn of(pages: &impl Pages, group: &Group) -> Option<Self> {
        Self::beside(pages, Head::at(group.head))
    }

    /// That of a running head.
    pub fn beside(pages: &impl Pages, head: Head) -> Option<Self> {
        head.full(pages).map(|page| Self { page })
    }

    pub fn head(self) -> Head {
        Head::at(self.page)
    }

    /// The last time of its rows.
    pub fn last(self, pages: &impl Pages) -> i64 {
        self.head().sealed_until(pages)
    }

    pub fn columns(self, pages: &impl Pages) -> usize {
        self.head().columns(pages)
    }

    /// Times of its rows, ascending, and where they are in it.
    pub fn rows(self, pages: &impl Pages) -> Vec<(i64, usize)> {
        let (head, last) = (self.head(), self.last(pages));
        let rows = head.sorted_rows(pages).into_iter().map(|row| (head.time(pages, row), row));
        rows.take_while(|(time, _)| *time <= last).collect()
    }

    /// The cells of some columns, each in the order of time.
    pub fn cells(self, pages: &impl Pages, columns: Range<usize>) -> Vec<Vec<u64>> {
        let rows = self.rows(pages);
        let mut found = vec![Vec::with_capacity(rows.len()); columns.len()];
        let mut cells = vec![ABSENT; columns.len()];
        for (_, row) in rows {
            self.head().read(pages, row, columns.start, &mut cells);
            found.iter_mut().zip(&cells).for_each(|(column, bits)| column.push(*bits));
        }
        found
    }

    /// True when a column has a sample of this time.
    pub fn has(self, pages: &impl Pages, column: u16, time: i64) -> bool {
        let column = usize::from(column);
        let row = self.head().find(pages, time).filter(|_| time <= self.last(pages) && column < self.columns(pages));
        row.is_some_and(|row| self.head().cell(pages, row, column) != ABSENT)
    }

    /// Gives its pages back.
    pub fn free(self, pages: &mut impl PagesMut) {
        self.head().clear(pages);
        pages.free(self.page);
    }
}
