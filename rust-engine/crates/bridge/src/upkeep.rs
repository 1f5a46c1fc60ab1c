use crate::call::{Held, handle, with_engine, with_held};
use neon::prelude::*;
use serde::Serialize;
use std::time::{Duration, Instant};

pub fn export(cx: &mut ModuleContext) -> NeonResult<()> {
    cx.export_function("upkeep", upkeep)
}

/// The shape of `Upkeep` in records.ts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Upkeep {
    more: bool,
    refused: bool,
    chunks: u64,
    work_ms: f64,
}

/// One task: taken now, run on another thread, installed between other work of the event loop.
fn upkeep(mut cx: FunctionContext) -> JsResult<JsPromise> {
    let handle = handle(&mut cx)?;
    let held = cx.argument::<JsBox<Held>>(0)?.root(&mut cx);
    let task = with_engine(&mut cx, |engine| engine.next_task(handle))?;
    let run = move || {
        let start = Instant::now();
        task.map(|task| (task.run(), start.elapsed()))
    };
    let promise = cx.task(run).promise(move |mut cx, done| {
        let held = held.into_inner(&mut cx);
        let more = done.is_some();
        let (repacked, took) = match done {
            Some((done, took)) => (with_held(&mut cx, &held, |engine| engine.install(handle, done))?, took),
            None => Default::default(),
        };
        let took: Duration = took;
        let series::Repacked { chunks, refused } = repacked;
        let upkeep = Upkeep { more: more && !refused, refused, chunks, work_ms: took.as_secs_f64() * 1000.0 };
        match serde_json::to_string(&upkeep) {
            Ok(text) => Ok(cx.string(text)),
            Err(error) => cx.throw_error(error.to_string()),
        }
    });
    Ok(promise)
}
