//! Copies of pages on their way to a writer: what is beside the pool while a snapshot is written, never more than 16 MiB.

use crate::{PAGE_BYTES, Page, PageNo, Region};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most pages that a ring holds: 16 MiB.
pub const RING_PAGES_MAX: usize = 4096;

/// Pages of a block: what passes from one side to the other at a time.
const BLOCK_PAGES_MAX: usize = 64;
/// Slices that may be on their way at a time, so that a busy thread of the engine does not keep the writer waiting.
const ASKED_MAX: u32 = 4;

/// A bounded queue of page copies between the thread that changes pages and the one that writes them.
///
/// The lock is held for one copy of a page at most: the writer takes whole blocks by exchange, so that a change never waits
/// for more than that while there is room.
#[derive(Debug)]
pub struct Ring {
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
    capacity: usize,
    block_pages: usize,
}

#[derive(Debug)]
struct State {
    /// All but the last are full.
    blocks: VecDeque<Copies>,
    /// Blocks that came back, to be filled again.
    spare: Vec<Copies>,
    /// Pages in the blocks.
    held: usize,
    /// Slices that were asked for and have not come yet.
    asked: u32,
    end: Option<End>,
    waits: Waits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// No more pages come.
    Complete,
    /// Nobody needs them any more.
    Aborted,
}

/// How often a change had to wait for the writer, because the ring was full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// Changes that waited.
    pub count: u64,
    /// Their time together.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
}

/// Bytes left free before each page of some copies, for what the writer puts there.
pub const COPY_BEFORE: usize = 8;
/// Bytes left free after each page of some copies.
pub const COPY_AFTER: usize = 16;
/// Bytes of a copied page with what is around it.
pub const COPY_SLOT_BYTES: usize = COPY_BEFORE + PAGE_BYTES + COPY_AFTER;

/// Pages taken out of a ring, to be written as they lie: no further copy is made of them.
#[derive(Debug, Default)]
pub struct Copies {
    /// Number and region of each page.
    pub places: Vec<(PageNo, Region)>,
    /// A slot of `COPY_SLOT_BYTES` for each: the page, with room around it.
    pub slots: Vec<u8>,
}

/// What came of waiting for pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The copies hold some.
    Some,
    /// All have come.
    Complete,
    /// The snapshot was given up on the other side.
    Aborted,
    /// None came in time.
    Late,
}

impl Copies {
    fn with_capacity(pages: usize) -> Self {
        Self { places: Vec::with_capacity(pages), slots: Vec::with_capacity(pages * COPY_SLOT_BYTES) }
    }

    fn clear(&mut self) {
        self.places.clear();
        self.slots.clear();
    }
}

impl Ring {
    /// A ring for a cut of `pages` pages.
    pub fn new(pages: u32) -> Self {
        Self::with_capacity((pages as usize).clamp(1, RING_PAGES_MAX))
    }

    /// A ring that holds this many pages.
    pub fn with_capacity(pages: usize) -> Self {
        assert!((1..=RING_PAGES_MAX).contains(&pages), "a ring of {pages} pages");
        let state =
            State { blocks: VecDeque::new(), spare: Vec::new(), held: 0, asked: 0, end: None, waits: Waits::default() };
        let (filled, emptied) = (Condvar::new(), Condvar::new());
        // At least two blocks, so that both sides have one.
        let block_pages = (pages / 2).clamp(1, BLOCK_PAGES_MAX);
        Self { state: Mutex::new(state), filled, emptied, capacity: pages, block_pages }
    }

    /// Puts a copy in; false when there is no room.
    pub fn try_push(&self, n: PageNo, region: Region, page: &Page) -> bool {
        let mut state = self.lock();
        let room = !self.is_full(&state);
        if room {
            self.put(&mut state, n, region, page);
        }
        room
    }

    /// Puts a copy in; waits for the writer while there is no room.
    pub fn push(&self, n: PageNo, region: Region, page: &Page) {
        let mut state = self.lock();
        if self.is_full(&state) {
            let since = Instant::now();
            while self.is_full(&state) {
                state = self.emptied.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let waited = since.elapsed();
            state.waits.count += 1;
            state.waits.total += waited;
            state.waits.longest = state.waits.longest.max(waited);
        }
        self.put(&mut state, n, region, page);
    }

    /// Exchanges the copies for a block of others. Waits for a full one while a slice is on its way; none at all means that
    /// another slice may be asked for.
    pub fn take(&self, copies: &mut Copies, patience: Duration) -> Taken {
        copies.clear();
        let empty = |state: &mut State| state.end.is_none() && state.asked > 0 && !self.has_full_block(state);
        let waited = self.filled.wait_timeout_while(self.lock(), patience, empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match state.end {
            Some(End::Aborted) => return Taken::Aborted,
            Some(End::Complete) if state.held == 0 => return Taken::Complete,
            None if state.held == 0 && state.asked > 0 => return Taken::Late,
            _ => {}
        }
        if let Some(block) = state.blocks.pop_front() {
            state.held -= block.places.len();
            let emptied = std::mem::replace(copies, block);
            state.spare.push(emptied);
        }
        self.emptied.notify_one();
        Taken::Some
    }

    /// True when the writer should ask for another slice: half of the ring is free and few slices are on their way.
    pub fn wants_slice(&self) -> bool {
        let mut state = self.lock();
        let wants = state.end.is_none() && state.asked < ASKED_MAX && state.held * 2 <= self.capacity;
        state.asked += u32::from(wants);
        wants
    }

    pub(crate) fn slice_came(&self, complete: bool) {
        let mut state = self.lock();
        // One that the writer of an earlier cut asked for may come to this one.
        state.asked = state.asked.saturating_sub(1);
        if complete && state.end.is_none() {
            state.end = Some(End::Complete);
        }
        // Also when it is not complete: the writer may have taken all pages of the slice before this, and waits.
        self.filled.notify_one();
    }

    /// The cut is gone: when it was not complete, nobody needs what is left. Also when all of its pages came, by changes
    /// alone: only a slice would have said so.
    pub(crate) fn no_slice_comes(&self) {
        self.lock().end.get_or_insert(End::Aborted);
        self.filled.notify_one();
        self.emptied.notify_one();
    }

    /// Lets go of both sides: nobody waits any more.
    pub fn abort(&self) {
        self.lock().end = Some(End::Aborted);
        self.filled.notify_one();
        self.emptied.notify_one();
    }

    /// How often changes waited so far.
    pub fn waits(&self) -> Waits {
        self.lock().waits
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self, state: &State) -> bool {
        state.end.is_none() && state.held == self.capacity
    }

    fn has_full_block(&self, state: &State) -> bool {
        // A ring that is full must be taken from, whatever its last block holds.
        state.blocks.front().is_some_and(|block| block.places.len() == self.block_pages) || state.held == self.capacity
    }

    /// There is room, or nobody takes it any more.
    fn put(&self, state: &mut State, n: PageNo, region: Region, page: &Page) {
        if state.end == Some(End::Aborted) {
            return;
        }
        assert!(state.end.is_none(), "page {n} comes after the last one");
        if state.blocks.back().is_none_or(|block| block.places.len() == self.block_pages) {
            let mut block = state.spare.pop().unwrap_or_default();
            if block.slots.capacity() == 0 {
                block = Copies::with_capacity(self.block_pages);
            }
            state.blocks.push_back(block);
        }
        if let Some(block) = state.blocks.back_mut() {
            block.places.push((n, region));
            block.slots.extend_from_slice(&[0; COPY_BEFORE]);
            block.slots.extend_from_slice(page);
            block.slots.extend_from_slice(&[0; COPY_AFTER]);
            state.held += 1;
            // Not for each page: waking the writer takes longer than a copy.
            if block.places.len() == self.block_pages || state.held == self.capacity {
                self.filled.notify_one();
            }
        }
    }
}
