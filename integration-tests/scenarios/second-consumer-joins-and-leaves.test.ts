/** Consumers come and go while events flow: shards stay whole, nothing is lost, doubled or out of order. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fleetRound, openEventStream, publishLife } from '../harness/eventStream.ts'
import type { EventStream } from '../harness/eventStream.ts'
import { expectedHashes, snapshotHashes } from '../harness/oracle.ts'
import { assertLedger } from '../harness/promises.ts'
import { type RunningProcess, System, eventually } from '../harness/system.ts'
import { readAll } from '../harness/topic.ts'
import { partitionOf, SHARDS } from '../../schemas/topics.ts'

const SERVICES = Array.from({ length: 30 }, (_, i) => `production/service-${i}`)
const ROUND_MS = 100
const SETTLED_MS = 60_000

let system: System
let stream: EventStream
before(async () => {
  system = await System.start({ roles: ['consumer'], env: { DEVOPS_CONSUMER_SNAPSHOT_INTERVAL_SECONDS: '2' } })
  stream = await openEventStream(system)
})
after(async () => {
  await stream.close()
  await system.stop()
})

interface Owners {
  readonly shards: number[]
  readonly members: { address: string; shards: number[] }[]
}

async function owners({ url }: RunningProcess): Promise<Owners> {
  return (await (await fetch(`${url}/v1/owners`)).json()) as Owners
}

/** Every shard is owned by exactly one of them, in counts that differ by at most one, and all are live. */
async function settled(consumers: readonly RunningProcess[]): Promise<Owners[]> {
  return eventually(
    `${consumers.length} consumers share the shards`,
    async () => {
      const told = await Promise.all(consumers.map(owners))
      const all = told.flatMap(({ shards }) => shards).sort((a, b) => a - b)
      const counts = told.map(({ shards }) => shards.length)
      const ready = await Promise.all(consumers.map(async ({ url }) => (await fetch(`${url}/readyz`)).ok))
      const whole = all.join() === Array.from({ length: SHARDS }, (_, shard) => shard).join()
      return whole && Math.max(...counts) - Math.min(...counts) <= 1 && ready.every(Boolean) ? told : null
    },
    SETTLED_MS,
  )
}

test('joins, leaves and a kill under load', async () => {
  const rounds: ReturnType<typeof fleetRound>[] = []
  const flow = { on: true }
  const producing = (async () => {
    const begin = Date.now()
    while (flow.on) {
      const life = fleetRound(SERVICES, rounds.length, begin + rounds.length * ROUND_MS)
      rounds.push(life)
      await publishLife(stream, life)
      await new Promise((next) => setTimeout(next, ROUND_MS))
    }
  })()

  const first = system.process('consumer')
  const fourth = await comeAndGo(first).finally(() => {
    flow.on = false
  })
  await producing

  const deployments = rounds.flatMap((life) => life.deployments)
  const finished = deployments.filter(({ phase }) => phase === 'finished').length
  const entries = await eventually('all outcomes are scored', async () => {
    const found = await readAll(system, 'devops.ledger')
    return found.filter(({ kind }) => kind === 'scored').length >= finished ? found : null
  })
  assertLedger(entries, deployments)
  assert.equal(await fourth.stop(), 0)
  await settled([first])
  assert.equal(await first.stop(), 0)
  assert.deepEqual(await snapshotHashes(system), await expectedHashes(system, stream))
})

/** Gives the consumer that came last and stays. */
async function comeAndGo(first: RunningProcess): Promise<RunningProcess> {
  const second = await system.add('consumer')
  await settled([first, second])
  await wrongOwnerIsToldWhoIsRight(first, second)
  const third = await system.add('consumer')
  await settled([first, second, third])
  assert.equal(await second.stop(), 0)
  await settled([first, third])
  await third.kill()
  await settled([first])
  const fourth = await system.add('consumer')
  await settled([first, fourth])
  return fourth
}

async function wrongOwnerIsToldWhoIsRight(first: RunningProcess, second: RunningProcess): Promise<void> {
  const { shards } = await owners(second)
  const service = SERVICES.find((name) => shards.includes(partitionOf(name)))
  assert.ok(service !== undefined, 'no service of the stream lies in a shard of the second consumer')
  const answer = await eventually('the first consumer knows the owner', async () => {
    const response = await fetch(`${first.url}/v1/query/get_service`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ service }),
    })
    return response.status === 421 ? response : null
  })
  const { error } = (await answer.json()) as { error: { code: string; address: string } }
  assert.deepEqual([error.code, error.address], ['wrong_owner', second.url])
  await system.query('get_service', { service }, error.address)
}
