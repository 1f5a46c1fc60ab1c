//! Where the series of a batch lie: columns of the groups of its target.

use crate::group::{self, COLUMNS_MAX, Group, Series, Target, load, save};
use crate::head::Head;
use crate::index::{IDS_MAX, Index};
use crate::{SeriesError, TREE, group_set, keys};
use codec::SeriesId;
use paged::{Pages, PagesMut};

const ID_BYTES: usize = 16;
/// Ids that did not come in the order of the group before none is expected to, until one does.
const UNEXPECTED_MAX: u32 = 8;
/// A look-up in the tree costs as much as this many ids of an index.
const INDEXED_PER_LOOK_UP: usize = 32;
/// Look-ups before an index is thought of.
const LOOKED_UP_MIN: usize = 4;

/// In the place of a group: a series that no target has.
const NEW: usize = usize::MAX;

/// Columns of a block that are neighbours in a group too.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Position of the group among those of the target.
    pub group: usize,
    /// First column there.
    pub column: usize,
    /// First column of the block.
    pub from: usize,
    /// How many.
    pub columns: usize,
}

/// The groups of a target.
pub struct Places {
    target: Target,
    pub groups: Vec<(u32, Group)>,
    /// Columns of each group.
    columns: Vec<usize>,
    /// Series seen for the first time.
    pub created: u32,
    /// Positions (group × `COLUMNS_MAX` + column) of all series of the target, once it pays.
    index: Option<Index>,
    looked_up: usize,
    /// Ids of the batch.
    ids: usize,
}

/// A service that a target left, and how many series moved.
type Moved = Option<(String, u32)>;

impl Places {
    pub fn open(pages: &impl Pages, target: &str, service: &str) -> Self {
        let known: Option<Target> = load(pages, &keys::target(target));
        let entry = known.unwrap_or_else(|| Target { service: service.to_owned(), groups: Vec::new() });
        let groups: Vec<(u32, Group)> =
            entry.groups.iter().filter_map(|number| Some((*number, load(pages, &keys::group(*number))?))).collect();
        let columns = groups.iter().map(|(_, group)| Head::at(group.head).columns(pages)).collect();
        Self { target: entry, groups, columns, created: 0, index: None, looked_up: 0, ids: 0 }
    }

    /// Lists the target under this service.
    pub fn move_to(&mut self, pages: &mut impl PagesMut, target: &str, service: &str) -> Result<Moved, SeriesError> {
        if self.target.service == service {
            return Ok(None);
        }
        let series = move_series(pages, &self.groups, &self.target.service, service)?;
        let former = std::mem::replace(&mut self.target.service, service.to_owned());
        save(pages, &keys::target(target), &self.target)?;
        Ok(Some((former, series)))
    }

    /// The places of the ids, as far as there are some (see `make_all`); an error when one belongs to another target. A target sends
    /// its series in the same order again and again: what follows in the group is compared before an index is asked.
    pub fn find_all(&mut self, pages: &impl Pages, ids: &[u8]) -> Result<Vec<Run>, SeriesError> {
        self.ids = ids.len() / ID_BYTES;
        let mut runs: Vec<Run> = Vec::new();
        let (mut next, mut from, mut unexpected) = ((0, 0), 0, 0);
        while from < self.ids {
            let rest = &ids[from * ID_BYTES..];
            let expected = if unexpected < UNEXPECTED_MAX { self.expected(pages, next, rest) } else { None };
            unexpected = if expected.is_some() { 0 } else { unexpected + 1 };
            let (group, column, columns) = match expected {
                Some(expected) => expected,
                None => match self.find(pages, id_at(ids, from), from)? {
                    Some((group, column)) => {
                        unexpected = if self.follows(next, (group, column)) { 0 } else { unexpected };
                        (group, column, 1)
                    }
                    None => {
                        runs.push(Run { group: NEW, column: 0, from, columns: 1 });
                        from += 1;
                        continue;
                    }
                },
            };
            next = (group, column + columns);
            append(&mut runs, Run { group, column, from, columns });
            from += columns;
        }
        Ok(runs)
    }

    /// What `find_all` found, with the places of new ids made.
    pub fn make_all(
        &mut self,
        pages: &mut impl PagesMut,
        target: &str,
        ids: &[u8],
        found: Vec<Run>,
    ) -> Result<Vec<Run>, SeriesError> {
        if found.iter().all(|run| run.group != NEW) {
            return Ok(found);
        }
        let mut runs: Vec<Run> = Vec::new();
        for run in found {
            let made = match run.group {
                NEW => {
                    let id = id_at(ids, run.from);
                    // The batch may have it twice.
                    let (group, column) = match self.place_of(pages, id)? {
                        Some(place) => place,
                        None => self.add(pages, target, id)?,
                    };
                    Run { group, column, ..run }
                }
                _ => run,
            };
            append(&mut runs, made);
        }
        Ok(runs)
    }

    /// True when a place is the next one of a group, or the first of the group after.
    #[inline]
    fn follows(&self, next: (usize, usize), place: (usize, usize)) -> bool {
        place == next || (place == (next.0 + 1, 0) && self.columns.get(next.0) == Some(&next.1))
    }

    /// Group, column and number of the ids that come next in a group as they do in the block; none when not one does.
    fn expected(&self, pages: &impl Pages, next: (usize, usize), ids: &[u8]) -> Option<(usize, usize, usize)> {
        let (at, column) = if next.1 < *self.columns.get(next.0)? { next } else { (next.0 + 1, 0) };
        let columns = *self.columns.get(at)?;
        let own = &group::id_bytes(pages, self.groups[at].1.ids, columns)[column * ID_BYTES..];
        if own.first_chunk::<ID_BYTES>() != ids.first_chunk() {
            return None;
        }
        let shared = own.len().min(ids.len());
        let equal = if own[..shared] == ids[..shared] {
            shared / ID_BYTES
        } else {
            own.chunks_exact(ID_BYTES).zip(ids.chunks_exact(ID_BYTES)).take_while(|(own, id)| own == id).count()
        };
        (equal > 0).then_some((at, column, equal))
    }

    fn find(&mut self, pages: &impl Pages, id: SeriesId, from: usize) -> Result<Option<(usize, usize)>, SeriesError> {
        match self.indexed(pages, id, from) {
            None => self.place_of(pages, id),
            place => Ok(place),
        }
    }

    fn place_of(&self, pages: &impl Pages, id: SeriesId) -> Result<Option<(usize, usize)>, SeriesError> {
        let Some((group, column)) = group::place_of(pages, id) else { return Ok(None) };
        if let Some(at) = self.groups.iter().position(|(number, _)| *number == group) {
            return Ok(Some((at, usize::from(column))));
        }
        // Else it is being forgotten.
        if TREE.contains(pages, &keys::group(group)) {
            let reason = format!("series {id:032x} belongs to another target");
            return Err(SeriesError::ArgumentInvalid { field: "target", reason });
        }
        Ok(None)
    }

    fn add(&mut self, pages: &mut impl PagesMut, target: &str, id: SeriesId) -> Result<(usize, usize), SeriesError> {
        let at = self.group_with_room(pages, target)?;
        let (number, group) = &self.groups[at];
        pages.require(TREE.region(), 120)?;
        let column = Head::at(group.head).add_column(pages)?;
        self.columns[at] = column + 1;
        group::set_id(pages, group.ids, column, id);
        save(pages, &keys::series(id), &Series { group: *number, column: column as u16 })?;
        self.created += 1;
        Ok((at, column))
    }

    /// The place of an id, the one at `from` of the batch, in the index. It is made once it pays, when as many of the rest
    /// will have to be looked up as of those before.
    fn indexed(&mut self, pages: &impl Pages, id: SeriesId, from: usize) -> Option<(usize, usize)> {
        if self.index.is_none() {
            self.looked_up += 1;
            if self.looked_up < LOOKED_UP_MIN {
                return None;
            }
            let series: usize = self.columns.iter().sum();
            let to_look_up = (self.ids - from) * self.looked_up / (from + 1);
            if to_look_up * INDEXED_PER_LOOK_UP < series || self.groups.len() * COLUMNS_MAX >= IDS_MAX {
                return None;
            }
            self.index = Some(self.index_of(pages, series));
        }
        let is = |position: usize| {
            let (_, group) = &self.groups[position / COLUMNS_MAX];
            group::id_of(pages, group.ids, position % COLUMNS_MAX) == id
        };
        let position = self.index.as_ref()?.find(id, is)?;
        Some((position / COLUMNS_MAX, position % COLUMNS_MAX))
    }

    fn index_of(&self, pages: &impl Pages, series: usize) -> Index {
        let mut index = Index::for_ids(series);
        for (at, (_, group)) in self.groups.iter().enumerate() {
            let ids = group::id_bytes(pages, group.ids, self.columns[at]);
            for (column, id) in ids.as_chunks().0.iter().enumerate() {
                index.insert(SeriesId::from_le_bytes(*id), at * COLUMNS_MAX + column);
            }
        }
        index
    }

    fn group_with_room(&mut self, pages: &mut impl PagesMut, target: &str) -> Result<usize, SeriesError> {
        let last = self.groups.len().checked_sub(1);
        if let Some(last) = last
            && self.columns[last] < COLUMNS_MAX
        {
            return Ok(last);
        }
        let (number, group) = group::create(pages, target)?;
        self.target.groups.push(number);
        save(pages, &keys::target(target), &self.target)?;
        group_set::add(pages, &keys::by_service_prefix(&self.target.service), number)?;
        self.groups.push((number, group));
        self.columns.push(0);
        Ok(self.groups.len() - 1)
    }
}

/// Adds a run, to the one before where it goes on there.
#[inline]
fn append(runs: &mut Vec<Run>, next: Run) {
    match runs.last_mut() {
        Some(run) if run.group != NEW && (run.group, run.column + run.columns) == (next.group, next.column) => {
            run.columns += next.columns;
        }
        _ => runs.push(next),
    }
}

#[inline]
fn id_at(ids: &[u8], at: usize) -> SeriesId {
    let mut id = [0; ID_BYTES];
    id.copy_from_slice(&ids[at * ID_BYTES..][..ID_BYTES]);
    SeriesId::from_le_bytes(id)
}

/// Lists a target's groups under another service; how many series they have.
fn move_series(pages: &mut impl PagesMut, groups: &[(u32, Group)], from: &str, to: &str) -> Result<u32, SeriesError> {
    let mut moved = 0;
    for (number, group) in groups {
        group_set::add(pages, &keys::by_service_prefix(to), *number)?;
        group_set::remove(pages, &keys::by_service_prefix(from), *number);
        moved += Head::at(group.head).columns(pages) as u32;
    }
    Ok(moved)
}
