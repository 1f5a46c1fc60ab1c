import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const tailLinesMax = 40
const killAfterMs = 5_000

export class CommandFailed extends Error {
  constructor(title, reason, tail) {
    super(`${title}: ${reason}${tail.length > 0 ? `\n${tail.map((line) => `    ${line}`).join('\n')}` : ''}`)
    this.name = 'CommandFailed'
    this.reason = reason
    this.tail = tail
  }
}

/**
 * Runs one command to its end. Every line of stdout and stderr goes to `onLine`; the last ones are in the error's text.
 * `stdio: 'inherit'` hands the terminal over instead. An abort or the limit ends the command's whole process group.
 */
export async function runCommand(title, command, args, options = {}) {
  const { cwd, env = process.env, limitMs = 600_000, onLine = () => {}, stdio = 'pipe', signal } = options
  signal?.throwIfAborted()
  const tail = []
  const keep = (line) => {
    tail.push(line)
    if (tail.length > tailLinesMax) tail.shift()
    onLine(line)
  }
  // An own group, so that the limit also ends what the command itself started (npm → node, mvn → java).
  const child = spawn(command, args, {
    cwd,
    env,
    detached: true,
    stdio: stdio === 'inherit' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
  })
  if (child.stdout) createInterface({ input: child.stdout }).on('line', keep)
  if (child.stderr) createInterface({ input: child.stderr }).on('line', keep)

  let ended = null
  const end = (reason) => {
    ended ??= reason
    signalGroup(child.pid, 'SIGTERM')
    setTimeout(() => signalGroup(child.pid, 'SIGKILL'), killAfterMs).unref()
  }
  const timer = setTimeout(() => end(`not finished after ${Math.round(limitMs / 1000)} s`), limitMs)
  const onAbort = () => end('interrupted')
  const onExit = () => signalGroup(child.pid, 'SIGTERM')
  signal?.addEventListener('abort', onAbort, { once: true })
  process.once('exit', onExit)
  try {
    const outcome = await new Promise((resolve) => {
      child.once('error', (error) => resolve(error.code === 'ENOENT' ? `${command} was not found` : error.message))
      child.once('close', (code, by) => resolve(code === 0 ? null : by ? `ended by ${by}` : `exit code ${code}`))
    })
    if (ended !== null || outcome !== null) throw new CommandFailed(title, ended ?? outcome, tail)
    return tail
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    process.removeListener('exit', onExit)
  }
}

export function signalGroup(pid, name) {
  if (pid === undefined) return
  try {
    process.kill(-pid, name)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}
