/** Consumers come and go while events flow: shards stay whole, nothing is lost, doubled or out of order. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openEventStream } from '../harness/eventStream.ts'
import type { EventStream, Life } from '../harness/eventStream.ts'
import { assertScored, assertState, startLoad } from '../harness/load.ts'
import { owners, settled } from '../harness/owners.ts'
import { type RunningProcess, System, eventually } from '../harness/system.ts'
import { partitionOf } from '../../schemas/topics.ts'

const SERVICES = Array.from({ length: 30 }, (_, i) => `production/service-${i}`)

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

test('joins, leaves and a kill under load', async () => {
  const load = startLoad(stream, SERVICES)
  let rounds: readonly Life[]
  const first = system.process('consumer')
  let last: RunningProcess
  try {
    last = await comeAndGo(first)
  } finally {
    rounds = await load.stop()
  }
  await assertScored(system, rounds)
  assert.equal(await last.stop(), 0)
  await settled([first])
  await assertState(system, stream, first)
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
