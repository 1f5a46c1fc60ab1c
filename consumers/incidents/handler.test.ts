import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openEngine } from '../../rust-engine/ts/engine.ts'
import type { IncidentEvent } from '../../schemas/generated/events.ts'
import { InvalidEvent } from '../../schemas/invalidEvent.ts'
import { partitionOf, SHARDS } from '../../schemas/topics.ts'
import { createIncidentHandler } from './handler.ts'

const MIB = 1024 ** 2
const quotaBytes = {
  infrastructure_state: 8 * MIB,
  deployment_history: 8 * MIB,
  incident_database: 8 * MIB,
  active_operations: 8 * MIB,
}
const engine = openEngine({ poolBytes: 32 * MIB, quotaBytes, borrowBytesMax: quotaBytes, shards: SHARDS })
let door = engine.createShard(0)
after(() => {
  door.drop()
})

const position = { topic: 'devops.incidents', partition: 0, offset: 5n, at: 9_000 }
const event = (key: string, changes: Partial<IncidentEvent> = {}): IncidentEvent => ({
  id: `${key}/firing`,
  occurredAt: 1000,
  receivedAt: 1000,
  source: 'alertmanager',
  service: 'production/shop',
  environment: 'production',
  trace: null,
  phase: 'firing',
  key,
  title: 'Slow',
  severity: 'page',
  summary: '',
  description: '',
  labels: {},
  annotations: {},
  startsAt: 1000,
  endsAt: null,
  generatorUrl: null,
  ...changes,
})

test('the same key in two services is two incidents, and two signals', () => {
  const handle = createIncidentHandler({ incidentChanged: () => undefined })
  const services = ['production/one', 'production/two']
  const signals = services.flatMap((service) => handle(event('same', { service }), position, door, 'live'))
  const ids = signals.map(({ value }) => 'id' in value && value.id)
  assert.equal(new Set(ids).size, 2)
  for (const service of services) assert.equal(door.incident(service, 'same')?.service, service)
})

test('an alert tells other services when it starts and when it ends, once', () => {
  const counted: string[] = []
  const handle = createIncidentHandler({
    incidentChanged: (state, phase) => counted.push(`${state}/${phase}`),
  })
  const fire = event('a')
  const resolve = event('a', { id: 'a/resolved', phase: 'resolved', endsAt: 5000, occurredAt: 5000 })
  const outputs = [fire, fire, resolve, resolve, fire].flatMap((each) => handle(each, position, door, 'live'))
  const signals = outputs.map(({ topic, partition, key, value }) => {
    assert.equal(topic, 'devops.signals')
    assert.deepEqual([partition, key], [partitionOf('production'), 'production'])
    return 'state' in value ? [value.ref, value.state, value.occurredAt] : []
  })
  assert.deepEqual(signals, [
    ['a', 'firing', 1000],
    ['a', 'resolved', 5000],
  ])
  assert.equal(new Set(outputs.map(({ value }) => ('id' in value ? value.id : ''))).size, 2)
  assert.deepEqual(counted, ['firing/live', 'resolved/live'])
})

test('a rebuilt alert has the same signal and tells it to nobody', () => {
  const handle = createIncidentHandler({ incidentChanged: () => undefined })
  assert.deepEqual(handle(event('b'), position, door, 'replay'), [])
  const [first] = handle(event('c'), position, door, 'live')
  door.drop()
  door = engine.createShard(0)
  assert.deepEqual(handle(event('c'), position, door, 'live'), [first])
})

const invalid: [string, Partial<IncidentEvent>][] = [
  ['key', { key: '' }],
  ['service', { environment: 'staging' }],
  ['endsAt', { endsAt: 999 }],
]
for (const [field, changes] of invalid) {
  test(`refuses an incident whose ${field} can't be true`, () => {
    const handle = createIncidentHandler({ incidentChanged: () => undefined })
    assert.throws(
      () => handle(event('d', changes), position, door, 'live'),
      (error) => error instanceof InvalidEvent && error.field === field,
    )
  })
}
