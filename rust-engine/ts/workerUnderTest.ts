/** What workers.test.ts runs in a worker thread: an engine of its own from its start to its end. */
import assert from 'node:assert/strict'
import { parentPort, workerData } from 'node:worker_threads'
import { openEngine } from './engine.ts'
import { MIB, deployment, open, sized, LOGGED } from './engineUnderTest.ts'

interface Work {
  readonly folder: string
  readonly writer: string
  /** Pages that a snapshot goes on writing while the thread is ended from outside. */
  readonly endless: boolean
}

const { folder, writer, endless } = workerData as Work
assert.ok(parentPort, 'runs in a worker')

async function whole(): Promise<string> {
  const engine = open()
  const shard = engine.createShard(3)
  for (let i = 0; i < 500; i++) shard.applyDeployment(deployment({ key: `${writer} ${i}`, occurredAt: i }), LOGGED)
  const hash = shard.stateHash()
  await shard.snapshot(folder, writer, { 'devops.deployments': '500' }, 500)
  shard.drop()
  const { shard: restored } = await engine.restoreShard(3, folder, { 'devops.deployments': '500' })
  assert.equal(restored?.stateHash(), hash)
  return hash
}

async function snapshotWithoutEnd(): Promise<void> {
  const shard = openEngine(sized(64 * MIB)).createShard(0)
  for (let i = 0; i < 40_000; i++) shard.rollingAdd([`scope ${i}`], 1, true, 2)
  for (let clock = 0; ; clock++) {
    const writing = shard.snapshot(folder, writer, {}, clock)
    for (let i = 0; i < 40_000; i += 40) shard.rollingAdd([`scope ${i}`], clock, true, 2)
    parentPort?.postMessage('writing')
    await writing
  }
}

if (endless) await snapshotWithoutEnd()
else parentPort.postMessage(await whole())
