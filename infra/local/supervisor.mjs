import { setTimeout as sleep } from 'node:timers/promises'

export const backoff = { firstMs: 500, maxMs: 30_000, steadyMs: 60_000 }

/** Milliseconds before the restart after the `crashes`-th crash in a row: doubling, with jitter over its upper half. */
export function restartDelayMs(crashes, random, { firstMs, maxMs } = backoff) {
  const full = Math.min(maxMs, firstMs * 2 ** (crashes - 1))
  return Math.round(full / 2 + (random() * full) / 2)
}

/**
 * The first start of a process that may meet servers which are themselves just up: a crash before it is ready is reported
 * and tried again, a few times; what fails every time, as a wrong setting does, is the caller's to show.
 */
export async function startPatiently(
  start,
  signal,
  { report, attemptsMax = 3, random = Math.random, limits = backoff },
) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(signal)
    } catch (error) {
      if (signal.aborted || error.crashed !== true || attempt === attemptsMax) throw error
      const delayMs = restartDelayMs(attempt, random, limits)
      report(`${error.message.split('; its last lines')[0]}, and is tried again in ${(delayMs / 1000).toFixed(1)} s`)
      await sleep(delayMs, undefined, { signal })
    }
  }
}

/**
 * Keeps one server running. `start(signal)` starts it and resolves when it is ready; the first start is the caller's to
 * judge (it rejects here), later ones are repeated until one holds. Crashes more than `steadyMs` apart count from one again.
 */
export async function supervise(
  name,
  start,
  { report, onRunning = () => {}, onEnded = () => {}, random = Math.random, limits = backoff },
) {
  const stopping = new AbortController()
  let server = await start(stopping.signal)
  let readyAt = Date.now()
  onRunning(server)

  const watch = async () => {
    let crashes = 0
    for (;;) {
      const ended = await server.exited
      onEnded()
      if (stopping.signal.aborted) return
      crashes = Date.now() - readyAt > limits.steadyMs ? 1 : crashes + 1
      report(`${name} ${ended.text}`)
      for (;;) {
        const delayMs = restartDelayMs(crashes, random, limits)
        report(`${name} starts again in ${(delayMs / 1000).toFixed(1)} s (log: ${server.logPath})`)
        try {
          await sleep(delayMs, undefined, { signal: stopping.signal })
          server = await start(stopping.signal)
          break
        } catch (error) {
          if (stopping.signal.aborted) return
          crashes += 1
          report(error.message)
        }
      }
      if (stopping.signal.aborted) {
        // Became ready in the moment in which the stop was asked for, which saw only its predecessor.
        await server.stop()
        return
      }
      readyAt = Date.now()
      onRunning(server)
      report(`${name} is ready again (process ${server.pid})`)
    }
  }
  const watching = watch()

  const end = async (how) => {
    stopping.abort()
    const ended = await server[how]()
    await watching
    return ended
  }
  return {
    name,
    get pid() {
      return server.pid
    },
    stop: () => end('stop'),
    kill: () => end('kill'),
  }
}
