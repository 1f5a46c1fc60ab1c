import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const leftoverStopMs = 20_000

export class AlreadyRunning extends Error {
  constructor(state, pid) {
    super(
      `A start (process ${pid}) already uses the state folder ${state}: stop it with Ctrl-C or "kill ${pid}", or give this one another folder with --state.`,
    )
    this.name = 'AlreadyRunning'
  }
}

export class LockUnwritable extends Error {
  constructor(path, cause) {
    const remedy =
      cause.code === 'ENOSPC' || cause.code === 'EDQUOT'
        ? 'there is no room left on its disk: free some'
        : 'make the folder writable'
    super(
      `The lock file ${path} cannot be written (${cause.code ?? cause.message}) in the state folder ${dirname(path)}: ${remedy}, or give another folder with --state.`,
      { cause },
    )
    this.name = 'LockUnwritable'
  }
}

/**
 * One start for one state folder. The lock file also lists the processes started, so that what outlived a start which was
 * killed (kill -9, out of memory) is stopped before the next one uses the same files.
 */
export async function lockState(state, report, writeText = writeFileSync) {
  const path = join(state, 'start.lock')
  try {
    mkdirSync(state, { recursive: true })
  } catch (error) {
    throw new LockUnwritable(path, error)
  }
  const self = identity(process.pid)
  const servers = new Map()
  const content = () =>
    JSON.stringify({ ...self, servers: [...servers].map(([name, server]) => ({ name, ...server })) })
  for (;;) {
    const mine = `${path}.${process.pid}`
    try {
      writeText(mine, content())
      linkSync(mine, path)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw new LockUnwritable(path, error)
    } finally {
      rmSync(mine, { force: true })
    }
    const holder = readLock(path)
    if (isAlive(holder)) throw new AlreadyRunning(state, holder.pid)
    await stopLeftovers(holder?.servers ?? [], report)
    rmSync(path, { force: true })
  }
  // What runs goes on when its list cannot be written, as on a full disk; the next change writes all of it.
  const write = () => {
    const next = `${path}.new`
    try {
      writeText(next, content())
      renameSync(next, path)
    } catch (error) {
      rmSync(next, { force: true })
      report(
        `! ${path} cannot be written (${error.code ?? error.message}): were this start killed now, the next one would not know all that it left running`,
      )
    }
  }
  return {
    add(name, pid) {
      servers.set(name, identity(pid))
      write()
    },
    remove(name) {
      if (servers.delete(name)) write()
    },
    release: () => rmSync(path, { force: true }),
  }
}

async function stopLeftovers(servers, report) {
  const left = servers.filter(isAlive)
  if (left.length === 0) return
  report(
    `an earlier start was killed and left ${left.map(({ name, pid }) => `${name} (process ${pid})`).join(', ')} running: stopping`,
  )
  for (const { pid } of left) process.kill(pid, 'SIGTERM')
  const until = Date.now() + leftoverStopMs
  while (left.some(isAlive) && Date.now() < until) await sleep(100)
  for (const server of left.filter(isAlive)) process.kill(server.pid, 'SIGKILL')
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}

// A process id alone may have been given to another program meanwhile; with the time of its start it is unique.
function identity(pid) {
  return { pid, began: beganAt(pid) }
}

function isAlive(server) {
  return server !== null && server.began !== null && beganAt(server.pid) === server.began
}

function beganAt(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name, in brackets, may hold blanks; state is the first field after it, start time the twentieth.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : fields[19]
  } catch {
    return null
  }
}
