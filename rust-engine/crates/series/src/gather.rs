//! What a query reads, taken out of the pages: then it can be computed elsewhere.

use crate::group::{Group, load};
use crate::head::Head;
use crate::keys::{self, TIMES};
use crate::late::{self, Overlay};
use crate::plan::{Firsts, Plan};
use crate::range::Asked;
use crate::steps::Steps;
use crate::tier::{Buckets, Tier};
use crate::tier_block::{Block, decode_buckets, first_time};
use crate::tier_column::{self, Need};
use crate::tier_keys::{self, Name};
use crate::times::Found;
use crate::values::Values;
use crate::{TREE, due, full};
use paged::{Pages, ordered};
use std::borrow::Cow;
use std::ops::Range;

/// What the series of a group share.
pub struct Shared<'a> {
    pub group: u32,
    pub plan: Plan,
    /// Each by its last time, in the order of time.
    times: Vec<(Name, Found<'a>)>,
    hours: Vec<(Name, Buckets)>,
    fives: Vec<(Name, Buckets)>,
    blocks: Vec<(i64, Block<'a>)>,
    /// Samples that came when their rows were sealed.
    late: Vec<late::Sample>,
    /// Times of the rows that are not sealed, ascending, and where they are.
    rows: Vec<(i64, Head, usize)>,
    pub asked: Asked,
    pub samples_preferred: bool,
}

/// What is read of one series.
pub struct Gathered<'a> {
    column: usize,
    /// Chunks, each with the place of what it shares.
    hours: Vec<(usize, Cow<'a, [u8]>)>,
    fives: Vec<(usize, Cow<'a, [u8]>)>,
    /// Which of the blocks are read.
    blocks: Range<usize>,
    raw: Vec<(usize, Cow<'a, [u8]>)>,
    late: Overlay,
    /// Cells of the rows that are not sealed.
    cells: Vec<u64>,
    /// More rows than may be read: the later ones are left out.
    pub cut: bool,
}

/// Rows that may still be read.
pub struct Budget {
    pub rows: u64,
    /// Samples of a series that its caller has room for.
    pub points: usize,
}

impl<'a> Shared<'a> {
    pub fn gather(pages: &'a impl Pages, number: u32, asked: Asked, samples_preferred: bool) -> Option<Self> {
        let group: Group = load(pages, &keys::group(number))?;
        let head = Head::at(group.head);
        let plan = Plan::of(&asked, Firsts::of(pages, number, head), head.not_in_tiers(pages), samples_preferred);
        let since = asked.looks_back_to();
        let until = plan.fives_until.min(asked.to);
        let hours = match plan.hours_until > since {
            true => buckets_of(pages, number, Tier::Hour, since, plan.hours_until.min(asked.to)),
            false => Vec::new(),
        };
        let (mut fives, mut blocks) = (Vec::new(), Vec::new());
        if until > since {
            fives = buckets_of(pages, number, Tier::Five, since.max(plan.hours_until), until);
            // No row is in a block and in a chunk of a tier.
            blocks = blocks_of(pages, number, since, until);
        }
        let mut times = Vec::new();
        let prefix = keys::column_chunks(number, TIMES);
        let mut cursor = TREE.seek(pages, &keys::chunk(number, TIMES, since.max(plan.fives_until)));
        // What is merged already lies with the last chunk, behind others that may begin after the window.
        let mut is_merger_ahead = due::next_column(pages, number) > 0;
        while let Some((key, bytes)) = cursor.next(pages) {
            let Some(name) = Name::after(key, &prefix) else { break };
            let of_chunk = Found::of(pages, number, name.last, bytes);
            is_merger_ahead &= !of_chunk.is_being_merged();
            if of_chunk.first() < asked.to {
                times.push((name, of_chunk));
            } else if !is_merger_ahead {
                break;
            }
        }
        let late = late::samples(pages, number, since.max(plan.fives_until), asked.to.saturating_sub(1));
        let mut rows = full::rows(pages, Head::at(group.head));
        rows.retain(|(time, ..)| (since..asked.to).contains(time));
        Some(Self { group: number, plan, times, hours, fives, blocks, late, rows, asked, samples_preferred })
    }

    /// Takes what is read of a column; none when an increase is asked for and a piece of a tier does not tell it, so that
    /// samples have to.
    pub fn gather_column(&self, pages: &'a impl Pages, column: u16, budget: &mut Budget) -> Option<Gathered<'a>> {
        let mut left = Left { rows: budget.rows, is_spent: false };
        let tier = |tier| tier_keys::column_of(self.group, tier, column);
        let buckets = |(_, buckets): &(Name, Buckets)| buckets.numbers.len();
        let hours = take_chunks(pages, &tier(Tier::Hour), &self.hours, buckets, &mut left, |_, _| false);
        let fives = take_chunks(pages, &tier(Tier::Five), &self.fives, buckets, &mut left, |_, _| false);
        // Blocks that became chunks of this column may still be there for others.
        let newest =
            |shared: &[(Name, Buckets)], found: &[(usize, Cow<'_, [u8]>)]| Some(shared[found.last()?.0].0.last);
        let merged_until = newest(&self.hours, &hours).max(newest(&self.fives, &fives)).unwrap_or(i64::MIN);
        let from = self.blocks.partition_point(|(last, _)| *last <= merged_until);
        let read = self.blocks[from..].iter().take_while(|(_, block)| left.take(block.buckets.numbers.len())).count();
        let blocks = from..from + read;
        let prefix = keys::column_chunks(self.group, column);
        let mut samples = 0;
        let is_enough = |i: usize, bytes: &[u8]| {
            // Of the first chunk a part may be before the window.
            samples += if self.times[i].1.extent(column).1 < self.asked.from { 0 } else { Values::of(bytes).count() };
            self.asked.step == 0 && samples >= budget.points
        };
        let raw = take_chunks(pages, &prefix, &self.times, |(_, times)| times.extent(column).0, &mut left, is_enough);
        let late = Overlay::of(&self.late, column);
        let column = usize::from(column);
        let cells = match left.is_spent {
            true => Vec::new(),
            false => self.rows.iter().map(|(_, head, row)| head.cell(pages, *row, column)).collect(),
        };
        let gathered = Gathered { column, hours, fives, blocks, raw, late, cells, cut: left.is_spent };
        if !self.samples_preferred && self.asked.aggregation.need() == Need::Increase && !self.tells_increase(&gathered)
        {
            return None;
        }
        budget.rows = left.rows;
        Some(gathered)
    }

    fn tells_increase(&self, gathered: &Gathered<'_>) -> bool {
        let chunks = gathered.hours.iter().chain(&gathered.fives).map(|(_, bytes)| bytes.as_ref());
        let of_blocks =
            self.blocks[gathered.blocks.clone()].iter().filter_map(|(_, block)| block.column(gathered.column));
        chunks.chain(of_blocks).all(tier_column::is_counter)
    }

    /// Bytes that were taken out of the pages.
    pub fn bytes(&self) -> usize {
        let blocks = self.blocks.iter().map(|(_, block)| block.bytes()).sum::<usize>();
        let times = self.times.iter().map(|(_, times)| times.bytes()).sum::<usize>();
        let tiers = self.hours.iter().chain(&self.fives).map(|(_, buckets)| buckets.numbers.len() * 16).sum::<usize>();
        blocks + times + tiers
    }

    pub fn into_owned(self) -> Shared<'static> {
        let Self { group, plan, times, hours, fives, blocks, late, rows, asked, samples_preferred } = self;
        let times = times.into_iter().map(|(name, times)| (name, times.into_owned())).collect();
        let blocks = blocks.into_iter().map(|(last, block)| (last, block.into_owned())).collect();
        Shared { group, plan, times, hours, fives, blocks, late, rows, asked, samples_preferred }
    }

    /// Computes what was asked of a column into the caller's arrays.
    pub fn compute(&mut self, gathered: &Gathered<'_>, steps: &mut Steps<'_>) {
        let Plan { hours_until, fives_until, .. } = self.plan;
        let need = self.asked.aggregation.need();
        let part = |tier: Tier, buckets: &Buckets, from: i64, until: i64| {
            let place = |time: i64| buckets.numbers.partition_point(|number| number * tier.width() < time);
            place(from)..place(until.min(self.asked.to))
        };
        let since = self.asked.looks_back_to();
        let mut add = |tier: Tier, buckets: &Buckets, bytes: &[u8], from: i64, until: i64| {
            let is_lost = need == Need::Increase && !tier_column::is_counter(bytes);
            let part = part(tier, buckets, from, until);
            tier_column::each(bytes, buckets, part, need, |i, bucket| {
                let start = buckets.numbers[i] * tier.width();
                if is_lost { steps.lose_growth(start) } else { steps.add_bucket(start, bucket) }
            });
        };
        for (i, bytes) in &gathered.hours {
            add(Tier::Hour, &self.hours[*i].1, bytes, since, hours_until);
        }
        for (i, bytes) in &gathered.fives {
            add(Tier::Five, &self.fives[*i].1, bytes, since.max(hours_until), fives_until);
        }
        for (_, block) in &self.blocks[gathered.blocks.clone()] {
            if let Some(bytes) = block.column(gathered.column) {
                add(Tier::Five, &block.buckets, bytes, since, fives_until);
            }
        }
        let since = since.max(fives_until);
        let mut late = gathered.late.clone();
        let whole = gathered.raw.iter().all(|(i, bytes)| {
            let (name, times) = &mut self.times[*i];
            let (last, times) = (name.last, times.of_column(gathered.column as u16));
            let values = Values::of(bytes);
            if !late.before(times.first(), |time, bits| time < since || steps.add(time, bits)) {
                return false;
            }
            if times.first() >= since
                && !late.reaches_to(last)
                && let Some(summary) = values.summary().filter(|_| steps.is_one_step(times.first(), last))
            {
                return steps.add_summary(times.first(), &summary);
            }
            let times = times.all();
            values.each(|row, bits| {
                late.before(times[row], |time, bits| time < since || steps.add(time, bits))
                    && (times[row] < since || steps.add(times[row], bits))
            })
        });
        if whole && !gathered.cut {
            let mut add_late = |until: i64, steps: &mut Steps<'_>| {
                late.before(until, |time, bits| time < since || steps.add(time, bits))
            };
            let mut rows = self.rows.iter().zip(&gathered.cells);
            if rows.all(|((time, ..), bits)| add_late(*time, steps) && steps.add(*time, *bits)) {
                add_late(i64::MAX, steps);
            }
        }
        if gathered.cut {
            steps.drop_step();
        }
        steps.close_step();
    }
}

impl Gathered<'_> {
    pub fn into_owned(self) -> Gathered<'static> {
        let owned = |chunks: Vec<(usize, Cow<'_, [u8]>)>| {
            chunks.into_iter().map(|(i, bytes)| (i, Cow::Owned(bytes.into_owned()))).collect()
        };
        let Self { column, hours, fives, blocks, raw, late, cells, cut } = self;
        Gathered { column, hours: owned(hours), fives: owned(fives), blocks, raw: owned(raw), late, cells, cut }
    }

    /// Bytes that were taken out of the pages.
    pub fn bytes(&self) -> usize {
        let chunks = self.hours.iter().chain(&self.fives).chain(&self.raw);
        chunks.map(|(_, bytes)| bytes.len()).sum::<usize>() + self.late.bytes() + self.cells.len() * 8
    }
}

/// What is left of a budget.
struct Left {
    rows: u64,
    is_spent: bool,
}

impl Left {
    /// False when it does not suffice; then nothing more is taken.
    fn take(&mut self, rows: usize) -> bool {
        match self.rows.checked_sub(rows as u64).filter(|_| !self.is_spent) {
            Some(left) => self.rows = left,
            None => self.is_spent = true,
        }
        !self.is_spent
    }
}

/// The shared part of a tier's chunks that have buckets in [since, until).
fn buckets_of(pages: &impl Pages, number: u32, tier: Tier, since: i64, until: i64) -> Vec<(Name, Buckets)> {
    let prefix = tier_keys::column_of(number, tier, TIMES);
    let mut cursor = TREE.seek(pages, &tier_keys::chunk(number, tier, TIMES, Name::of_last(since)));
    let mut found = Vec::new();
    while let Some((key, bytes)) = cursor.next(pages) {
        let Some(name) = Name::after(key, &prefix) else { break };
        if tier.start(first_time(&bytes)) < until {
            found.push((name, decode_buckets(&bytes).0));
        }
    }
    found
}

/// The blocks that have buckets in [since, until), each by its last time.
fn blocks_of<'a>(pages: &'a impl Pages, number: u32, since: i64, until: i64) -> Vec<(i64, Block<'a>)> {
    let prefix = tier_keys::blocks_of(number);
    let mut cursor = TREE.seek(pages, &tier_keys::block(number, since));
    let mut found = Vec::new();
    while let Some((key, bytes)) = cursor.next(pages) {
        let Some(name) = Name::after(key, &prefix).filter(|_| Tier::Five.start(Block::first(&bytes)) < until) else {
            break;
        };
        found.push((name.last, Block::of(bytes)));
    }
    found
}

/// The chunks under a prefix whose last times are among those of what they share, until they are enough.
fn take_chunks<'a, T>(
    pages: &'a impl Pages,
    prefix: &[u8],
    shared: &[(Name, T)],
    rows: impl Fn(&(Name, T)) -> usize,
    left: &mut Left,
    mut is_enough: impl FnMut(usize, &[u8]) -> bool,
) -> Vec<(usize, Cow<'a, [u8]>)> {
    let Some((first, _)) = shared.first() else { return Vec::new() };
    let mut cursor = TREE.seek(pages, &[prefix, &ordered(first.last).to_be_bytes()].concat());
    let mut found = Vec::with_capacity(shared.len());
    let mut at = 0;
    while let Some((key, bytes)) = cursor.next(pages) {
        let Some(name) = Name::after(key, prefix) else { break };
        while at < shared.len() && shared[at].0 < name {
            at += 1;
        }
        let Some(of_chunk) = shared.get(at) else { break };
        if of_chunk.0 > name {
            continue;
        }
        if !left.take(rows(of_chunk)) {
            break;
        }
        let enough = is_enough(at, &bytes);
        found.push((at, bytes));
        if enough {
            break;
        }
    }
    found
}
