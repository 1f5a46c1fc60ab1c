/** A record that can't be decoded, validated or believed goes to dead letters, raw, with its reason; the shard goes on. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { deploymentEvent, openEventStream } from '../harness/eventStream.ts'
import type { EventStream } from '../harness/eventStream.ts'
import { System, eventually } from '../harness/system.ts'
import { readAll } from '../harness/topic.ts'
import { partitionOf } from '../../schemas/topics.ts'

const SERVICE = 'production/shop'
const TOPIC = 'devops.deployments'

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

async function publish(value: Buffer | null): Promise<void> {
  await stream.publisher.publish([{ topic: TOPIC, partition: partitionOf(SERVICE), key: SERVICE, value }])
}

test('what cannot be applied is kept with its reason and the shard goes on', async () => {
  const now = Date.now()
  const valid = deploymentEvent(SERVICE, 0, 'started', now)
  const bytes = (event: object): Buffer => stream.codec.encode(TOPIC, event)
  const bad: [Buffer | null, string][] = [
    [Buffer.from('not Avro at all'), 'undecodable'],
    [null, 'undecodable'],
    [bytes(valid).subarray(0, -3), 'undecodable'],
    [bytes({ ...valid, service: 'staging/shop' }), 'invalid'],
    [bytes({ ...valid, occurredAt: now + 11 * 60 * 1000 }), 'clock_ahead'],
  ]
  for (const [value] of bad) await publish(value)
  await publish(bytes(valid))

  const known = await eventually('the record after the bad ones is applied', async () => {
    const page = (await system.query('list_deployments', { service: SERVICE })) as { items: { key: string }[] }
    return page.items.length > 0 ? page.items : null
  })
  assert.deepEqual(
    known.map(({ key }) => key),
    [valid.key],
  )
  const letters = await eventually('all bad records are in dead letters', async () => {
    const found = await readAll(system, 'devops.dead-letters')
    return found.length >= bad.length ? found : null
  })
  assert.deepEqual(
    letters.map(({ originOffset, reason, value }) => [originOffset, reason, value]),
    bad.map(([value, reason], offset) => [offset, reason, value]),
  )
  for (const letter of letters) {
    assert.equal(letter.originTopic, TOPIC)
    assert.equal(letter.originPartition, partitionOf(SERVICE))
    assert.equal(letter.key?.toString(), SERVICE)
    assert.notEqual(letter.detail, '')
  }
  const metrics = await (await fetch(`${system.process('consumer').url}/metrics`)).text()
  assert.match(metrics, /devops_events_rejected_total\{[^}]*reason="undecodable"[^}]*\} 3/)
})
