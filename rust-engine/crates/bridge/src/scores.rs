use crate::call::{handle, integer, invalid, reply, text, text_or_null, with_engine};
use neon::{prelude::*, types::buffer::TypedArray};
use store::{SCORE_WIDTH, ScoreFields, Subject};

pub fn export(cx: &mut ModuleContext) -> NeonResult<()> {
    cx.export_function("scoreAdd", score_add)?;
    cx.export_function("scoresRead", scores_read)
}

fn score_add(mut cx: FunctionContext) -> JsResult<JsBoolean> {
    let handle = handle(&mut cx)?;
    let service = text(&mut cx, 3)?;
    let subject = subject(&mut cx, 4)?;
    let prediction = text(&mut cx, 5)?;
    let given = cx.argument::<JsTypedArray<f64>>(6)?;
    let Ok(fields) = ScoreFields::try_from(given.as_slice(&cx)) else {
        return invalid(&mut cx, "fields", format!("{SCORE_WIDTH} numbers are wanted"));
    };
    let is_new = with_engine(&mut cx, |engine| engine.score_add(handle, &service, subject, &prediction, &fields))?;
    Ok(cx.boolean(is_new))
}

fn scores_read(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let service = text_or_null(&mut cx, 3)?;
    let subject = subject(&mut cx, 4)?;
    let window = (integer(&mut cx, 5, "from")?, integer(&mut cx, 6, "to")?);
    let cursor = text_or_null(&mut cx, 7)?;
    let mut out = cx.argument::<JsTypedArray<f64>>(8)?;
    let mut numbers = vec![0.0; out.as_slice(&cx).len()];
    if numbers.len() < SCORE_WIDTH {
        return invalid(&mut cx, "out", format!("{} numbers have no room for one score", numbers.len()));
    }
    let read = with_engine(&mut cx, |engine| {
        engine.scores_read(handle, service.as_deref(), subject, window, cursor.as_deref(), &mut numbers)
    })?;
    let written = read.rows * SCORE_WIDTH;
    out.as_mut_slice(&mut cx)[..written].copy_from_slice(&numbers[..written]);
    reply(&mut cx, &read)
}

fn subject(cx: &mut FunctionContext, i: usize) -> NeonResult<Subject> {
    match text(cx, i)?.as_str() {
        "deployment" => Ok(Subject::Deployment),
        "ci_run" => Ok(Subject::CiRun),
        other => invalid(cx, "subject", format!("{other} is unknown")),
    }
}
