use crate::call::{handle, integer, text, with_engine};
use neon::{prelude::*, types::buffer::TypedArray};

pub fn export(cx: &mut ModuleContext) -> NeonResult<()> {
    cx.export_function("timingsAdd", timings_add)?;
    cx.export_function("timingsRead", timings_read)
}

fn timings_add(mut cx: FunctionContext) -> JsResult<JsUndefined> {
    let handle = handle(&mut cx)?;
    let scope = text(&mut cx, 3)?;
    let at = integer(&mut cx, 4, "at")?;
    let row = cx.argument::<JsTypedArray<f64>>(5)?;
    let row = row.as_slice(&cx).to_vec();
    with_engine(&mut cx, |engine| engine.timings_add(handle, &scope, at, &row))?;
    Ok(cx.undefined())
}

fn timings_read(mut cx: FunctionContext) -> JsResult<JsNumber> {
    let handle = handle(&mut cx)?;
    let scope = text(&mut cx, 3)?;
    let mut out = cx.argument::<JsTypedArray<f64>>(4)?;
    let mut numbers = out.as_slice(&cx).to_vec();
    let rows = with_engine(&mut cx, |engine| engine.timings_read(handle, &scope, &mut numbers))?;
    out.as_mut_slice(&mut cx).copy_from_slice(&numbers);
    Ok(cx.number(rows as f64))
}
