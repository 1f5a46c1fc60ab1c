//! Copies of pages on their way to a writer: what is beside the pool while a snapshot is written, never more than 16 MiB.

use crate::{PAGE_BYTES, Page, PageNo, Region};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most pages that a ring holds: 16 MiB.
pub const RING_PAGES_MAX: usize = 4096;

/// A bounded queue of page copies between the thread that changes pages and the one that writes them.
#[derive(Debug)]
pub struct Ring {
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Debug)]
struct State {
    pages: Vec<u8>,
    places: Vec<(PageNo, Region)>,
    first: usize,
    held: usize,
    /// A slice was asked for and has not come yet.
    asked: bool,
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

/// Pages taken out of a ring: places and bytes one after the other.
#[derive(Debug, Default)]
pub struct Batch {
    /// Number and region of each page.
    pub places: Vec<(PageNo, Region)>,
    /// Their bytes.
    pub pages: Vec<u8>,
}

/// What came of waiting for pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The batch holds some.
    Some,
    /// All have come.
    Complete,
    /// The snapshot was given up on the other side.
    Aborted,
    /// None came in time.
    Late,
}

impl Ring {
    /// A ring for a cut of `pages` pages.
    pub fn new(pages: u32) -> Self {
        Self::with_capacity((pages as usize).clamp(1, RING_PAGES_MAX))
    }

    /// A ring that holds this many pages.
    pub fn with_capacity(pages: usize) -> Self {
        assert!((1..=RING_PAGES_MAX).contains(&pages), "a ring of {pages} pages");
        let state = State {
            pages: vec![0; pages * PAGE_BYTES],
            places: vec![(0, Region::InfrastructureState); pages],
            first: 0,
            held: 0,
            asked: false,
            end: None,
            waits: Waits::default(),
        };
        Self { state: Mutex::new(state), filled: Condvar::new(), emptied: Condvar::new() }
    }

    /// Puts a copy in; false when there is no room.
    pub fn try_push(&self, n: PageNo, region: Region, page: &Page) -> bool {
        let mut state = self.lock();
        let room = state.end.is_some() || state.held < state.places.len();
        if room {
            state.put(n, region, page);
            self.filled.notify_one();
        }
        room
    }

    /// Puts a copy in; waits for the writer while there is no room.
    pub fn push(&self, n: PageNo, region: Region, page: &Page) {
        let mut state = self.lock();
        if state.is_full() {
            let since = Instant::now();
            while state.is_full() {
                state = self.emptied.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let waited = since.elapsed();
            state.waits.count += 1;
            state.waits.total += waited;
            state.waits.longest = state.waits.longest.max(waited);
        }
        state.put(n, region, page);
        self.filled.notify_one();
    }

    /// Moves up to `most` pages into the batch, which is emptied first. Waits for the first one while a slice is on its way;
    /// none at all means that another slice may be asked for.
    pub fn take(&self, batch: &mut Batch, most: usize, patience: Duration) -> Taken {
        batch.places.clear();
        batch.pages.clear();
        let empty = |state: &mut State| state.held == 0 && state.end.is_none() && state.asked;
        let waited = self.filled.wait_timeout_while(self.lock(), patience, empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match state.end {
            Some(End::Aborted) => return Taken::Aborted,
            Some(End::Complete) if state.held == 0 => return Taken::Complete,
            None if state.held == 0 && state.asked => return Taken::Late,
            _ => {}
        }
        while state.held > 0 && batch.places.len() < most {
            let at = state.first;
            batch.places.push(state.places[at]);
            batch.pages.extend_from_slice(&state.pages[at * PAGE_BYTES..(at + 1) * PAGE_BYTES]);
            state.first = (at + 1) % state.places.len();
            state.held -= 1;
        }
        self.emptied.notify_one();
        Taken::Some
    }

    /// True when the writer should ask for the next slice: half of the ring is free and no slice is on its way.
    pub fn wants_slice(&self) -> bool {
        let mut state = self.lock();
        let wants = state.end.is_none() && !state.asked && state.held * 2 <= state.places.len();
        state.asked |= wants;
        wants
    }

    pub(crate) fn slice_came(&self, complete: bool) {
        let mut state = self.lock();
        state.asked = false;
        if complete && state.end.is_none() {
            state.end = Some(End::Complete);
        }
        // Also when it is not complete: the writer may have taken all pages of the slice before this, and waits.
        self.filled.notify_one();
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
}

impl State {
    fn is_full(&self) -> bool {
        self.end.is_none() && self.held == self.places.len()
    }

    /// There is room, or nobody takes it any more.
    fn put(&mut self, n: PageNo, region: Region, page: &Page) {
        if self.end == Some(End::Aborted) {
            return;
        }
        assert!(self.end.is_none(), "page {n} comes after the last one");
        let at = (self.first + self.held) % self.places.len();
        self.places[at] = (n, region);
        self.pages[at * PAGE_BYTES..(at + 1) * PAGE_BYTES].copy_from_slice(page);
        self.held += 1;
    }
}
