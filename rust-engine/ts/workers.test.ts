/** The engine in worker threads: one for each, none that keeps the process, and an end at any moment harms nobody. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { openEngine } from './engine.ts'
import { MIB, deployment, open, sized, temporary, LOGGED } from './engineUnderTest.ts'

const limitMs = 30_000

function start(t: TestContext, folder: string, writer: string, endless: boolean): Worker {
  const worker = new Worker(new URL('./workerUnderTest.ts', import.meta.url), {
    workerData: { folder, writer, endless },
  })
  t.after(() => worker.terminate())
  return worker
}

const threads = (): number => Number(/^Threads:\s+(\d+)$/mu.exec(readFileSync('/proc/self/status', 'utf8'))?.[1])

async function message(worker: Worker): Promise<unknown> {
  const [said] = (await once(worker, 'message', { signal: AbortSignal.timeout(limitMs) })) as unknown[]
  return said
}

test('a worker applies, writes a snapshot, restores it and ends by itself', async (t) => {
  const worker = start(t, join(temporary(t), 'snapshots'), 'one', false)
  const ended = once(worker, 'exit', { signal: AbortSignal.timeout(limitMs) })
  assert.match(String(await message(worker)), /^[0-9a-f]{32}$/u)
  assert.deepEqual(await ended, [0])
})

test('two workers at once have an engine each, beside that of the main thread', async (t) => {
  const folders = [temporary(t), temporary(t)].map((folder) => join(folder, 'snapshots'))
  const shard = open().createShard(3)
  shard.applyDeployment(deployment({}), LOGGED)
  const before = shard.stateHash()
  const workers = folders.map((folder, i) => start(t, folder, `writer${i}`, false))
  const ended = workers.map((worker) => once(worker, 'exit', { signal: AbortSignal.timeout(limitMs) }))
  const hashes = await Promise.all(workers.map(message))
  assert.notEqual(hashes[0], hashes[1], 'each has its own state')
  assert.deepEqual(await Promise.all(ended), [[0], [0]])
  assert.equal(shard.stateHash(), before)
  // What a worker wrote is read here.
  for (const [i, folder] of folders.entries()) {
    const restored = await open().restoreShard(3, folder, { 'devops.deployments': '500' })
    assert.equal(restored.shard?.stateHash(), hashes[i])
  }
})

test('a worker that is ended while it writes snapshots leaves one that can be used, no thread, and others alone', async (t) => {
  const shard = open().createShard(0)
  const before = threads()
  for (let round = 0; round < 4; round++) {
    const folder = join(temporary(t), 'snapshots')
    const worker = start(t, folder, 'ended', true)
    for (let snapshots = 0; snapshots <= round; snapshots++) assert.equal(await message(worker), 'writing')
    assert.equal(await worker.terminate(), 1)
    shard.applyDeployment(deployment({ key: `after ${round}` }), LOGGED)
    // A snapshot is there whole, or there was none yet: the second message came after the first was written.
    const restored = await openEngine(sized(64 * MIB)).restoreShard(0, folder, {})
    assert.deepEqual(restored.refused, [])
    if (round > 0) assert.notEqual(restored.info, null)
  }
  const deadline = Date.now() + limitMs
  while (threads() > before && Date.now() < deadline) await sleep(20)
  assert.equal(threads(), before, 'the threads that wrote have ended')
})
