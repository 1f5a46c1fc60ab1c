/** Long work that gives way to other requests. */
import { setImmediate as othersFirst } from 'node:timers/promises'

const SLICE_MS = 10

/** Runs work to its end, which yields wherever it may pause; it pauses after SLICE_MS without one. */
export async function inSlices<T>(work: Generator<undefined, T>): Promise<T> {
  let until = performance.now() + SLICE_MS
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    if (performance.now() < until) continue
    await othersFirst()
    until = performance.now() + SLICE_MS
  }
}
