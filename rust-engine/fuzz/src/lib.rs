//! A target for each decoder of bytes that come from outside. A target takes any bytes and panics when something other than
//! a refusal by name comes of them.
//!
//! Two things drive the same functions: `tests/short_run.rs` on any toolchain, with mutations from a seed, and libFuzzer
//! (`npm run fuzz [-- TARGET [SECONDS]]`), which follows the branches that it reaches.

// A promise that is broken is a panic: that is what both drivers look for.
#![allow(clippy::panic)]

pub mod announcements;
pub mod column_block;
pub mod events;
mod memory;
pub mod mutation;
pub mod queries;
pub mod remote_write;
mod small_engine;
pub mod snapshot_files;
pub mod snapshot_manifest;
mod wire;

/// A decoder under hostile bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Also the name of its binary, and of its folders in `corpus` and `regressions`.
    pub name: &'static str,
    /// Panics when a promise is broken; tells whether the decoder took the bytes.
    pub run: fn(&[u8]) -> bool,
    /// Inputs that are valid, to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Pieces that random bytes would hardly hit.
    pub words: &'static [&'static str],
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    remote_write::TARGET,
    column_block::TARGET,
    announcements::TARGET,
    snapshot_files::TARGET,
    snapshot_manifest::TARGET,
    queries::TARGET,
    events::TARGET,
];
