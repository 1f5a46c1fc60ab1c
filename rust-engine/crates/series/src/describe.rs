use crate::group::{self, Group, Target, load};
use crate::head::{ABSENT, Head};
use crate::labels::{self, Labels};
use crate::times::GroupTimes;
use crate::{TREE, full, keys, late, samples};
use codec::SeriesId;
use paged::Pages;

/// What a described item is: its first byte.
const SERIES: u8 = b'S';
const SAMPLE: u8 = b'V';

/// True for a key of this crate in the tree that others use too. `describe` says what such entries mean.
pub fn is_own(key: &[u8]) -> bool {
    keys::is_own(key)
}

/// Calls with the bytes of each series and of each sample. What is said, but for its order, does not depend on where the
/// samples lie: in a head, in chunks of any length, or waiting to be merged.
pub fn describe(pages: &impl Pages, mut item: impl FnMut(&[u8])) {
    let mut cursor = TREE.seek(pages, &[keys::GROUP]);
    while let Some((key, value)) = cursor.next(pages) {
        let Some(number) = key.strip_prefix(&[keys::GROUP]).and_then(|number| number.first_chunk()) else { return };
        let group: Group = group::decode(&value);
        let service =
            load::<Target>(pages, &keys::target(&group.target)).map_or(String::new(), |target| target.service);
        describe_group(pages, u32::from_be_bytes(*number), &group, &service, &mut item);
    }
}

fn describe_group(pages: &impl Pages, number: u32, group: &Group, service: &str, item: &mut impl FnMut(&[u8])) {
    let head = Head::at(group.head);
    let mut announced = labels::of_columns(pages, number, head.named(pages)).into_iter().peekable();
    let mut times = GroupTimes::since(pages, number, i64::MIN);
    let late = late::samples(pages, number, i64::MIN, i64::MAX);
    let rows = full::rows(pages, head);
    for column in 0..head.columns(pages) {
        let id = group::id_of(pages, group.ids, column);
        let labels = announced.next_if(|(named, _)| usize::from(*named) == column).map(|(_, labels)| labels);
        describe_series(id, &group.target, service, labels.as_ref(), item);
        let mut sample = [SAMPLE; 33];
        sample[1..17].copy_from_slice(&id.to_le_bytes());
        let mut each = |time: i64, bits: u64| {
            sample[17..25].copy_from_slice(&time.to_le_bytes());
            sample[25..].copy_from_slice(&bits.to_le_bytes());
            item(&sample);
        };
        samples::each_sealed(pages, number, column as u16, &mut times, &mut each);
        late.iter().filter(|(_, of, _)| usize::from(*of) == column).for_each(|(time, _, bits)| each(*time, *bits));
        for (time, head, row) in &rows {
            let bits = head.cell(pages, *row, column);
            if bits != ABSENT {
                each(*time, bits);
            }
        }
    }
}

fn describe_series(id: SeriesId, target: &str, service: &str, labels: Option<&Labels>, item: &mut impl FnMut(&[u8])) {
    let mut bytes = vec![SERIES];
    bytes.extend_from_slice(&id.to_le_bytes());
    let names = labels.into_iter().flatten().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    for text in [target, service].into_iter().chain(names) {
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    // Not announced is not the same as announced without a label.
    bytes.push(u8::from(labels.is_some()));
    item(&bytes);
}
