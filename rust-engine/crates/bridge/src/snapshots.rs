use crate::call::{Held, handle, integer, json, number, text, throw, with_engine, with_held};
use neon::prelude::*;
use serde::Serialize;
use snapshot::{Offsets, SnapshotInfo, Wanted};
use std::path::PathBuf;

pub fn export(cx: &mut ModuleContext) -> NeonResult<()> {
    cx.export_function("snapshot", snapshot)?;
    cx.export_function("restoreShard", restore_shard)
}

/// The pages are copied now; sealing and writing happen off the event loop.
fn snapshot(mut cx: FunctionContext) -> JsResult<JsPromise> {
    let handle = handle(&mut cx)?;
    let wanted = Wanted {
        folder: PathBuf::from(text(&mut cx, 3)?),
        shard: handle.shard,
        writer: text(&mut cx, 4)?,
        offsets: json(&mut cx, 5, "offsets")?,
        clock: number(&mut cx, 6)?,
        state_hash: String::new(),
    };
    let key_file = PathBuf::from(text(&mut cx, 7)?);
    let image = with_engine(&mut cx, |engine| engine.image(handle))?;
    let promise =
        cx.task(move || shard::write_snapshot(wanted, &key_file, &image)).promise(|mut cx, written| match written {
            Ok(info) => text_of(&mut cx, &info),
            Err(error) => throw(&mut cx, &error),
        });
    Ok(promise)
}

/// Without generation and info: nothing was usable.
#[derive(Serialize)]
struct Restored {
    generation: Option<u32>,
    info: Option<SnapshotInfo>,
    refused: Vec<String>,
}

/// Reading, opening and checking happen off the event loop; then the pages are copied into the pool.
fn restore_shard(mut cx: FunctionContext) -> JsResult<JsPromise> {
    let held = cx.argument::<JsBox<Held>>(0)?.root(&mut cx);
    let shard: u16 = integer(&mut cx, 1)?;
    let folder = PathBuf::from(text(&mut cx, 2)?);
    let committed: Offsets = json(&mut cx, 3, "committed")?;
    let key_file = PathBuf::from(text(&mut cx, 4)?);
    let task = cx.task(move || shard::find_snapshot(&folder, shard, &committed, &key_file));
    let promise = task.promise(move |mut cx, searched| {
        let held = held.into_inner(&mut cx);
        let searched = match searched {
            Ok(searched) => searched,
            Err(error) => return throw(&mut cx, &error),
        };
        let shard::Restored { loaded, refused } = with_held(&mut cx, &held, |engine| engine.restore(shard, searched))?;
        let (generation, info) = loaded.map(|(handle, info)| (handle.generation, info)).unzip();
        text_of(&mut cx, &Restored { generation, info, refused })
    });
    Ok(promise)
}

fn text_of<'cx, T: Serialize>(cx: &mut Cx<'cx>, value: &T) -> JsResult<'cx, JsString> {
    match serde_json::to_string(value) {
        Ok(text) => Ok(cx.string(text)),
        Err(error) => cx.throw_error(error.to_string()),
    }
}
