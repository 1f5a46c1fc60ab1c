//! What the pages hold, by region and component: gathered in small steps between other work, shard after shard.
//!
//! Pages and quotas are counted as they change. This split is not: a counter in every change of a tree would cost each event
//! more than a walk through all pages every few minutes.

use crate::engine::{Engine, Handle, Loaded};
use paged::{Entry, Region, Tree, View};
use pool::{PAGE_BYTES, REGIONS};

/// Pages that hold one kind of thing in a region of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    pub region: Region,
    pub component: &'static str,
    /// A page of several kinds counts for the one that has most of it.
    pub pages: u32,
    /// Bytes in use, wherever they lie.
    pub bytes: u64,
}

/// Inner pages of a tree.
const BRANCHES: &str = "branches";
/// The page with the roots of the trees.
const ROOT: &str = "root";
/// An entry that no crate knows: a mapping is missing.
const OTHER: &str = "other";

/// Where the survey stands in a shard.
#[derive(Debug)]
pub(crate) struct Survey {
    handle: Handle,
    region: usize,
    from: Vec<u8>,
    holdings: Vec<Holding>,
}

impl Survey {
    fn of(handle: Handle) -> Self {
        let root = Holding { region: Region::ActiveOperations, component: ROOT, pages: 1, bytes: PAGE_BYTES as u64 };
        Self { handle, region: 0, from: Vec::new(), holdings: vec![root] }
    }

    fn add(&mut self, component: &'static str, pages: u32, bytes: usize) {
        let region = REGIONS[self.region];
        let mut known = self.holdings.iter_mut();
        match known.find(|holding| holding.region == region && holding.component == component) {
            Some(holding) => {
                holding.pages += pages;
                holding.bytes += bytes as u64;
            }
            None => self.holdings.push(Holding { region, component, pages, bytes: bytes as u64 }),
        }
    }

    /// Looks at one leaf and all that hangs on it; how many pages that were. False after the last one of the shard.
    fn step(&mut self, view: &View<'_>) -> (u32, bool) {
        let mut leaf: Vec<(&'static str, usize)> = Vec::new();
        let mut beside: Vec<(&'static str, u32, usize)> = Vec::new();
        let looked = Tree::of(REGIONS[self.region]).look(view, &self.from, &mut |entry| {
            let component = component(REGIONS[self.region], &entry);
            match leaf.iter_mut().find(|(known, _)| *known == component) {
                Some((_, bytes)) => *bytes += entry.bytes,
                None => leaf.push((component, entry.bytes)),
            }
            let (pages, bytes) = pages_beside(view, REGIONS[self.region], &entry);
            if pages > 0 {
                beside.push((component, pages, bytes));
            }
        });
        let mut pages = 0;
        if let Some(looked) = &looked {
            let (branches, bytes) = looked.branches;
            if branches > 0 {
                self.add(BRANCHES, branches, bytes);
            }
            let most = leaf.iter().enumerate().max_by_key(|(_, (_, bytes))| *bytes).map(|(i, _)| i);
            for (i, (component, bytes)) in leaf.into_iter().enumerate() {
                self.add(component, u32::from(most == Some(i)), bytes);
            }
            pages = 1 + branches;
        }
        for (component, count, bytes) in beside {
            self.add(component, count, bytes);
            pages += count;
        }
        let next = looked.and_then(|looked| looked.next);
        self.region += usize::from(next.is_none());
        self.from = next.unwrap_or_default();
        (pages, self.region < REGIONS.len())
    }
}

fn component(region: Region, entry: &Entry<'_>) -> &'static str {
    let of_series = || if region == Region::InfrastructureState { series::component(entry.key) } else { None };
    store::component(entry.key, entry.beginning).or_else(of_series).unwrap_or(OTHER)
}

/// Pages beside the leaf that are the entry's.
fn pages_beside(view: &View<'_>, region: Region, entry: &Entry<'_>) -> (u32, usize) {
    let (pages, bytes) = entry.chain;
    // An entry that names pages is short: its value is whole in its leaf.
    let names_pages = region == Region::InfrastructureState && pages == 0;
    let (named, named_bytes) = if names_pages { series::pages_named(view, entry.key, entry.beginning) } else { (0, 0) };
    (pages + named, bytes + named_bytes)
}

impl Engine {
    /// Looks at some more pages, to the end of a shard at most; at most one leaf and what hangs on it above `pages_max`. How
    /// many it looked at.
    pub fn survey(&mut self, pages_max: u32) -> u32 {
        let mut seen = 0;
        while seen < pages_max {
            let Some(mut survey) = self.survey.take().or_else(|| self.next_survey(None)) else { break };
            let Ok(view) = self.view(survey.handle) else {
                self.survey = self.next_survey(Some(survey.handle.shard));
                seen += 1;
                continue;
            };
            let (pages, goes_on) = survey.step(&view);
            // An empty tree is a look too.
            seen += pages.max(1);
            if goes_on {
                self.survey = Some(survey);
                continue;
            }
            self.survey = self.next_survey(Some(survey.handle.shard));
            if let Some(loaded) = &mut self.shards[usize::from(survey.handle.shard)] {
                loaded.holdings = Some(survey.holdings);
            }
            break;
        }
        seen
    }

    /// The loaded shard after this one, and from the first one again.
    fn next_survey(&self, after: Option<u16>) -> Option<Survey> {
        let shards = self.shards.len();
        let first = after.map_or(0, |shard| usize::from(shard) + 1);
        let mut turn = (first..first + shards).map(|n| n % shards);
        turn.find_map(|shard| {
            let Loaded { generation, .. } = self.shards[shard].as_ref()?;
            Some(Survey::of(Handle { shard: shard as u16, generation: *generation }))
        })
    }
}
