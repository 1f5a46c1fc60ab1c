//! Pieces of tiers grow: blocks become a chunk of each tier, and four neighbouring chunks one, until it has 1,024 buckets; some
//! columns at a time. What the columns share is there in both forms until the last column is done; each column has its chunks
//! in one of them.

use crate::group::{Group, load};
use crate::head::Head;
use crate::keys::{self, TIMES};
use crate::late::LATE_WINDOW_MS;
use crate::tier::{Buckets, Column, Tier};
use crate::tier_block::{Block, decode_buckets, encode_buckets};
use crate::tier_column::{decode, encode};
use crate::tier_drop::unlist;
use crate::tier_keys::{self, Name};
use crate::{SeriesError, TREE};
use paged::{Pages, PagesMut, Tree};
use std::ops::Range;

/// Blocks become chunks when there are as many of them, or as many buckets in them: a third step makes 1,024 of those.
const BLOCKS_MERGED: usize = 16;
const BUCKETS_MERGED: usize = 66;
const CHUNKS_MERGED: usize = 4;
/// A chunk of so many buckets is left alone.
const BUCKETS_FULL: usize = 1_024;
/// Columns of one task, so that its installation is a short one.
const COLUMNS_AT_ONCE: usize = 16;

/// What is merged: of which group and tier (none: blocks, which are merged into both), and the pieces' names.
#[derive(Debug)]
struct Of {
    group: u32,
    tier: Option<Tier>,
    pieces: Vec<Name>,
    /// No column is left after those of the task.
    ends: bool,
}

/// A column by its number, and what it has in each piece.
type Pieces = (u16, Vec<Option<Vec<u8>>>);
/// A column by its number, and its chunk in each tier.
type Chunks = (u16, Vec<(Tier, Vec<u8>)>);

/// Some columns of pieces of a group that become one, taken out of the pages.
#[derive(Debug)]
pub struct TierMerge {
    of: Of,
    buckets: Vec<Buckets>,
    columns: Vec<Pieces>,
}

/// What became of them.
#[derive(Debug)]
pub struct MergedTiers {
    of: Of,
    buckets: Vec<(Tier, Vec<u8>)>,
    columns: Vec<Chunks>,
}

/// What of a group can be merged now; none when nothing can.
pub fn next(pages: &impl Pages, group: u32) -> Option<TierMerge> {
    let head = Head::at(load::<Group>(pages, &keys::group(group))?.head);
    let columns = head.columns(pages);
    let settled_until = head.newest(pages).saturating_sub(LATE_WINDOW_MS);
    let tiers = [Tier::Five, Tier::Hour].into_iter();
    of_blocks(pages, group, columns, settled_until)
        .or_else(|| tiers.filter_map(|tier| of_chunks(pages, group, columns, tier)).next())
}

/// The last time of the newest blocks that are merged, or are being merged.
pub fn merged_until(pages: &impl Pages, group: u32) -> i64 {
    let prefix = tier_keys::column_of(group, Tier::Five, TIMES);
    let mut cursor = TREE.seek(pages, &prefix);
    let mut until = i64::MIN;
    while let Some(name) = cursor.next(pages).and_then(|(key, _)| Name::after(key, &prefix)) {
        until = name.last;
    }
    until
}

/// Blocks that are later than `settled_until` may still get late samples.
fn of_blocks(pages: &impl Pages, group: u32, columns: usize, settled_until: i64) -> Option<TierMerge> {
    let prefix = tier_keys::blocks_of(group);
    let mut cursor = TREE.seek(pages, &prefix);
    let mut blocks = Vec::new();
    while let Some((key, bytes)) = cursor.next(pages) {
        let Some(name) = Name::after(key, &prefix) else { break };
        blocks.push((name, Block::of(bytes)));
    }
    let begun = |(name, _): &(Name, Block<'_>)| {
        TREE.contains(pages, &tier_keys::chunk(group, Tier::Five, TIMES, merged_name(*name)))
    };
    match blocks.iter().position(begun) {
        Some(newest) => blocks.truncate(newest + 1),
        None => {
            blocks.retain(|(name, _)| name.last < settled_until);
            let mut numbers: Vec<i64> = Vec::new();
            blocks.iter().for_each(|(_, block)| numbers.extend(&block.buckets.numbers));
            numbers.dedup();
            if blocks.len() < BLOCKS_MERGED && numbers.len() < BUCKETS_MERGED {
                return None;
            }
            blocks.truncate(BLOCKS_MERGED);
        }
    }
    let (newest, _) = blocks.last()?;
    let is_done =
        |column: u16| TREE.contains(pages, &tier_keys::chunk(group, Tier::Five, column, merged_name(*newest)));
    let of_column = |column: u16| {
        let of_blocks = || blocks.iter().map(|(_, block)| block.column(usize::from(column)).map(<[u8]>::to_vec));
        (!is_done(column)).then(|| of_blocks().collect())
    };
    let pieces = blocks.iter().map(|(name, _)| *name).collect();
    let (taken, ends) = take_columns(columns, of_column);
    let of = Of { group, tier: None, pieces, ends };
    Some(TierMerge { of, columns: taken, buckets: blocks.into_iter().map(|(_, block)| block.buckets).collect() })
}

fn of_chunks(pages: &impl Pages, group: u32, columns: usize, tier: Tier) -> Option<TierMerge> {
    let prefix = tier_keys::column_of(group, tier, TIMES);
    let mut cursor = TREE.seek(pages, &prefix);
    let mut chunks: Vec<(Name, Buckets)> = Vec::new();
    while let Some((key, bytes)) = cursor.next(pages) {
        let Some(name) = Name::after(key, &prefix) else { break };
        chunks.push((name, decode_buckets(&bytes).0));
    }
    let window = neighbours(&chunks)?;
    let pieces: Vec<Name> = chunks[window.clone()].iter().map(|(name, _)| *name).collect();
    let of_column = |column: u16| {
        let of_piece = |name: &Name| {
            TREE.get(pages, &tier_keys::chunk(group, tier, column, *name)).map(|bytes| bytes.into_owned())
        };
        Some(pieces.iter().map(of_piece).collect())
    };
    let (taken, ends) = take_columns(columns, of_column);
    let buckets = chunks.drain(window).map(|(_, buckets)| buckets).collect();
    Some(TierMerge { of: Of { group, tier: Some(tier), pieces, ends }, buckets, columns: taken })
}

/// Chunks that are being merged, else four that follow each other and were merged as often, the newest first looked at.
fn neighbours(chunks: &[(Name, Buckets)]) -> Option<Range<usize>> {
    let begun = chunks.windows(2).position(|pair| pair[0].0.last == pair[1].0.last);
    if let Some(newest) = begun {
        let level = chunks[newest].0.level;
        let first = chunks[..newest].iter().rposition(|(name, _)| name.level != level).map_or(0, |other| other + 1);
        return Some(first.max((newest + 1).saturating_sub(CHUNKS_MERGED))..newest + 1);
    }
    let alike = |four: &[(Name, Buckets)]| {
        four.iter().all(|(name, buckets)| name.level == four[0].0.level && buckets.numbers.len() < BUCKETS_FULL)
    };
    let start = chunks.windows(CHUNKS_MERGED).rposition(alike)?;
    Some(start..start + CHUNKS_MERGED)
}

/// The next columns of which there is something to merge, and whether they are the last.
fn take_columns(columns: usize, of_column: impl Fn(u16) -> Option<Vec<Option<Vec<u8>>>>) -> (Vec<Pieces>, bool) {
    let mut taken = Vec::new();
    for column in 0..columns as u16 {
        let Some(pieces) = of_column(column).filter(|pieces| pieces.iter().any(Option::is_some)) else { continue };
        if taken.len() == COLUMNS_AT_ONCE {
            return (taken, false);
        }
        taken.push((column, pieces));
    }
    (taken, true)
}

/// The name of what pieces become of which this is the newest.
fn merged_name(newest: Name) -> Name {
    Name { level: newest.level + 1, ..newest }
}

impl TierMerge {
    /// Puts the pieces together. Touches no page.
    pub fn run(self) -> MergedTiers {
        let from = self.of.tier.unwrap_or(Tier::Five);
        let to = self.of.tier.map_or(vec![Tier::Five, Tier::Hour], |tier| vec![tier]);
        let joined: Vec<(Tier, Buckets)> =
            to.into_iter().map(|to| (to, Buckets::joined(self.buckets.iter(), from, to))).collect();
        let merge = |(column, pieces): &Pieces| {
            let decoded = self.buckets.iter().zip(pieces);
            let parts: Vec<(&Buckets, Option<Column>)> =
                decoded.map(|(buckets, bytes)| (buckets, bytes.as_ref().map(|bytes| decode(bytes, buckets)))).collect();
            let merged = joined.iter().filter_map(|(to, buckets)| {
                let whole = Column::joined(buckets, &parts, from, *to)?;
                Some((*to, encode(buckets, &whole)))
            });
            (*column, merged.collect())
        };
        MergedTiers {
            columns: self.columns.iter().map(merge).collect(),
            buckets: joined.iter().map(|(tier, buckets)| (*tier, encode_buckets(buckets))).collect(),
            of: self.of,
        }
    }
}

impl Of {
    /// What the columns share of a piece.
    fn shared_key(&self, name: Name) -> Vec<u8> {
        match self.tier {
            None => tier_keys::block(self.group, name.last),
            Some(tier) => tier_keys::chunk(self.group, tier, TIMES, name),
        }
    }
}

/// Puts columns in the place of their pieces, as far as there is room; how many chunks they replace. Nothing when a piece is
/// gone.
pub fn install(pages: &mut impl PagesMut, merged: MergedTiers) -> Result<u64, SeriesError> {
    let MergedTiers { of, buckets, columns } = merged;
    let Some((newest, others)) = of.pieces.split_last() else { return Ok(0) };
    if !of.pieces.iter().all(|name| TREE.contains(pages, &of.shared_key(*name))) {
        return Ok(0);
    }
    let name = merged_name(*newest);
    let shared = |tier: Tier| tier_keys::chunk(of.group, tier, TIMES, name);
    let is_begun = buckets.iter().any(|(tier, _)| TREE.contains(pages, &shared(*tier)));
    if !is_begun {
        // All or nothing: an entry in the eviction order needs no more than one of these.
        let needed: u32 = buckets.iter().map(|(_, bytes)| 2 * Tree::pages_needed(bytes.len())).sum();
        pages.require(TREE.region(), needed)?;
        for (tier, bytes) in &buckets {
            TREE.insert(pages, &shared(*tier), bytes)?;
            TREE.insert(pages, &keys::order(name.last, tier.kind(), of.group), &[])?;
        }
        let tier = of.tier.unwrap_or(Tier::Five);
        others.iter().for_each(|other| unlist(pages, of.group, tier, other.last));
    }
    let mut replaced = 0;
    for (column, chunks) in &columns {
        // Asked for first: what is taken away below can't be given back.
        let needed: u32 = chunks.iter().map(|(_, bytes)| Tree::pages_needed(bytes.len())).sum();
        pages.require(TREE.region(), needed)?;
        if let Some(tier) = of.tier {
            for piece in &of.pieces {
                replaced += u64::from(TREE.remove(pages, &tier_keys::chunk(of.group, tier, *column, *piece)));
            }
        }
        for (tier, bytes) in chunks {
            // One of the tiers may have been dropped meanwhile.
            if TREE.contains(pages, &shared(*tier)) {
                TREE.insert(pages, &tier_keys::chunk(of.group, *tier, *column, name), bytes)?;
            }
        }
    }
    if of.ends {
        of.pieces.iter().for_each(|piece| replaced += u64::from(TREE.remove(pages, &of.shared_key(*piece))));
    }
    Ok(replaced)
}
