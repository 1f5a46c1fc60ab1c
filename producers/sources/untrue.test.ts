import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeploymentEvent, IncidentEvent } from '../../schemas/generated/events.ts'
import { Refusal } from '../refusal.ts'
import * as alertmanager from './alertmanager.ts'
import * as events from './events.ts'
import type { TopicEvent } from './mapping.ts'
import { atOnce, mappingWith, NOW } from './mappingUnderTest.ts'
import { refuseLarge, refuseUntrue, skewOf, untrueOf } from './untrue.ts'

const mapEvents = (...given: Parameters<typeof events.mapEvents>) => atOnce(events.mapEvents(...given))
const mapAlertmanager = (...given: Parameters<typeof alertmanager.mapAlertmanager>) =>
  atOnce(alertmanager.mapAlertmanager(...given))

const MINUTE_MS = 60_000
const mapping = mappingWith()
const one = (item: object): TopicEvent => {
  const [event] = mapEvents(item, 1, mapping)
  assert.ok(event !== undefined)
  return event
}
const deployment = (over: Partial<DeploymentEvent> = {}): TopicEvent => {
  const of = one({ type: 'deployment', service: 'production/shop', key: '1', phase: 'started', occurredAt: NOW })
  assert.ok(of.topic === 'devops.deployments')
  return { topic: of.topic, event: { ...of.event, ...over } }
}
const incident = (over: Partial<IncidentEvent> = {}): TopicEvent => {
  const times = { startsAt: NOW, occurredAt: NOW }
  const of = one({ type: 'incident', service: 'production/shop', key: '1', phase: 'resolved', title: 't', ...times })
  assert.ok(of.topic === 'devops.incidents')
  return { topic: of.topic, event: { ...of.event, ...over } }
}

const table: readonly [string, TopicEvent, string | null][] = [
  ['now', deployment(), null],
  ['at the limit', deployment({ occurredAt: NOW + 10 * MINUTE_MS }), null],
  ['too far ahead', deployment({ occurredAt: NOW + 10 * MINUTE_MS + 1 }), 'occurredAt'],
  ['long ago', deployment({ occurredAt: 1 }), null],
  ['the year 1970', deployment({ occurredAt: 0 }), 'occurredAt'],
  ['before it', deployment({ occurredAt: -1 }), 'occurredAt'],
  ['no time', deployment({ occurredAt: Number.NaN }), 'occurredAt'],
  ['another environment', deployment({ environment: 'staging' }), 'service'],
  ['a service name as long as may be', deployment({ service: `production/${'x'.repeat(245)}` }), null],
  ['a longer one', deployment({ service: `production/${'x'.repeat(246)}` }), 'service'],
  ['a long name', deployment({ branch: 'x'.repeat(1024) }), null],
  ['a longer name', deployment({ branch: 'x'.repeat(1025) }), 'branch'],
  ['an incident', incident(), null],
  ['that starts ahead', incident({ startsAt: NOW + 11 * MINUTE_MS }), 'startsAt'],
  ['that never started', incident({ startsAt: 0 }), 'startsAt'],
  ['that ended before it started', incident({ endsAt: NOW - 1 }), 'endsAt'],
  ['that ends ahead', incident({ endsAt: NOW + 11 * MINUTE_MS }), 'endsAt'],
  ['that is to end ahead', incident({ endsAt: NOW + 11 * MINUTE_MS, phase: 'firing' }), null],
]
for (const [name, of, field] of table) {
  test(`untrue: ${name}`, () => {
    assert.equal(untrueOf(of, NOW)?.field ?? null, field)
    const refuse = () => {
      refuseUntrue(of, NOW)
    }
    if (field === null) refuse()
    else assert.throws(refuse, (error) => error instanceof Refusal && error.statusCode === 400 && error.field === field)
  })
}

test('an event is at most 256 KiB as JSON, and the largest field is named', () => {
  const sized = (bytes: number): TopicEvent => {
    const empty = incident({ description: '' })
    const rest = Buffer.byteLength(JSON.stringify(empty.event))
    return incident({ description: 'x'.repeat(bytes - rest) })
  }
  refuseLarge(sized(256 * 1024), 256 * 1024)
  assert.throws(
    () => {
      refuseLarge(sized(256 * 1024 + 1), 256 * 1024)
    },
    (error) => error instanceof Refusal && error.statusCode === 413 && error.field === 'description',
  )
  // Few bytes in Avro that are many in JSON.
  const controls = incident({ description: '\u0000'.repeat(50 * 1024) })
  assert.throws(() => {
    refuseLarge(controls, 50 * 1024)
  }, Refusal)
})

test('a clock more than five minutes ahead is flagged', () => {
  for (const [aheadMs, flagged] of [
    [-MINUTE_MS, null],
    [5 * MINUTE_MS, null],
    [5 * MINUTE_MS + 1, 5 * MINUTE_MS + 1],
  ] as const) {
    assert.equal(skewOf(deployment({ occurredAt: NOW + aheadMs }), NOW), flagged)
  }
})

test('an alert of Alertmanager that fires has no end, whatever it says', () => {
  const sent = { status: 'firing', labels: {}, startsAt: new Date(NOW).toISOString(), endsAt: '2100-01-01T00:00:00Z' }
  const [event] = mapAlertmanager({ version: '4', alerts: [{ ...sent, fingerprint: 'f' }] }, mapping)
  assert.ok(event !== undefined && !(event instanceof Refusal))
  assert.equal(untrueOf(event, NOW), null)
})
