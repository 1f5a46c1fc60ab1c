use crate::call::{Held, handle, integer, json, number, reply, throw, with_engine};
use neon::prelude::*;
use pool::{PoolOptions, REGIONS};
use serde::Deserialize;
use shard::{Engine, Kind};
use std::collections::BTreeMap;
use std::time::Duration;

pub fn export(cx: &mut ModuleContext) -> NeonResult<()> {
    cx.export_function("open", open)?;
    cx.export_function("memory", memory)?;
    cx.export_function("survey", survey)?;
    cx.export_function("releaseIdle", release_idle)?;
    cx.export_function("createShard", create_shard)?;
    cx.export_function("dropShard", drop_shard)?;
    cx.export_function("clean", clean)?;
    cx.export_function("dropped", dropped)?;
    cx.export_function("noteGap", note_gap)?;
    cx.export_function("stateHash", state_hash)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    pool_bytes: u64,
    quota_bytes: BTreeMap<String, u64>,
    borrow_bytes_max: BTreeMap<String, u64>,
    shards: u16,
    late_window_ms: Option<i64>,
}

fn open(mut cx: FunctionContext) -> JsResult<JsBox<Held>> {
    let options: Options = json(&mut cx, 0, "options")?;
    let by_region =
        |bytes: &BTreeMap<String, u64>| REGIONS.map(|region| bytes.get(region.name()).copied().unwrap_or(0));
    let engine = Engine::open(&PoolOptions {
        pool_bytes: options.pool_bytes,
        quota_bytes: by_region(&options.quota_bytes),
        borrow_bytes_max: by_region(&options.borrow_bytes_max),
        shards: options.shards,
    });
    let engine = engine.and_then(|mut engine| {
        options.late_window_ms.map_or(Ok(()), |ms| engine.set_late_window(ms))?;
        Ok(engine)
    });
    match engine {
        Ok(engine) => Ok(cx.boxed(Held::new(engine))),
        Err(error) => throw(&mut cx, &error),
    }
}

fn memory(mut cx: FunctionContext) -> JsResult<JsString> {
    let report = with_engine(&mut cx, |engine| Ok(engine.memory()))?;
    reply(&mut cx, &report)
}

fn survey(mut cx: FunctionContext) -> JsResult<JsNumber> {
    let pages_max: u32 = integer(&mut cx, 1, "pagesMax")?;
    let pages = with_engine(&mut cx, |engine| Ok(engine.survey(pages_max)))?;
    Ok(cx.number(pages))
}

fn release_idle(mut cx: FunctionContext) -> JsResult<JsNumber> {
    let bytes = with_engine(&mut cx, |engine| Ok(engine.release_idle()))?;
    Ok(cx.number(bytes as f64))
}

/// The generation of the new shard's handle.
fn create_shard(mut cx: FunctionContext) -> JsResult<JsNumber> {
    let shard: u16 = integer(&mut cx, 1, "shard")?;
    let handle = with_engine(&mut cx, |engine| engine.create(shard))?;
    Ok(cx.number(handle.generation))
}

fn drop_shard(mut cx: FunctionContext) -> JsResult<JsUndefined> {
    let handle = handle(&mut cx)?;
    with_engine(&mut cx, |engine| engine.drop_shard(handle))?;
    Ok(cx.undefined())
}

/// True when there is more to do.
fn clean(mut cx: FunctionContext) -> JsResult<JsBoolean> {
    let budget_ms = number(&mut cx, 1)?;
    let budget = Duration::try_from_secs_f64(budget_ms / 1000.0).unwrap_or_default();
    let more = with_engine(&mut cx, |engine| engine.clean(budget))?;
    Ok(cx.boolean(more))
}

fn dropped(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let dropped = with_engine(&mut cx, |engine| engine.dropped(handle))?;
    reply(&mut cx, &dropped)
}

fn note_gap(mut cx: FunctionContext) -> JsResult<JsUndefined> {
    let handle = handle(&mut cx)?;
    let kinds: Vec<Kind> = json(&mut cx, 3, "kinds")?;
    let until = integer(&mut cx, 4, "until")?;
    with_engine(&mut cx, |engine| engine.note_gap(handle, &kinds, until))?;
    Ok(cx.undefined())
}

fn state_hash(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let hash = with_engine(&mut cx, |engine| engine.state_hash(handle))?;
    Ok(cx.string(hash))
}
