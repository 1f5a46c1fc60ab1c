use crate::times::GroupTimes;
use crate::values::Values;
use crate::{TREE, keys};
use paged::{Pages, unordered};

/// True when a column has a sample of this time in its sealed chunks.
pub fn has_sealed<'a>(pages: &'a impl Pages, group: u32, column: u16, time: i64, times: &mut GroupTimes<'a>) -> bool {
    let found = TREE.seek(pages, &keys::chunk(group, column, time)).next(pages);
    let Some((key, value)) = found else { return false };
    let Some((_, _, last)) = keys::split_chunk(key).filter(|(of, number, _)| (*of, *number) == (group, column)) else {
        return false;
    };
    let row = times.with_last(pages, last, column).and_then(|times| times.all().binary_search(&time).ok());
    row.is_some_and(|row| Values::of(&value).has(row))
}

/// Calls with (time, bits) of each sample of a column in its sealed chunks, in the order of time.
pub fn each_sealed<'a>(
    pages: &'a impl Pages,
    group: u32,
    column: u16,
    times: &mut GroupTimes<'a>,
    mut sample: impl FnMut(i64, u64),
) {
    let prefix = keys::column_chunks(group, column);
    let mut cursor = TREE.seek(pages, &prefix);
    while let Some((key, value)) = cursor.next(pages) {
        let Some(last) = key.strip_prefix(prefix.as_slice()).and_then(|last| last.first_chunk()) else { return };
        let last = unordered(u64::from_be_bytes(*last));
        let Some(times) = times.with_last(pages, last, column) else { continue };
        let times = times.all();
        Values::of(&value).each(|row, bits| {
            sample(times[row], bits);
            true
        });
    }
}
