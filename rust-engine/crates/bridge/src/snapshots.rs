use crate::call::{Held, handle, integer, json, number, text, throw, with_engine, with_held};
use neon::prelude::*;
use serde::Serialize;
use snapshot::{Offsets, SnapshotInfo, Wanted};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

pub fn export(cx: &mut ModuleContext) -> NeonResult<()> {
    cx.export_function("snapshot", snapshot)?;
    cx.export_function("restoreShard", restore_shard)
}

/// The cut is made now. A thread of its own seals and writes; it asks for the pages in slices, which are copied between
/// other work of the event loop. Not a task of libuv's pool: a change that waits for the writer must be sure that it runs.
fn snapshot(mut cx: FunctionContext) -> JsResult<JsPromise> {
    let handle = handle(&mut cx)?;
    let wanted = Wanted {
        folder: PathBuf::from(text(&mut cx, 3)?),
        shard: handle.shard,
        writer: text(&mut cx, 4)?,
        offsets: json(&mut cx, 5, "offsets")?,
        clock: number(&mut cx, 6)?,
    };
    let key_file = PathBuf::from(text(&mut cx, 7)?);
    let held = Arc::new(cx.argument::<JsBox<Held>>(0)?.root(&mut cx));
    let writing = with_engine(&mut cx, |engine| engine.begin_snapshot(handle, wanted))?;
    let (deferred, promise) = cx.promise();
    let channel = cx.channel();
    let write = move || {
        let mut ask = || {
            let held = Arc::clone(&held);
            // Refused when the event loop has ended; then nobody waits for the snapshot either.
            let _ = channel.try_send(move |mut cx| {
                let held = held.to_inner(&mut cx);
                with_held(&mut cx, &held, |engine| {
                    engine.copy_slice(handle);
                    Ok(())
                })
            });
        };
        let written = catch_unwind(AssertUnwindSafe(|| writing.run(&key_file, &mut ask)));
        let written = written.unwrap_or_else(|_| Err(shard::EngineError::writer_broke()));
        let _ = deferred.try_settle_with(&channel, move |mut cx| {
            let held = held.to_inner(&mut cx);
            let info = with_held(&mut cx, &held, |engine| engine.finish_snapshot(handle, writing, written))?;
            text_of(&mut cx, &info)
        });
    };
    thread::spawn(write);
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
