use crate::call::{Held, handle, integer, json, number, text, throw, with_engine, with_held};
use neon::event::{Channel, JoinHandle};
use neon::prelude::*;
use serde::Serialize;
use shard::{EngineError, Handle, RestoreStep};
use snapshot::{Offsets, SnapshotInfo, Wanted};
use std::collections::VecDeque;
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
        let written = written.unwrap_or_else(|_| Err(EngineError::writer_broke()));
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

/// Reading, opening and checking happen on a thread of their own; the pages are installed between other work of the event
/// loop, at most two batches of 512 KiB ahead of it.
fn restore_shard(mut cx: FunctionContext) -> JsResult<JsPromise> {
    // A search that finds nothing would not meet the engine at all.
    with_engine(&mut cx, |_| Ok(()))?;
    let held = Arc::new(cx.argument::<JsBox<Held>>(0)?.root(&mut cx));
    let shard: u16 = integer(&mut cx, 1, "shard")?;
    let folder = PathBuf::from(text(&mut cx, 2)?);
    let committed: Offsets = json(&mut cx, 3, "committed")?;
    let key_file = PathBuf::from(text(&mut cx, 4)?);
    let (deferred, promise) = cx.promise();
    let channel = cx.channel();
    thread::spawn(move || {
        let mut steps = Steps { channel: channel.clone(), held, ahead: VecDeque::new(), begun: None };
        let restore = || shard::restore(&folder, shard, &committed, &key_file, &mut |step| steps.take(step));
        let restored = catch_unwind(AssertUnwindSafe(restore)).unwrap_or_else(|_| {
            if let Some(handle) = steps.begun {
                // What it got is given back; that the reader broke is told all the same.
                let _ = steps.take(RestoreStep::Abandon(handle));
            }
            Err(EngineError::reader_broke())
        });
        let _ = deferred.try_settle_with(&channel, move |mut cx| match restored {
            Ok(shard::Restored { loaded, refused }) => {
                let (generation, info) = loaded.map(|(handle, info)| (handle.generation, info)).unzip();
                text_of(&mut cx, &Restored { generation, info, refused })
            }
            Err(error) => throw(&mut cx, &error),
        });
    });
    Ok(promise)
}

/// Batches that wait for the event loop beside the one that the reader fills.
const AHEAD_MAX: usize = 2;

/// Takes the steps of a restore to the event loop.
struct Steps {
    channel: Channel,
    held: Arc<Root<JsBox<Held>>>,
    ahead: VecDeque<JoinHandle<Result<Handle, EngineError>>>,
    begun: Option<Handle>,
}

impl Steps {
    /// Waits for the step, except that pages may still be on their way.
    fn take(&mut self, step: RestoreStep) -> Result<Handle, EngineError> {
        let ahead_max = match step {
            RestoreStep::Install(..) => AHEAD_MAX,
            _ => 0,
        };
        let on_its_way = matches!(step, RestoreStep::Install(..)).then_some(self.begun).flatten();
        match step {
            // They come before it all the same, and what became of them does not matter any more.
            RestoreStep::Abandon(_) => self.ahead.clear(),
            _ => _ = self.wait(ahead_max)?,
        }
        let held = Arc::clone(&self.held);
        let sent = self.channel.try_send(move |mut cx| {
            let held = held.to_inner(&mut cx);
            Ok(held.run(|engine| engine.restore_step(step)))
        });
        // Refused when the event loop has ended; then nobody waits for the shard either.
        self.ahead.push_back(sent.map_err(|_| EngineError::EngineBroken)?);
        match on_its_way {
            Some(handle) => Ok(handle),
            None => {
                let handle = self.wait(0)?;
                self.begun = handle;
                handle.ok_or(EngineError::EngineBroken)
            }
        }
    }

    /// Until at most so many are on their way; the last one's handle.
    fn wait(&mut self, ahead_max: usize) -> Result<Option<Handle>, EngineError> {
        let mut last = None;
        while self.ahead.len() > ahead_max
            && let Some(sent) = self.ahead.pop_front()
        {
            last = Some(sent.join().map_err(|_| EngineError::EngineBroken)??);
        }
        Ok(last)
    }
}

fn text_of<'cx, T: Serialize>(cx: &mut Cx<'cx>, value: &T) -> JsResult<'cx, JsString> {
    match serde_json::to_string(value) {
        Ok(text) => Ok(cx.string(text)),
        Err(error) => cx.throw_error(error.to_string()),
    }
}
