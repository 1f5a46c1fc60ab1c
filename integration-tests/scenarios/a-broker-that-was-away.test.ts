/** The broker dies under a consumer and comes back: the process stays, answers meanwhile and says so, and catches up. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { fleetRound, openEventStream, publishLife } from '../harness/eventStream.ts'
import type { EventStream, Life } from '../harness/eventStream.ts'
import { assertScored, assertState } from '../harness/load.ts'
import { settled } from '../harness/owners.ts'
import { System, eventually } from '../harness/system.ts'

const SERVICES = Array.from({ length: 10 }, (_, i) => `production/service-${i}`)
/** Longer than the client's own retries last. */
const AWAY_MS = 15_000

let system: System
let stream: EventStream
before(async () => {
  system = await System.start({ roles: ['consumer'] })
  stream = await openEventStream(system)
})
after(async () => {
  await stream.close()
  await system.stop()
})

test('a consumer outlives its broker', async (t) => {
  if (system.bus.brokerPid === null) {
    t.skip('the broker was given from outside and cannot be stopped here')
    return
  }
  const begin = Date.now()
  const rounds: Life[] = []
  const flow = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const life = fleetRound(SERVICES, rounds.length, begin + rounds.length)
      rounds.push(life)
      await publishLife(stream, life)
    }
  }
  await flow(5)
  await assertScored(system, rounds)
  const ask = async () =>
    (await system.query('list_incidents', { limit: 100 })) as {
      items: unknown[]
      complete: boolean
      incompleteReason: string | null
    }
  const whole = await ask()
  assert.deepEqual([whole.complete, whole.items.length > 0], [true, true])

  await system.bus.killBroker()
  const back = sleep(AWAY_MS)
  const told = await eventually('answers say that they may be out of date', async () => {
    const answer = await ask()
    return answer.incompleteReason?.includes('lost touch with its group') === true ? answer : null
  })
  assert.equal(told.complete, false)
  await back
  assert.equal((await ask()).complete, false)
  await system.bus.startBroker()

  await flow(5)
  const consumer = system.process('consumer')
  await settled([consumer])
  await assertScored(system, rounds)
  await eventually('answers are whole again', async () => ((await ask()).complete ? true : null))
  assert.doesNotMatch(await consumer.log(), /"event":"process_failed"/)
  await assertState(system, stream, consumer)
})
