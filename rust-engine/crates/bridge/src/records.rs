use crate::call::{
    flag, handle, integer, integer_or_null, invalid, json, number, reply, text, text_or_null, with_engine,
};
use neon::{prelude::*, types::buffer::TypedArray};

pub fn export(cx: &mut ModuleContext) -> NeonResult<()> {
    cx.export_function("applyDeployment", apply_deployment)?;
    cx.export_function("attachPrediction", attach_prediction)?;
    cx.export_function("deployment", deployment)?;
    cx.export_function("deployments", deployments)?;
    cx.export_function("changeOf", change_of)?;
    cx.export_function("rollingAdd", rolling_add)?;
    cx.export_function("rollingRead", rolling_read)?;
    cx.export_function("bucketsAdd", buckets_add)?;
    cx.export_function("bucketsRead", buckets_read)?;
    cx.export_function("applyIncident", apply_incident)?;
    cx.export_function("incident", incident)?;
    cx.export_function("incidentsWithKey", incidents_with_key)?;
    cx.export_function("incidents", incidents)?;
    cx.export_function("applyInfrastructure", apply_infrastructure)?;
    cx.export_function("resources", resources)?;
    cx.export_function("service", service)?;
    cx.export_function("services", services)
}

fn apply_deployment(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let event = text(&mut cx, 3)?;
    let at = integer(&mut cx, 4, "at")?;
    let applied = with_engine(&mut cx, |engine| engine.apply_deployment(handle, &event, at))?;
    reply(&mut cx, &applied)
}

fn attach_prediction(mut cx: FunctionContext) -> JsResult<JsBoolean> {
    let handle = handle(&mut cx)?;
    let service = text(&mut cx, 3)?;
    let key = text(&mut cx, 4)?;
    let attempt = integer(&mut cx, 5, "attempt")?;
    let prediction = text(&mut cx, 6)?;
    let kept = with_engine(&mut cx, |engine| engine.attach_prediction(handle, &service, &key, attempt, &prediction))?;
    Ok(cx.boolean(kept))
}

fn deployment(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let service = text(&mut cx, 3)?;
    let key = text(&mut cx, 4)?;
    let at = integer_or_null(&mut cx, 5, "at")?;
    let found = with_engine(&mut cx, |engine| engine.deployment(handle, &service, &key, at))?;
    reply(&mut cx, &found)
}

fn deployments(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let filter = json(&mut cx, 3, "filter")?;
    let limit = integer(&mut cx, 4, "limit")?;
    let cursor = text_or_null(&mut cx, 5)?;
    let page = with_engine(&mut cx, |engine| engine.deployments(handle, &filter, limit, cursor.as_deref()))?;
    reply(&mut cx, &page)
}

fn change_of(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let service = text(&mut cx, 3)?;
    let sha = text(&mut cx, 4)?;
    let size = with_engine(&mut cx, |engine| engine.change_of(handle, &service, &sha))?;
    reply(&mut cx, &size)
}

fn rolling_add(mut cx: FunctionContext) -> JsResult<JsUndefined> {
    let handle = handle(&mut cx)?;
    let scopes: Vec<String> = json(&mut cx, 3, "scopes")?;
    let at = integer(&mut cx, 4, "at")?;
    let failed = flag(&mut cx, 5)?;
    let duration = number(&mut cx, 6)?;
    with_engine(&mut cx, |engine| engine.rolling_add(handle, &scopes, at, failed, duration))?;
    Ok(cx.undefined())
}

fn rolling_read(mut cx: FunctionContext) -> JsResult<JsUndefined> {
    let handle = handle(&mut cx)?;
    let scopes: Vec<String> = json(&mut cx, 3, "scopes")?;
    let at = integer(&mut cx, 4, "at")?;
    let mut fields = vec![0.0; scopes.len() * store::ROLLING_WIDTH];
    with_engine(&mut cx, |engine| engine.rolling_read(handle, &scopes, at, &mut fields))?;
    let mut out = cx.argument::<JsTypedArray<f64>>(5)?;
    match out.as_mut_slice(&mut cx).get_mut(..fields.len()) {
        Some(room) => room.copy_from_slice(&fields),
        None => return invalid(&mut cx, "out", format!("too short for {} scopes", scopes.len())),
    }
    Ok(cx.undefined())
}

fn buckets_add(mut cx: FunctionContext) -> JsResult<JsUndefined> {
    let handle = handle(&mut cx)?;
    let scope = text(&mut cx, 3)?;
    let at = integer(&mut cx, 4, "at")?;
    let failed = flag(&mut cx, 5)?;
    with_engine(&mut cx, |engine| engine.buckets_add(handle, &scope, at, failed))?;
    Ok(cx.undefined())
}

fn buckets_read(mut cx: FunctionContext) -> JsResult<JsUndefined> {
    let handle = handle(&mut cx)?;
    let scope = text(&mut cx, 3)?;
    let buckets = match text(&mut cx, 4)?.as_str() {
        "hour_of_week" => store::Buckets::HourOfWeek,
        "day" => store::Buckets::Day,
        other => return invalid(&mut cx, "buckets", format!("{other} is unknown")),
    };
    let first = integer(&mut cx, 5, "first")?;
    let mut out = cx.argument::<JsTypedArray<f64>>(6)?;
    let mut counts = vec![0.0; out.as_slice(&cx).len()];
    with_engine(&mut cx, |engine| engine.buckets_read(handle, &scope, buckets, first, &mut counts))?;
    out.as_mut_slice(&mut cx).copy_from_slice(&counts);
    Ok(cx.undefined())
}

fn apply_incident(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let event = text(&mut cx, 3)?;
    let at = integer(&mut cx, 4, "at")?;
    let applied = with_engine(&mut cx, |engine| engine.apply_incident(handle, &event, at))?;
    reply(&mut cx, &applied)
}

fn incident(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let service = text(&mut cx, 3)?;
    let key = text(&mut cx, 4)?;
    let at = integer_or_null(&mut cx, 5, "at")?;
    let found = with_engine(&mut cx, |engine| engine.incident(handle, &service, &key, at))?;
    reply(&mut cx, &found)
}

fn incidents_with_key(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let key = text(&mut cx, 3)?;
    let limit = integer(&mut cx, 4, "limit")?;
    let found = with_engine(&mut cx, |engine| engine.incidents_with_key(handle, &key, limit))?;
    reply(&mut cx, &found)
}

fn incidents(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let filter = json(&mut cx, 3, "filter")?;
    let limit = integer(&mut cx, 4, "limit")?;
    let cursor = text_or_null(&mut cx, 5)?;
    let page = with_engine(&mut cx, |engine| engine.incidents(handle, &filter, limit, cursor.as_deref()))?;
    reply(&mut cx, &page)
}

fn apply_infrastructure(mut cx: FunctionContext) -> JsResult<JsBoolean> {
    let handle = handle(&mut cx)?;
    let event = text(&mut cx, 3)?;
    let changed = with_engine(&mut cx, |engine| engine.apply_infrastructure(handle, &event))?;
    Ok(cx.boolean(changed))
}

fn resources(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let service = text(&mut cx, 3)?;
    let limit = integer(&mut cx, 4, "limit")?;
    let found = with_engine(&mut cx, |engine| engine.resources(handle, &service, limit))?;
    reply(&mut cx, &found)
}

fn service(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let name = text(&mut cx, 3)?;
    let found = with_engine(&mut cx, |engine| engine.service(handle, &name))?;
    reply(&mut cx, &found)
}

fn services(mut cx: FunctionContext) -> JsResult<JsString> {
    let handle = handle(&mut cx)?;
    let limit = integer(&mut cx, 3, "limit")?;
    let cursor = text_or_null(&mut cx, 4)?;
    let page = with_engine(&mut cx, |engine| engine.services(handle, limit, cursor.as_deref()))?;
    reply(&mut cx, &page)
}
