import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { answers, readinessOf, startServer } from './serverProcess.mjs'

// Of a process that does not answer. One that does may restore for as long as its log takes: it would begin anew if stopped.
const readyLimitMs = 180_000
const stopLimitMs = 25_000
const errorLevels = new Set(['error', 'fatal'])
const errorsShownMax = 5
const errorsWindowMs = 10_000

const entryPoints = {
  gateway: 'producers/main.ts',
  consumer: 'consumers/main.ts',
  trainer: 'consumers/trainer/main.ts',
  adapter: 'adapters/main.ts',
}

/** The pinned Node 24 of the npm package `node`, which runs TypeScript as it is. */
export function pinnedNode(repository) {
  const path = join(repository, 'node_modules', '.bin', 'node')
  if (!existsSync(path)) throw new Error(`${path} is missing: delete node_modules and start again`)
  return path
}

/** What `supervise` needs to start one of ours: it is ready when /readyz answers 200. */
export function processStart({ repository, listener, env, logs, say }) {
  const { name, url } = listener
  return (signal, onSpawn) =>
    startServer({
      name: `the ${name}`,
      command: pinnedNode(repository),
      args: ['--disable-warning=TimeoutNegativeWarning', entryPoints[name]],
      cwd: repository,
      env,
      logPath: join(logs, `${name}.log`),
      readyLimitMs,
      stopLimitMs,
      signal,
      onSpawn,
      onLine: errorsShown(name, say),
      ready: () => answers(`${url}/readyz`),
      waitingFor: () => readinessOf(url),
      onWaiting: (text) => say(`  ${text}`),
    })
}

/** Repeats a process's errors on the terminal, at most a few in ten seconds; the log file has all. */
function errorsShown(name, say, now = Date.now) {
  let windowAt = 0
  let shown = 0
  return (line) => {
    const text = errorText(line)
    if (text === null) return
    if (now() - windowAt > errorsWindowMs) {
      windowAt = now()
      shown = 0
    }
    shown += 1
    if (shown <= errorsShownMax) say(`[${name}] ${text}`)
    if (shown === errorsShownMax)
      say(`[${name}] further errors of these ${errorsWindowMs / 1000} s are in its log only`)
  }
}

export function errorText(line) {
  let entry
  try {
    entry = JSON.parse(line)
  } catch {
    return /^\w*(Error|Warning): /.test(line) ? line : null
  }
  if (!errorLevels.has(entry?.level)) return null
  const cause = entry.err?.message ?? entry.error?.message ?? entry.error
  return [entry.msg, typeof cause === 'string' && cause !== entry.msg ? cause : null]
    .filter(Boolean)
    .join(': ')
    .slice(0, 400)
}
