use crate::call::{integer, json, text};
use codec::{Batch, Decoded, Limits, Malformed, RemoteWriteDecoder};
use neon::{
    prelude::*,
    types::{JsArrayBuffer, buffer::TypedArray},
};
use serde::Serialize;
use std::cell::RefCell;

/// A decoder with what it announced.
struct Decoder(RefCell<RemoteWriteDecoder>);

impl Finalize for Decoder {}

pub fn export(cx: &mut ModuleContext) -> NeonResult<()> {
    cx.export_function("openRemoteWrite", open)?;
    cx.export_function("decodeRemoteWrite", decode)?;
    cx.export_function("forgetTarget", forget)
}

fn open(mut cx: FunctionContext) -> JsResult<JsBox<Decoder>> {
    let limits: Limits = json(&mut cx, 0, "limits")?;
    Ok(cx.boxed(Decoder(RefCell::new(RemoteWriteDecoder::new(limits)))))
}

/// A batch and where its bytes end in the buffer: first what it announces, then its block.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Described<'a> {
    #[serde(flatten)]
    batch: &'a Batch,
    announced_bytes: usize,
    block_bytes: usize,
}

fn decode(mut cx: FunctionContext) -> JsResult<JsArray> {
    let decoder = cx.argument::<JsBox<Decoder>>(0)?;
    let now_ms = integer(&mut cx, 2, "nowMs")?;
    let body = cx.argument::<JsTypedArray<u8>>(1)?;
    let decoded = decoder.0.borrow_mut().decode(body.as_slice(&cx), now_ms);
    let Decoded { batches, ahead } = match decoded {
        Ok(decoded) => decoded,
        Err(Malformed { field, reason, above_limit }) => {
            let error = serde_json::json!({
                "name": "RemoteWriteInvalid", "field": field, "reason": reason, "aboveLimit": above_limit,
            });
            return cx.throw_error(error.to_string());
        }
    };
    let described = batches.iter().map(|batch| Described {
        batch,
        announced_bytes: batch.announced.len(),
        block_bytes: batch.block.len(),
    });
    let described: Vec<_> = described.collect();
    let Ok(described) = serde_json::to_string(&described) else { return cx.throw_error("batches do not serialise") };
    let parts: Vec<&[u8]> = batches.iter().flat_map(|batch| [batch.announced.as_slice(), &batch.block]).collect();
    let bytes = JsArrayBuffer::from_slice(&mut cx, &parts.concat())?;
    let described = cx.string(described);
    let ahead = cx.number(ahead as f64);
    let reply = cx.empty_array();
    reply.set(&mut cx, 0, described)?;
    reply.set(&mut cx, 1, bytes)?;
    reply.set(&mut cx, 2, ahead)?;
    Ok(reply)
}

fn forget(mut cx: FunctionContext) -> JsResult<JsUndefined> {
    let decoder = cx.argument::<JsBox<Decoder>>(0)?;
    let target = text(&mut cx, 1)?;
    decoder.0.borrow_mut().forget(&target);
    Ok(cx.undefined())
}
