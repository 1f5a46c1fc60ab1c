/** State after a restart equals state before it, whether the consumer left or was killed; nothing is predicted twice. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fleetRound, openEventStream, publishLife } from '../harness/eventStream.ts'
import type { EventStream } from '../harness/eventStream.ts'
import { expectedHashes, snapshotHashes } from '../harness/oracle.ts'
import { assertLedger } from '../harness/promises.ts'
import { System, eventually } from '../harness/system.ts'
import { readAll } from '../harness/topic.ts'

const SERVICES = Array.from({ length: 24 }, (_, i) => `production/service-${i}`)
const ROUNDS = 12

let system: System
let stream: EventStream
const rounds: ReturnType<typeof fleetRound>[] = []
before(async () => {
  // Long enough that the kill finds events that no snapshot holds.
  system = await System.start({ roles: ['consumer'], env: { DEVOPS_CONSUMER_SNAPSHOT_INTERVAL_SECONDS: '3600' } })
  stream = await openEventStream(system)
})
after(async () => {
  await stream.close()
  await system.stop()
})

async function flow(count: number): Promise<void> {
  const begin = Date.now()
  for (let i = 0; i < count; i++) {
    const life = fleetRound(SERVICES, rounds.length, begin + i)
    rounds.push(life)
    await publishLife(stream, life)
  }
}

const deployments = () => rounds.flatMap((life) => life.deployments)

async function applied(): Promise<void> {
  const keys = new Set(deployments().map(({ key }) => key)).size
  await eventually('all events are applied', async () => {
    const answers = await Promise.all(SERVICES.map((service) => system.query('get_service', { service })))
    const known = answers as { deployments: number; ciRuns: number }[]
    return known.reduce((sum, each) => sum + each.deployments + each.ciRuns, 0) === keys ? true : null
  })
}

async function everythingAsked(): Promise<unknown[]> {
  const answers = await Promise.all(
    SERVICES.flatMap((service) => [
      system.query('get_service', { service }),
      system.query('list_deployments', { service, limit: 100 }),
      system.query('list_incidents', { service, limit: 100 }),
    ]),
  )
  return answers.map((answer) => ({ ...(answer as object), freshThrough: null }))
}

async function scored(): Promise<void> {
  const finished = deployments().filter(({ phase }) => phase === 'finished').length
  const entries = await eventually('all outcomes are scored', async () => {
    const found = await readAll(system, 'devops.ledger')
    return found.filter(({ kind }) => kind === 'scored').length >= finished ? found : null
  })
  assertLedger(entries, deployments())
}

test('a consumer that left comes back with what it knew', async () => {
  await flow(ROUNDS)
  await applied()
  const before = await everythingAsked()
  assert.equal(await system.process('consumer').stop(), 0)
  await system.add('consumer')
  assert.deepEqual(await everythingAsked(), before)
})

test('one that was killed rebuilds what no snapshot held, and its running predictions', async () => {
  await flow(ROUNDS)
  await applied()
  const before = await everythingAsked()
  await system.process('consumer').kill()
  await system.add('consumer')
  // What was applied and not yet committed comes from the log, as new.
  await applied()
  assert.deepEqual(await everythingAsked(), before)
  // Outcomes of attempts that ran during the kill are scored by the predictions made before it.
  await flow(1)
  await scored()
})

test('killed while events flow, it ends where it would have without', async () => {
  const flowing = flow(ROUNDS)
  await new Promise((next) => setTimeout(next, 300))
  await system.process('consumer').kill()
  await flowing
  await system.add('consumer')
  await applied()
  await scored()
  assert.equal(await system.process('consumer').stop(), 0)
  assert.deepEqual(await snapshotHashes(system), await expectedHashes(system, stream))
})
