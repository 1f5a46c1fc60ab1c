//! Neon bridge: translation only. Same names and order as rust-engine/ts/addon.ts; JSON text for control, typed arrays of
//! the caller for data. Errors are JavaScript errors whose message is the JSON of name and figures.

mod call;
mod engine;
mod metrics;
mod records;
mod remote_write;
mod scores;
mod snapshots;
mod timings;
mod upkeep;

use neon::prelude::*;

#[neon::main]
fn main(mut cx: ModuleContext) -> NeonResult<()> {
    engine::export(&mut cx)?;
    records::export(&mut cx)?;
    metrics::export(&mut cx)?;
    remote_write::export(&mut cx)?;
    scores::export(&mut cx)?;
    snapshots::export(&mut cx)?;
    timings::export(&mut cx)?;
    upkeep::export(&mut cx)
}
