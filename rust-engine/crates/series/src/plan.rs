//! Which of tiers and samples a query reads of a group.

use crate::head::Head;
use crate::keys::{self, TIMES};
use crate::range::Asked;
use crate::tier::Tier;
use crate::tier_block::{Block, first_time};
use crate::{Aggregation, TREE, full, tier_keys, times};
use paged::Pages;

/// A query reads the hour tier, then the five-minute tier, then samples: each up to a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Buckets of an hour that begin before this.
    pub hours_until: i64,
    /// Buckets of five minutes that begin before this, and not before `hours_until`.
    pub fives_until: i64,
    /// Up to here the samples are gone: a bucket counts at its start, wherever in it the samples were.
    pub coarse_until: Option<i64>,
}

/// Times of the first rows that a group has in each form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Firsts {
    raw: Option<i64>,
    five: Option<i64>,
    hour: Option<i64>,
}

impl Firsts {
    pub fn of(pages: &impl Pages, group: u32, head: Head) -> Self {
        let first = |prefix: &[u8], first: &dyn Fn(std::borrow::Cow<'_, [u8]>) -> i64| {
            let (key, bytes) = TREE.seek(pages, prefix).next(pages)?;
            key.starts_with(prefix).then(|| first(bytes))
        };
        let in_head = || full::rows(pages, head).first().map(|(time, ..)| *time);
        let of_tier = |tier| first(&tier_keys::column_of(group, tier, TIMES), &|bytes| first_time(&bytes));
        let block = first(&tier_keys::blocks_of(group), &|bytes| Block::first(&bytes));
        Self {
            raw: first(&keys::column_chunks(group, TIMES), &|entry| times::first_of(&entry)).or_else(in_head),
            five: of_tier(Tier::Five).into_iter().chain(block).min(),
            hour: of_tier(Tier::Hour),
        }
    }
}

impl Plan {
    /// Where the tiers lack late samples the samples answer, from the first of those on. Before it
    /// a tier answers where its buckets fill the steps, and where nothing finer is left. With `exact_only` only there.
    pub fn of(asked: &Asked, firsts: Firsts, lacking: [Option<(i64, i64)>; 2], samples_preferred: bool) -> Self {
        if asked.step == 0 {
            return Self { hours_until: i64::MIN, fives_until: i64::MIN, coarse_until: None };
        }
        let lacking =
            lacking.into_iter().flatten().filter(|(first, last)| asked.looks_back_to() <= *last && asked.to > *first);
        // The last bucket may hold more than what is asked for.
        let until = lacking.fold(asked.to, |until, (first, _)| until.min(first));
        let fits = |tier: Tier| {
            let width = tier.width();
            let fits = !samples_preferred && asked.step % width == 0 && asked.from.rem_euclid(width) == 0;
            if fits { until.div_euclid(width).saturating_mul(width) } else { i64::MIN }
        };
        // Of a bucket whose first rows are gone the finer rows are not all. Where none is left, up to the end of the window.
        let gone = |coarser: Option<i64>, finer: Option<i64>, tier: Tier| match (coarser, finer) {
            (Some(coarser), Some(finer)) if coarser < finer => -(-finer).div_euclid(tier.width()) * tier.width(),
            (Some(_), None) => asked.to,
            _ => i64::MIN,
        };
        // Nothing is read behind the window.
        let fives_gone = gone(firsts.five, firsts.raw, Tier::Five).min(asked.to);
        let finer = [firsts.five, firsts.raw].into_iter().flatten().min();
        let hours_gone = gone(firsts.hour, finer, Tier::Hour).min(asked.to);
        let (hours_fit, fives_fit) = (fits(Tier::Hour), fits(Tier::Five));
        let hours_until = hours_fit.max(hours_gone);
        let fives_until = fives_fit.max(fives_gone).max(hours_until);
        let coarse = [(hours_gone, hours_fit), (fives_gone, fives_fit)].into_iter().filter(|(gone, fit)| gone > fit);
        let coarse = coarse.map(|(gone, _)| gone).max().filter(|until| *until > asked.from);
        Self { hours_until, fives_until, coarse_until: coarse }
    }
}

impl Asked {
    /// From when on samples say something of the steps: an increase begins at the sample before.
    pub fn looks_back_to(&self) -> i64 {
        match self.aggregation {
            Aggregation::Increase | Aggregation::Rate if self.step > 0 => {
                self.from.saturating_sub(self.step.max(Tier::Five.width()))
            }
            _ => self.from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_only_a_tier_is_left_whole_buckets_are_exact_and_others_are_not() {
        const HOUR: i64 = 3_600_000;
        let left = |five| Firsts { raw: None, five, hour: Some(0) };
        let asked = |from, to, step| Asked { from, to, step, aggregation: Aggregation::Avg };
        let coarse = |asked: Asked, firsts| Plan::of(&asked, firsts, [None; 2], false).coarse_until;
        assert_eq!(coarse(asked(0, 10 * HOUR, HOUR), left(None)), None);
        assert_eq!(coarse(asked(0, 10 * HOUR, 300_000), left(Some(0))), None);
        assert_eq!(coarse(asked(0, 10 * HOUR, 300_000), left(None)), Some(10 * HOUR));
        assert_eq!(coarse(asked(1, 10 * HOUR, HOUR), left(None)), Some(10 * HOUR));
    }
}
