use crate::chunk::{requeue, seal};
use crate::group::{self, COLUMNS_MAX, Group, Series, Target, load, save};
use crate::head::{ABSENT, Head, ROWS_MAX};
use crate::{SeriesError, TREE, keys};
use codec::{Announced, Block, SeriesId};
use paged::PagesMut;
use serde::Serialize;

/// What a batch did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// Samples kept.
    pub applied: u64,
    /// Samples at a place that has one already; the first holds.
    pub duplicates: u64,
    /// Samples older than the window for late ones.
    pub out_of_order: u64,
    /// Series of the batch whose labels are not known.
    pub unannounced: u64,
    /// Series seen for the first time.
    #[serde(skip)]
    pub created: u32,
    /// The service that the target belonged to before, with the series that moved.
    #[serde(skip)]
    pub moved: Option<(String, u32)>,
    /// Largest and smallest timestamp of the batch.
    #[serde(skip)]
    pub times: (i64, i64),
}

/// Pages that applying a block can need.
pub fn pages_for_block(block: &Block<'_>) -> u32 {
    let groups = block.series() / COLUMNS_MAX + 2;
    (160 + block.series() * 2 + groups * 70 + block.count() * 16 / paged::PAGE_BYTES) as u32
}

/// The groups of a target while a batch is applied.
struct Writer {
    target: Target,
    groups: Vec<(u32, Group)>,
    /// Row of the block and row of the head last written, for each group.
    rows: Vec<Option<(usize, Option<usize>)>>,
    /// Place of each column of the block: group (position in `groups`) and column.
    places: Vec<(usize, usize)>,
}

/// Applies one batch of a target. A series that was never announced is kept by its id.
pub fn apply_metrics(
    pages: &mut impl PagesMut,
    target: &str,
    service: &str,
    announced: &[Announced<'_>],
    block: &Block<'_>,
) -> Result<Applied, SeriesError> {
    let mut done = Applied { times: (block.time(0), block.time(block.rows() - 1)), ..Applied::default() };
    let mut writer = Writer::open(pages, target, service, &mut done)?;
    writer.place_all(pages, target, block, &mut done)?;
    for one in announced {
        name(pages, one)?;
    }
    done.unannounced = writer.count_unannounced(pages, block, announced);
    let mut refused = None;
    block.each(|row, column, value| {
        if refused.is_none() {
            refused = writer.put(pages, block.time(row), row, column, value, &mut done).err();
        }
    });
    match refused {
        Some(error) => Err(error),
        None => Ok(done),
    }
}

impl Writer {
    fn open(pages: &mut impl PagesMut, target: &str, service: &str, done: &mut Applied) -> Result<Self, SeriesError> {
        let key = keys::target(target);
        let known: Option<Target> = load(pages, &key);
        let mut entry = known.unwrap_or_else(|| Target { service: service.to_owned(), groups: Vec::new() });
        let groups: Vec<(u32, Group)> =
            entry.groups.iter().filter_map(|number| Some((*number, load(pages, &keys::group(*number))?))).collect();
        if entry.service != service {
            let moved = move_series(pages, &groups, &entry.service, service)?;
            done.moved = Some((std::mem::replace(&mut entry.service, service.to_owned()), moved));
            save(pages, &key, &entry)?;
        }
        let rows = vec![None; groups.len()];
        Ok(Self { target: entry, groups, rows, places: Vec::new() })
    }

    /// Finds or makes the place of every column. A target sends its series in the same order again and again: the next
    /// place is tried before the index.
    fn place_all(
        &mut self,
        pages: &mut impl PagesMut,
        target: &str,
        block: &Block<'_>,
        done: &mut Applied,
    ) -> Result<(), SeriesError> {
        let mut next = (0, 0);
        for column in 0..block.series() {
            let id = block.id(column);
            let place = match self.expected(pages, next, id) {
                Some(place) => place,
                None => self.look_up(pages, target, id, done)?,
            };
            next = (place.0, place.1 + 1);
            self.places.push(place);
        }
        Ok(())
    }

    fn expected(&self, pages: &impl PagesMut, next: (usize, usize), id: SeriesId) -> Option<(usize, usize)> {
        let columns = |at: usize| Some(Head::at(self.groups.get(at)?.1.head).columns(pages));
        let (at, column) = if next.1 < columns(next.0)? { next } else { (next.0 + 1, 0) };
        let inside = column < columns(at)?;
        (inside && group::id_of(pages, self.groups[at].1.ids, column) == id).then_some((at, column))
    }

    fn look_up(
        &mut self,
        pages: &mut impl PagesMut,
        target: &str,
        id: SeriesId,
        done: &mut Applied,
    ) -> Result<(usize, usize), SeriesError> {
        if let Some(known) = load::<Series>(pages, &keys::series(id)) {
            let at = self.groups.iter().position(|(number, _)| *number == known.group);
            return at.map(|at| (at, usize::from(known.column))).ok_or_else(|| SeriesError::ArgumentInvalid {
                field: "target",
                reason: format!("series {id:032x} belongs to another target"),
            });
        }
        let at = self.group_with_room(pages, target)?;
        let (number, group) = &self.groups[at];
        pages.require(TREE.region(), 120)?;
        let column = Head::at(group.head).add_column(pages)?;
        group::set_id(pages, group.ids, column, id);
        save(pages, &keys::series(id), &Series { group: *number, column: column as u16, labels: None })?;
        TREE.insert(pages, &keys::by_service(&self.target.service, id), &[])?;
        done.created += 1;
        Ok((at, column))
    }

    fn group_with_room(&mut self, pages: &mut impl PagesMut, target: &str) -> Result<usize, SeriesError> {
        let last = self.groups.len().checked_sub(1);
        if let Some(last) = last
            && Head::at(self.groups[last].1.head).columns(pages) < COLUMNS_MAX
        {
            return Ok(last);
        }
        let (number, group) = group::create(pages, target)?;
        self.target.groups.push(number);
        save(pages, &keys::target(target), &self.target)?;
        self.groups.push((number, group));
        self.rows.push(None);
        Ok(self.groups.len() - 1)
    }

    fn put(
        &mut self,
        pages: &mut impl PagesMut,
        time: i64,
        row: usize,
        column: usize,
        value: f64,
        done: &mut Applied,
    ) -> Result<(), SeriesError> {
        let (at, column) = self.places[column];
        let to = match self.rows[at] {
            Some((last, to)) if last == row => to,
            _ => {
                let to = self.row_for(pages, at, time)?;
                self.rows[at] = Some((row, to));
                to
            }
        };
        let Some(to) = to else {
            done.out_of_order += 1;
            return Ok(());
        };
        let head = Head::at(self.groups[at].1.head);
        if head.cell(pages, to, column) != ABSENT {
            done.duplicates += 1;
            return Ok(());
        }
        let bits = value.to_bits();
        head.set_cell(pages, to, column, if bits == ABSENT { f64::NAN.to_bits() } else { bits });
        done.applied += 1;
        Ok(())
    }

    /// The head's row for a time; none when that time is sealed.
    fn row_for(&self, pages: &mut impl PagesMut, at: usize, time: i64) -> Result<Option<usize>, SeriesError> {
        let (number, group) = &self.groups[at];
        let head = Head::at(group.head);
        if let Some(row) = head.find(pages, time) {
            return Ok(Some(row));
        }
        if time > head.sealed_until(pages) && head.rows(pages) == ROWS_MAX {
            seal(pages, *number, group)?;
        }
        if time <= head.sealed_until(pages) {
            return Ok(None);
        }
        let row = head.append(pages, time)?;
        requeue(pages, *number, group)?;
        Ok(Some(row))
    }

    fn count_unannounced(&self, pages: &impl PagesMut, block: &Block<'_>, announced: &[Announced<'_>]) -> u64 {
        if announced.len() >= block.series() {
            return 0;
        }
        let unnamed = |column: &usize| {
            load::<Series>(pages, &keys::series(block.id(*column))).is_some_and(|series| series.labels.is_none())
        };
        (0..block.series()).filter(unnamed).count() as u64
    }
}

/// Keeps the labels of a series that has a place; others are named when their samples come.
fn name(pages: &mut impl PagesMut, one: &Announced<'_>) -> Result<(), SeriesError> {
    let key = keys::series(one.id);
    let Some(mut series) = load::<Series>(pages, &key) else { return Ok(()) };
    if series.labels.is_none() {
        let labels = one.labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        series.labels = Some(labels.collect());
        save(pages, &key, &series)?;
    }
    Ok(())
}

/// Lists a target's series under another service; how many they are.
fn move_series(pages: &mut impl PagesMut, groups: &[(u32, Group)], from: &str, to: &str) -> Result<u32, SeriesError> {
    let mut moved = 0;
    for (_, group) in groups {
        for column in 0..Head::at(group.head).columns(pages) {
            let id = group::id_of(pages, group.ids, column);
            TREE.insert(pages, &keys::by_service(to, id), &[])?;
            TREE.remove(pages, &keys::by_service(from, id));
            moved += 1;
        }
    }
    Ok(moved)
}
