import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { readinessOf, startServer } from './serverProcess.mjs'

function idle(t, options) {
  const folder = mkdtempSync(join(tmpdir(), 'server-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return startServer({
    name: 'the consumer',
    command: process.execPath,
    args: ['-e', 'setInterval(() => {}, 1000)'],
    logPath: join(folder, 'log'),
    waitingEveryMs: 20,
    ...options,
  })
}

test('a process that answers is not ended by the limit, and what it waits for is said', async (t) => {
  const said = []
  let pid = null
  const server = await idle(t, {
    // Far less than the answers below take.
    readyLimitMs: 300,
    waitingFor: async () => 'restoring [3]',
    onWaiting: (text) => said.push(text),
    onSpawn: (spawned) => (pid = spawned),
    ready: () => said.length > 8,
  })
  t.after(() => server.kill())
  assert.equal(pid, server.pid)
  assert.match(said[0], /^the consumer is up, but not ready after \d+ s: restoring \[3\]$/)
})

test('one that does not answer is stopped at the limit', async (t) => {
  const starting = idle(t, { readyLimitMs: 200, waitingFor: async () => null, ready: () => false })
  await assert.rejects(starting, { name: 'ServerNotReady', message: /was not ready within 0 s/, crashed: false })
})

test('the process id is known before it is ready, also of one that never is', async (t) => {
  const pids = []
  const starting = idle(t, { readyLimitMs: 200, onSpawn: (pid) => pids.push(pid), ready: () => false })
  assert.equal(pids.length, 1)
  await assert.rejects(starting)
})

test('readiness is told in words where the process is up', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/healthz') return response.end('{}')
    response.writeHead(503).end(JSON.stringify({ ready: false, process: 'consumer', shards: 12, restoring: [1, 2] }))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  assert.equal(await readinessOf(url), 'shards 12, restoring [1,2]')
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  assert.equal(await readinessOf(url), null)
})
