use crate::call::{handle, integer, invalid, json, reply, text, text_or_null, with_engine};
use neon::{
    prelude::*,
    types::{JsArrayBuffer, buffer::TypedArray},
};
use serde::Serialize;
use series::{Answered, Slice, SlicePoints, Slices};
use shard::Handle;
use std::cell::RefCell;

pub fn export(cx: &mut ModuleContext) -> NeonResult<()> {
    cx.export_function("applyMetrics", apply_metrics)?;
    cx.export_function("series", series)?;
    cx.export_function("labelValues", label_values)?;
    cx.export_function("range", range)?;
    cx.export_function("ranges", ranges)?;
    cx.export_function("beginRanges", begin_ranges)?;
    cx.export_function("nextRanges", next_ranges)
}

/// What is left of a query that is read in slices.
struct Reading {
    handle: Handle,
    slices: RefCell<Slices>,
}

impl Finalize for Reading {}

/// Of a slice; `counts` are the position of each of its series among those asked for and how many points it has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    counts: Vec<(usize, usize)>,
    is_done: bool,
    #[serde(flatten)]
    answered: Answered,
}

fn apply_metrics(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let target = text(&mut cx, 3)?;
    let service = text(&mut cx, 4)?;
    let announced = cx.argument::<JsTypedArray<u8>>(5)?.as_slice(&cx).to_vec();
    let block = cx.argument::<JsTypedArray<u8>>(6)?.as_slice(&cx).to_vec();
    let applied = with_engine(&mut cx, |engine| engine.apply_metrics(handle, &target, &service, &announced, &block))?;
    reply(&mut cx, &applied)
}

fn series(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let service = text_or_null(&mut cx, 3)?;
    let matchers: Vec<series::Matcher> = json(&mut cx, 4, "matchers")?;
    let limit = integer(&mut cx, 5, "limit")?;
    let after = text_or_null(&mut cx, 6)?;
    let found =
        with_engine(&mut cx, |engine| engine.series(handle, service.as_deref(), &matchers, limit, after.as_deref()))?;
    reply(&mut cx, &found)
}

fn label_values(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let (service, name) = (text(&mut cx, 3)?, text(&mut cx, 4)?);
    let limit = integer(&mut cx, 5, "limit")?;
    let found = with_engine(&mut cx, |engine| engine.label_values(handle, &service, &name, limit))?;
    reply(&mut cx, &found)
}

fn range(mut cx: FunctionContext) -> JsResult<JsNumber> {
    let handle = handle(&mut cx)?;
    let id = text(&mut cx, 3)?;
    let asked = asked(&mut cx, 4)?;
    let mut times = cx.argument::<JsTypedArray<f64>>(8)?;
    let mut values = cx.argument::<JsTypedArray<f64>>(9)?;
    let room = times.as_slice(&cx).len().min(values.as_slice(&cx).len());
    let (mut at, mut out) = (vec![0.0; room], vec![0.0; room]);
    let written = with_engine(&mut cx, |engine| engine.range(handle, &id, asked, &mut at, &mut out))?;
    times.as_mut_slice(&mut cx)[..written].copy_from_slice(&at[..written]);
    values.as_mut_slice(&mut cx)[..written].copy_from_slice(&out[..written]);
    Ok(cx.number(written as f64))
}

fn ranges(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let ids: Vec<String> = json(&mut cx, 3, "seriesIds")?;
    let asked = asked(&mut cx, 4)?;
    let rows_max = integer(&mut cx, 8, "rowsMax")?;
    let mut times = cx.argument::<JsTypedArray<f64>>(9)?;
    let mut values = cx.argument::<JsTypedArray<f64>>(10)?;
    let mut counts = cx.argument::<JsTypedArray<f64>>(11)?;
    let room = times.as_slice(&cx).len().min(values.as_slice(&cx).len());
    let (mut at, mut out) = (vec![0.0; room], vec![0.0; room]);
    let mut written = vec![0.0; counts.as_slice(&cx).len()];
    let answered =
        with_engine(&mut cx, |engine| engine.ranges(handle, &ids, asked, rows_max, &mut at, &mut out, &mut written))?;
    times.as_mut_slice(&mut cx)[..room].copy_from_slice(&at);
    values.as_mut_slice(&mut cx)[..room].copy_from_slice(&out);
    counts.as_mut_slice(&mut cx).copy_from_slice(&written);
    reply(&mut cx, &answered)
}

fn begin_ranges(mut cx: FunctionContext) -> JsResult<JsBox<Reading>> {
    let handle = handle(&mut cx)?;
    let ids: Vec<String> = json(&mut cx, 3, "seriesIds")?;
    let asked = asked(&mut cx, 4)?;
    let rows_max = integer(&mut cx, 8, "rowsMax")?;
    let points_max: u32 = integer(&mut cx, 9, "pointsMax")?;
    let slices = with_engine(&mut cx, |engine| engine.slices(handle, &ids, asked, rows_max, points_max as usize))?;
    Ok(cx.boxed(Reading { handle, slices: RefCell::new(slices) }))
}

/// Takes the next slice now and computes it on another thread: what it is, and times and values of its points.
fn next_ranges(mut cx: FunctionContext) -> JsResult<JsPromise> {
    let reading = cx.argument::<JsBox<Reading>>(1)?;
    let slice = {
        let mut slices = reading.slices.borrow_mut();
        with_engine(&mut cx, |engine| engine.take_slice(reading.handle, &mut slices))?
    };
    let is_done = reading.slices.borrow().is_done();
    let bytes = |numbers: Vec<f64>| numbers.into_iter().flat_map(f64::to_le_bytes).collect::<Vec<u8>>();
    let compute = move || {
        let whole = SlicePoints { answered: Answered { is_whole: true, coarse_until: None }, ..Default::default() };
        let SlicePoints { counts, times, values, answered } = slice.map_or(whole, Slice::compute);
        (Read { counts, is_done, answered }, bytes(times), bytes(values))
    };
    Ok(cx.task(compute).promise(|mut cx, (read, times, values)| {
        let Ok(read) = serde_json::to_string(&read) else { return cx.throw_error("a slice does not serialise") };
        let (read, reply) = (cx.string(read), cx.empty_array());
        let times = JsArrayBuffer::from_slice(&mut cx, &times)?;
        let values = JsArrayBuffer::from_slice(&mut cx, &values)?;
        reply.set(&mut cx, 0, read)?;
        reply.set(&mut cx, 1, times)?;
        reply.set(&mut cx, 2, values)?;
        Ok(reply)
    }))
}

/// From, to, step and aggregation in the arguments from `i`.
fn asked(cx: &mut FunctionContext, i: usize) -> NeonResult<series::Asked> {
    let (from, to) = (integer(cx, i, "from")?, integer(cx, i + 1, "to")?);
    let step = integer(cx, i + 2, "stepMs")?;
    let aggregation = match text(cx, i + 3)?.as_str() {
        "last" => series::Aggregation::Last,
        "avg" => series::Aggregation::Avg,
        "min" => series::Aggregation::Min,
        "max" => series::Aggregation::Max,
        "sum" => series::Aggregation::Sum,
        "count" => series::Aggregation::Count,
        "increase" => series::Aggregation::Increase,
        "rate" => series::Aggregation::Rate,
        other => return invalid(cx, "aggregation", format!("{other} is unknown")),
    };
    Ok(series::Asked { from, to, step, aggregation })
}
