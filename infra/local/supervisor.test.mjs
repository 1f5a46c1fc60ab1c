import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startServer } from './serverProcess.mjs'
import { restartDelayMs, startPatiently, supervise } from './supervisor.mjs'

const limits = { firstMs: 40, maxMs: 200, steadyMs: 60_000 }

/** A child that says it is up and then lives until it is stopped, unless its folder tells it to fail. */
const program = (folder) => `
  import { existsSync, appendFileSync } from 'node:fs'
  appendFileSync('${folder}/starts', 'x')
  if (existsSync('${folder}/broken')) { console.error('can not work'); process.exit(3) }
  process.on('SIGTERM', () => process.exit(0))
  setInterval(() => {}, 1000)
  console.log('up')`

function child(t) {
  const folder = mkdtempSync(join(tmpdir(), 'supervisor-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const start = (signal) => {
    let up = false
    return startServer({
      name: 'child',
      command: process.execPath,
      args: ['--input-type=module', '-e', program(folder)],
      logPath: join(folder, 'child.log'),
      readyLimitMs: 10_000,
      stopLimitMs: 2_000,
      signal,
      onLine: (line) => (up ||= line === 'up'),
      ready: () => up,
    })
  }
  const starts = () => readFileSync(join(folder, 'starts'), 'utf8').length
  return { folder, start, starts }
}

async function eventually(what, check) {
  const until = Date.now() + 10_000
  while (!check()) {
    assert.ok(Date.now() < until, `${what} did not come about`)
    await sleep(20)
  }
}

test('a crashed process is reported and started again, and stopped for good by stop', async (t) => {
  const { start, starts } = child(t)
  const reports = []
  const pids = []
  const supervised = await supervise('child', start, {
    report: (line) => reports.push(line),
    onRunning: ({ pid }) => pids.push(pid),
    limits,
  })
  process.kill(supervised.pid, 'SIGKILL')
  await eventually('a second start', () => pids.length === 2)
  assert.notEqual(pids[0], pids[1])
  assert.equal(reports[0], 'child was ended by SIGKILL')
  assert.match(reports[1], /^child starts again in 0\.0 s \(log: /)
  const ended = await supervised.stop()
  assert.equal(ended.code, 0)
  await sleep(300)
  assert.equal(starts(), 2)
  assert.throws(() => process.kill(pids[1], 0), { code: 'ESRCH' })
})

test('a process that can not start is tried again and again, later each time, until it can', async (t) => {
  const { folder, start, starts } = child(t)
  const reports = []
  let running = 0
  const supervised = await supervise('child', start, {
    report: (line) => reports.push(line),
    onRunning: () => (running += 1),
    random: () => 1,
    limits,
  })
  writeFileSync(join(folder, 'broken'), '')
  process.kill(supervised.pid, 'SIGKILL')
  await eventually('three failed starts', () => starts() >= 4)
  rmSync(join(folder, 'broken'))
  await eventually('a start that holds', () => running === 2)
  assert.ok(reports.some((line) => line.includes('ended with exit code 3') && line.includes('can not work')))
  await supervised.stop()
})

test('the first start is not repeated: it fails with the last lines', async (t) => {
  const { folder, start, starts } = child(t)
  writeFileSync(join(folder, 'broken'), '')
  await assert.rejects(
    supervise('child', start, { report: () => {}, limits }),
    /child ended with exit code 3[^]*can not work/,
  )
  assert.equal(starts(), 1)
})

test('a process that may be early is tried a few times at its first start, then shown with its last lines', async (t) => {
  const { folder, start, starts } = child(t)
  const reports = []
  const { signal } = new AbortController()
  const patiently = () =>
    startPatiently(start, signal, { report: (line) => reports.push(line), attemptsMax: 3, limits })
  writeFileSync(join(folder, 'broken'), '')
  await assert.rejects(patiently(), /child ended with exit code 3[^]*can not work/)
  assert.equal(starts(), 3)
  assert.equal(reports.length, 2)
  assert.match(reports[0], /^child ended with exit code 3, and is tried again in 0\.0 s$/)
  const server = await startPatiently(start, signal, {
    report: () => rmSync(join(folder, 'broken')),
    limits,
  })
  assert.equal((await server.stop()).code, 0)
})

test('a stop while it waits for the restart ends the wait', async (t) => {
  const { start, starts } = child(t)
  const reports = []
  const supervised = await supervise('child', start, {
    report: (line) => reports.push(line),
    limits: { ...limits, firstMs: 60_000, maxMs: 60_000 },
  })
  process.kill(supervised.pid, 'SIGKILL')
  await eventually('the report', () => reports.length === 2)
  const began = Date.now()
  await supervised.stop()
  assert.ok(Date.now() - began < 5_000)
  assert.equal(starts(), 1)
})

test('a process that ignores SIGTERM is killed after the limit', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stubborn-'))
  t.after(() => rmSync(folder, { recursive: true }))
  let up = false
  const server = await startServer({
    name: 'stubborn',
    command: process.execPath,
    args: ['-e', `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')`],
    logPath: join(folder, 'log'),
    readyLimitMs: 10_000,
    stopLimitMs: 200,
    onLine: () => (up = true),
    ready: () => up,
  })
  assert.equal((await server.stop()).by, 'SIGKILL')
})

test('the delay doubles up to its limit, with jitter over its upper half', () => {
  const delays = (random) =>
    [1, 2, 3, 4, 99].map((crashes) => restartDelayMs(crashes, random, { firstMs: 100, maxMs: 500 }))
  assert.deepEqual(
    delays(() => 0),
    [50, 100, 200, 250, 250],
  )
  assert.deepEqual(
    delays(() => 1),
    [100, 200, 400, 500, 500],
  )
})
