//! What every exported function shares: arguments, the engine behind its box, results and errors.

use neon::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use shard::{Engine, EngineError, Handle};
use std::cell::RefCell;

/// The engine of one `openEngine`.
pub struct Held {
    engine: RefCell<Engine>,
    /// A call panicked half-way: what the pages hold is not to be trusted any more.
    broken: RefCell<bool>,
}

impl Finalize for Held {}

impl Held {
    pub fn new(engine: Engine) -> Self {
        Self { engine: RefCell::new(engine), broken: RefCell::new(false) }
    }

    /// Runs a call on the engine; none after one that broke.
    pub fn run<T>(&self, call: impl FnOnce(&mut Engine) -> Result<T, EngineError>) -> Result<T, EngineError> {
        if self.broken.replace(true) {
            return Err(EngineError::EngineBroken);
        }
        let result = call(&mut self.engine.borrow_mut());
        self.broken.replace(false);
        result
    }
}

/// Throws an error of ours.
pub fn throw<'cx, T>(cx: &mut Cx<'cx>, error: &EngineError) -> NeonResult<T> {
    let text = error.describe().to_string();
    cx.throw_error(text)
}

/// Runs a call on the engine that is the first argument.
pub fn with_engine<'cx, T>(
    cx: &mut FunctionContext<'cx>,
    call: impl FnOnce(&mut Engine) -> Result<T, EngineError>,
) -> NeonResult<T> {
    let held = cx.argument::<JsBox<Held>>(0)?;
    with_held(cx, &held, call)
}

/// Runs a call on an engine.
pub fn with_held<'cx, T>(
    cx: &mut Cx<'cx>,
    held: &Held,
    call: impl FnOnce(&mut Engine) -> Result<T, EngineError>,
) -> NeonResult<T> {
    match held.run(call) {
        Ok(value) => Ok(value),
        Err(error) => throw(cx, &error),
    }
}

/// The shard handle in arguments 1 and 2.
pub fn handle(cx: &mut FunctionContext) -> NeonResult<Handle> {
    Ok(Handle { shard: integer(cx, 1, "shard")?, generation: integer(cx, 2, "generation")? })
}

pub fn text(cx: &mut FunctionContext, i: usize) -> NeonResult<String> {
    Ok(cx.argument::<JsString>(i)?.value(cx))
}

/// None for null.
pub fn text_or_null(cx: &mut FunctionContext, i: usize) -> NeonResult<Option<String>> {
    let value = cx.argument::<JsValue>(i)?;
    match value.downcast::<JsString, _>(cx) {
        Ok(text) => Ok(Some(text.value(cx))),
        Err(_) => Ok(None),
    }
}

pub fn number(cx: &mut FunctionContext, i: usize) -> NeonResult<f64> {
    Ok(cx.argument::<JsNumber>(i)?.value(cx))
}

pub fn flag(cx: &mut FunctionContext, i: usize) -> NeonResult<bool> {
    Ok(cx.argument::<JsBoolean>(i)?.value(cx))
}

/// A whole number that fits the wanted type; another is refused with the argument's name.
pub fn integer<T: TryFrom<i64>>(cx: &mut FunctionContext, i: usize, field: &'static str) -> NeonResult<T> {
    let value = number(cx, i)?;
    let whole = (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_991.0).then_some(value as i64);
    match whole.and_then(|whole| T::try_from(whole).ok()) {
        Some(whole) => Ok(whole),
        None => invalid(cx, field, format!("{value} is out of range")),
    }
}

/// None for null.
pub fn integer_or_null<T: TryFrom<i64>>(
    cx: &mut FunctionContext,
    i: usize,
    field: &'static str,
) -> NeonResult<Option<T>> {
    let value = cx.argument::<JsValue>(i)?;
    if value.is_a::<JsNull, _>(cx) { Ok(None) } else { integer(cx, i, field).map(Some) }
}

/// An argument that is JSON text.
pub fn json<T: DeserializeOwned>(cx: &mut FunctionContext, i: usize, field: &'static str) -> NeonResult<T> {
    let text = text(cx, i)?;
    shard::argument(field, &text).or_else(|error| throw(cx, &error))
}

pub fn invalid<T>(cx: &mut FunctionContext, field: &'static str, reason: String) -> NeonResult<T> {
    throw(cx, &EngineError::RecordInvalid { field, reason })
}

/// A result as JSON text.
pub fn reply<'cx, T: Serialize>(cx: &mut FunctionContext<'cx>, value: &T) -> JsResult<'cx, JsString> {
    match serde_json::to_string(value) {
        Ok(text) => Ok(cx.string(text)),
        Err(error) => cx.throw_error(error.to_string()),
    }
}
