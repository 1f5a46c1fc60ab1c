use crate::byte_set::ByteSet;
use crate::group::{self, Group, Target, load};
use crate::group_set::GroupSet;
use crate::head::Head;
use crate::labels;
use crate::matching::{Condition, Matcher};
use crate::symbols::{self, NAMES, Symbol};
use crate::{SeriesError, TREE, keys};
use codec::SeriesId;
use paged::{PageNo, Pages};
use serde::Serialize;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// Matchers of one query.
const MATCHERS_MAX: usize = 32;
/// Groups looked at for one query: some 20 ms.
const GROUPS_MAX: usize = 20_000;
/// Values of labels tried for one query: some 20 ms.
const TRIED_MAX: usize = 100_000;

/// A series; the shape of `SeriesInfo` in records.ts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeriesInfo {
    /// Hash of the labels in hex.
    pub id: String,
    /// Its target.
    pub target: String,
    /// Its service.
    pub service: String,
    /// Empty until announced.
    pub labels: BTreeMap<String, String>,
}

/// What was found; the shape of `Found` in records.ts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found<T> {
    /// In order.
    pub items: Vec<T>,
    /// There are more, or not all could be looked at.
    pub truncated: bool,
}

/// Series of a service (none = of all) that fit all matchers: those with the smallest ids, at most `limit`, in the order of
/// their ids, from the one after `after` on. A series whose labels are not known yet fits only where nothing is asked of labels.
pub fn series(
    pages: &impl Pages,
    service: Option<&str>,
    matchers: &[Matcher],
    limit: usize,
    after: Option<SeriesId>,
) -> Result<Found<SeriesInfo>, SeriesError> {
    if matchers.len() > MATCHERS_MAX {
        let reason = format!("{}, at most {MATCHERS_MAX}", matchers.len());
        return Err(SeriesError::ArgumentInvalid { field: "matchers", reason });
    }
    let conditions: Vec<Condition> = matchers
        .iter()
        .enumerate()
        .map(|(number, matcher)| Condition::of(matcher, number))
        .collect::<Result<_, _>>()?;
    let mut first = Smallest { after, limit, heap: BinaryHeap::new() };
    let mut truncated = false;
    if service.is_none() && conditions.is_empty() {
        first.fill_in_order(pages);
    } else if let Some(mut query) = Query::prepare(pages, conditions)? {
        let groups = query.candidates(pages, service)?;
        truncated = groups.len() > GROUPS_MAX;
        for number in groups.iter().take(GROUPS_MAX) {
            let Some(group) = load::<Group>(pages, &keys::group(number)) else { continue };
            for column in query.fitting(pages, number, Head::at(group.head))?.iter() {
                first.offer((group::id_of(pages, group.ids, usize::from(column)), number, column));
            }
        }
    }
    let (places, more) = first.sorted();
    Ok(Found { items: infos(pages, &places), truncated: truncated || more })
}

/// The values that series of a service have for a label, in order, at most `limit`.
pub fn label_values(pages: &impl Pages, service: &str, name: &str, limit: usize) -> Found<String> {
    let Some(name) = symbols::find(pages, NAMES, name) else { return Found { items: Vec::new(), truncated: false } };
    let groups = GroupSet::read(pages, &keys::by_service_prefix(service));
    let mut values: Vec<Symbol> = Vec::new();
    for number in groups.iter().take(GROUPS_MAX) {
        if let Some(bytes) = TREE.get(pages, &keys::labels(number, name)) {
            values.extend(labels::values_of(&bytes).map(|(value, _)| value));
        }
    }
    values.sort_unstable();
    values.dedup();
    let cut = groups.len() > GROUPS_MAX || values.len() > TRIED_MAX;
    let mut items: Vec<String> = values.iter().take(TRIED_MAX).map(|value| symbols::text(pages, *value)).collect();
    items.sort_unstable();
    let truncated = cut || items.len() > limit;
    items.truncate(limit);
    Found { items, truncated }
}

/// A condition whose label some series has.
struct Asked {
    condition: Condition,
    name: Symbol,
    /// Whether a value is chosen, as far as it is known.
    verdicts: HashMap<Symbol, bool, foldhash::fast::RandomState>,
    /// The verdicts are all that are chosen.
    whole: bool,
}

/// A query while it runs.
struct Query {
    /// Something is asked of labels, though maybe of such as no series has.
    asks_labels: bool,
    asked: Vec<Asked>,
    tried: usize,
}

impl Query {
    /// None when no series can fit.
    fn prepare(pages: &impl Pages, conditions: Vec<Condition>) -> Result<Option<Self>, SeriesError> {
        let asks_labels = !conditions.is_empty();
        let mut asked = Vec::with_capacity(conditions.len());
        for condition in conditions {
            let Some(name) = symbols::find(pages, NAMES, &condition.name) else {
                if condition.wants_chosen {
                    return Ok(None);
                }
                continue;
            };
            let listed = condition.listed().map(|values| {
                let known = values.iter().filter_map(|value| symbols::find(pages, name, value));
                known.map(|value| (value, true)).collect()
            });
            let (whole, verdicts) = (listed.is_some(), listed.unwrap_or_default());
            asked.push(Asked { condition, name, verdicts, whole });
        }
        Ok(Some(Self { asks_labels, asked, tried: 0 }))
    }

    /// The groups in which series can fit. Puts the conditions in the order in which they are asked: the one that the fewest
    /// groups fulfil first.
    fn candidates(&mut self, pages: &impl Pages, service: Option<&str>) -> Result<GroupSet, SeriesError> {
        let mut groups = service.map(|service| GroupSet::read(pages, &keys::by_service_prefix(service)));
        let narrow = |groups: &mut Option<GroupSet>, by: &GroupSet| match groups {
            Some(groups) => groups.and(by),
            None => *groups = Some(by.clone()),
        };
        let mut sizes: Vec<(usize, Asked)> = Vec::with_capacity(self.asked.len());
        for asked in std::mem::take(&mut self.asked) {
            if asked.whole && asked.condition.wants_chosen {
                let by = asked.groups(pages);
                narrow(&mut groups, &by);
                sizes.push((by.len(), asked));
            } else {
                sizes.push((usize::MAX, asked));
            }
        }
        // Where nothing else narrows them, all values of a label are tried.
        for (size, asked) in &mut sizes {
            if groups.is_none() && asked.condition.wants_chosen {
                asked.try_all(pages, &mut self.tried)?;
                let by = asked.groups(pages);
                *size = by.len();
                groups = Some(by);
            }
        }
        sizes.sort_by_key(|(size, _)| *size);
        self.asked = sizes.into_iter().map(|(_, asked)| asked).collect();
        Ok(groups.unwrap_or_else(|| all_groups(pages)))
    }

    /// The columns of a group that fit.
    fn fitting(&mut self, pages: &impl Pages, number: u32, head: Head) -> Result<ByteSet, SeriesError> {
        if !self.asks_labels {
            return Ok(ByteSet::below(head.columns(pages)));
        }
        let mut fitting = head.named(pages);
        for asked in &mut self.asked {
            if fitting.is_empty() {
                break;
            }
            let mut chosen = ByteSet::default();
            if let Some(bytes) = TREE.get(pages, &keys::labels(number, asked.name)) {
                for (value, columns) in labels::values_of(&bytes) {
                    if !columns.and(fitting).is_empty() && asked.chooses(pages, value, &mut self.tried)? {
                        chosen = chosen.or(columns);
                    }
                }
            }
            fitting = if asked.condition.wants_chosen { fitting.and(chosen) } else { fitting.and_not(chosen) };
        }
        Ok(fitting)
    }
}

impl Asked {
    /// The groups that have a chosen value; all of them must be known.
    fn groups(&self, pages: &impl Pages) -> GroupSet {
        let mut groups = GroupSet::default();
        for (value, _) in self.verdicts.iter().filter(|(_, chosen)| **chosen) {
            groups.add_all(pages, &keys::posting(*value));
        }
        groups
    }

    fn try_all(&mut self, pages: &impl Pages, tried: &mut usize) -> Result<(), SeriesError> {
        let (condition, verdicts) = (&self.condition, &mut self.verdicts);
        symbols::each_value(pages, self.name, condition.beginning(), |value, text| {
            *tried += 1;
            if condition.chooses(text) {
                verdicts.insert(value, true);
            }
            *tried <= TRIED_MAX
        });
        self.whole = true;
        self.check(*tried)
    }

    fn chooses(&mut self, pages: &impl Pages, value: Symbol, tried: &mut usize) -> Result<bool, SeriesError> {
        if let Some(known) = self.verdicts.get(&value) {
            return Ok(*known);
        }
        if self.whole {
            return Ok(false);
        }
        *tried += 1;
        self.check(*tried)?;
        let chosen = symbols::with_text(pages, value, |_, text| self.condition.chooses(text)).unwrap_or_default();
        self.verdicts.insert(value, chosen);
        Ok(chosen)
    }

    fn check(&self, tried: usize) -> Result<(), SeriesError> {
        if tried <= TRIED_MAX {
            return Ok(());
        }
        let name = &self.condition.name;
        let reason = format!("more than {TRIED_MAX} values of {name} would have to be tried; add a matcher with =");
        Err(SeriesError::ArgumentInvalid { field: "matchers", reason })
    }
}

fn all_groups(pages: &impl Pages) -> GroupSet {
    let mut groups = GroupSet::default();
    let mut cursor = TREE.seek(pages, &[keys::GROUP]);
    while let Some((key, _)) = cursor.next(pages) {
        let Some(number) = key.strip_prefix(&[keys::GROUP]).and_then(|number| number.first_chunk()) else { break };
        groups.insert(u32::from_be_bytes(*number));
    }
    groups
}

/// Id, group and column.
type Place = (SeriesId, u32, u8);

/// The places with the smallest ids, one more than are wanted.
struct Smallest {
    after: Option<SeriesId>,
    limit: usize,
    heap: BinaryHeap<Place>,
}

impl Smallest {
    fn offer(&mut self, place: Place) {
        if self.after.is_some_and(|after| place.0 <= after) {
            return;
        }
        if self.heap.len() <= self.limit {
            self.heap.push(place);
        } else if let Some(mut largest) = self.heap.peek_mut()
            && place < *largest
        {
            *largest = place;
        }
    }

    /// Takes the first ones of all series.
    fn fill_in_order(&mut self, pages: &impl Pages) {
        let from = self.after.and_then(|after| after.checked_add(1));
        if self.after.is_some() && from.is_none() {
            return;
        }
        let mut cursor = TREE.seek(pages, &keys::series(from.unwrap_or_default()));
        let mut known: HashMap<u32, bool, foldhash::fast::RandomState> = HashMap::default();
        while self.heap.len() <= self.limit {
            let Some((key, value)) = cursor.next(pages) else { return };
            let Some(id) = key.strip_prefix(&[keys::SERIES]).and_then(|id| id.first_chunk()) else { return };
            let (group, column): (u32, u16) = group::decode(&value);
            // Not the places of a group that is being forgotten.
            if !*known.entry(group).or_insert_with(|| TREE.contains(pages, &keys::group(group))) {
                continue;
            }
            self.heap.push((SeriesId::from_be_bytes(*id), group, column as u8));
        }
    }

    fn sorted(self) -> (Vec<Place>, bool) {
        let mut places = self.heap.into_sorted_vec();
        let more = places.len() > self.limit;
        places.truncate(self.limit);
        (places, more)
    }
}

/// Tells what is known of series, in the order of their places; what those of a group share is read once.
fn infos(pages: &impl Pages, places: &[Place]) -> Vec<SeriesInfo> {
    let mut wanted: BTreeMap<u32, ByteSet> = BTreeMap::new();
    for (_, group, column) in places {
        wanted.entry(*group).or_default().insert(*column);
    }
    let mut found: HashMap<(u32, u8), SeriesInfo> = HashMap::new();
    for (number, columns) in wanted {
        let Some(group) = load::<Group>(pages, &keys::group(number)) else { continue };
        let service = load::<Target>(pages, &keys::target(&group.target)).map(|target| target.service);
        let named = columns.and(Head::at(group.head).named(pages));
        for (column, labels) in labels::of_columns(pages, number, named) {
            found.insert((number, column), info(pages, (&group, group.ids, column), service.as_deref(), labels));
        }
        for column in columns.and_not(named).iter() {
            found.insert((number, column), info(pages, (&group, group.ids, column), service.as_deref(), Vec::new()));
        }
    }
    places.iter().filter_map(|(_, group, column)| found.remove(&(*group, *column))).collect()
}

fn info(
    pages: &impl Pages,
    (group, ids, column): (&Group, PageNo, u8),
    service: Option<&str>,
    labels: labels::Labels,
) -> SeriesInfo {
    SeriesInfo {
        id: format!("{:032x}", group::id_of(pages, ids, usize::from(column))),
        target: group.target.clone(),
        service: service.unwrap_or_default().to_owned(),
        labels: labels.into_iter().collect(),
    }
}
