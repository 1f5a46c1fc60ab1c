import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLogFile } from './logFile.mjs'

const tailLinesMax = 25
const probeEveryMs = 100
const waitingEveryMsDefault = 15_000

export class ServerNotReady extends Error {
  constructor(name, reason, logPath, tail, crashed) {
    super(
      `${name} ${reason}; its last lines (all of them: ${logPath}):\n${tail.map((line) => `    ${line}`).join('\n') || '    (none)'}`,
    )
    this.name = 'ServerNotReady'
    this.tail = tail
    this.crashed = crashed
  }
}

/**
 * Starts a long-running process and waits until `ready()` is true, for at most `readyLimitMs`. Where `waitingFor()` is given, the
 * limit ends only a process that does not answer: it gives what the process says that it waits for, null when it says
 * nothing, and `onWaiting` gets it as a sentence.
 * `onSpawn` gets the process id at once; `onLine` sees each line that it prints; all lines go to the log file. `exited`
 * resolves with how it ended.
 */
export async function startServer({
  name,
  command,
  args,
  cwd,
  env = process.env,
  logPath,
  ready,
  readyLimitMs,
  stopLimitMs = 20_000,
  onLine = () => {},
  onSpawn = () => {},
  waitingFor = null,
  onWaiting = () => {},
  waitingEveryMs = waitingEveryMsDefault,
  signal,
}) {
  signal?.throwIfAborted()
  const log = openLogFile(logPath)
  const tail = []
  // An own process group: Ctrl-C in a terminal reaches a whole group, and would stop everything at once instead of in order.
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  if (child.pid !== undefined) onSpawn(child.pid)
  const take = (line) => {
    tail.push(line)
    if (tail.length > tailLinesMax) tail.shift()
    log.write(line)
    onLine(line)
  }
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', take)

  let ended = null
  const exited = new Promise((resolve) => {
    child.once('error', (error) =>
      resolve((ended = { code: null, by: null, text: `could not start: ${error.message}` })),
    )
    child.once('close', (code, by) =>
      resolve((ended ??= { code, by, text: by ? `was ended by ${by}` : `ended with exit code ${code}` })),
    )
  })
  const lastResort = () => child.kill('SIGTERM')
  process.once('exit', lastResort)
  void exited.then(() => {
    process.removeListener('exit', lastResort)
    return log.close()
  })

  const stop = async () => {
    if (ended === null) child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
    await exited
    clearTimeout(timer)
    return ended
  }
  const kill = async () => {
    if (ended === null) child.kill('SIGKILL')
    return exited
  }

  const began = Date.now()
  let [askedAt, answeredAt] = [began, began]
  const ask = async () => {
    askedAt = Date.now()
    const what = await waitingFor()
    if (what === null || ended !== null) return
    answeredAt = Date.now()
    onWaiting(`${name} is up, but not ready after ${Math.round((answeredAt - began) / 1000)} s: ${what}`)
  }
  try {
    while (!(ended === null && (await ready()))) {
      if (ended !== null) throw new ServerNotReady(name, ended.text, logPath, tail, true)
      if (waitingFor !== null && Date.now() - askedAt >= waitingEveryMs) await ask()
      if (Date.now() - answeredAt > readyLimitMs) {
        const limit = `${Math.round(readyLimitMs / 1000)} s`
        const why = answeredAt === began ? `was not ready within ${limit}` : `has not answered for ${limit}`
        throw new ServerNotReady(name, why, logPath, tail, false)
      }
      await Promise.race([sleep(probeEveryMs, undefined, { signal }), exited])
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { name, pid: child.pid, logPath, exited, stop, kill }
}

/** What a process of ours that is up tells of its readiness; null: it does not answer on /healthz. */
export async function readinessOf(url) {
  if (!(await answers(`${url}/healthz`))) return null
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })
    const { ready: _ready, process: _process, ...detail } = await response.json()
    return Object.entries(detail)
      .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
      .join(', ')
  } catch {
    return 'it does not say why'
  }
}

/** Whether a GET is answered with 200 within two seconds. */
export async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}
