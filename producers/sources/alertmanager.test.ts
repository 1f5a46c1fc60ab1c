import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refusal } from '../refusal.ts'
import * as alertmanager from './alertmanager.ts'
import type { TopicEvent } from './mapping.ts'
import { assertEncodes, atOnce, mappingWith, NOW } from './mappingUnderTest.ts'

const mapAlertmanager = (...given: Parameters<typeof alertmanager.mapAlertmanager>) =>
  atOnce(alertmanager.mapAlertmanager(...given))

const mapping = mappingWith(`
version: 1
services:
  shop: { prometheus: [shop-api], kubernetes: [shop-web] }
`)

const firing = {
  status: 'firing',
  labels: { alertname: 'HighErrorRate', service: 'shop-api', environment: 'prod', severity: 'page' },
  annotations: { summary: 'Errors above 5 %', description: 'for 10 minutes' },
  startsAt: '2026-01-05T10:00:00.123456789Z',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'http://prometheus/graph',
  fingerprint: '5ef77f1f8a3ecfe4',
}
const resolved = { ...firing, status: 'resolved', endsAt: '2026-01-05T10:20:00Z' }
const delivery = (...alerts: unknown[]): object => ({
  version: '4',
  groupKey: '{}:{alertname="HighErrorRate"}',
  truncatedAlerts: 0,
  status: 'firing',
  receiver: 'devops',
  groupLabels: {},
  commonLabels: {},
  commonAnnotations: {},
  externalURL: 'http://alertmanager',
  alerts,
})
const incident = (of: TopicEvent | Refusal | undefined) => {
  assert.ok(of !== undefined && !(of instanceof Refusal) && of.topic === 'devops.incidents')
  return of.event
}

describe('Alertmanager, version 4', () => {
  test('one event for each alert, firing and resolved, under one key', () => {
    const events = mapAlertmanager(delivery(firing, resolved), mapping).map(incident)
    for (const event of events) assertEncodes({ topic: 'devops.incidents', event })
    const [first, second] = events
    assert.equal(first?.key, `alertmanager:5ef77f1f8a3ecfe4:${Date.UTC(2026, 0, 5, 10, 0, 0, 123)}`)
    assert.equal(second?.key, first.key)
    assert.deepEqual([first.phase, first.endsAt, first.occurredAt], ['firing', null, first.startsAt])
    const end = Date.UTC(2026, 0, 5, 10, 20)
    assert.deepEqual([second.phase, second.endsAt, second.occurredAt], ['resolved', end, end])
    assert.deepEqual([first.title, first.severity, first.summary], ['HighErrorRate', 'page', 'Errors above 5 %'])
    assert.notEqual(first.id, second.id)
  })

  test('a repeated notification is the same event', () => {
    const [first] = mapAlertmanager(delivery(firing), mapping).map(incident)
    const [again] = mapAlertmanager(delivery(firing), { ...mapping, now: NOW + 4 * 3_600_000 }).map(incident)
    assert.equal(again?.id, first?.id)
  })

  test('the service comes from the labels', () => {
    const table: readonly [Record<string, string>, string][] = [
      [{ service: 'shop-api', environment: 'prod' }, 'production/shop'],
      [{ job: 'shop-api', env: 'staging' }, 'staging/shop'],
      [{ deployment: 'shop-web', environment: 'production', job: 'kube-state-metrics' }, 'production/shop'],
      [{ app_kubernetes_io_name: 'shop-web', environment: 'production' }, 'production/shop'],
      [{ service: 'unheard', environment: 'production' }, 'production/unassigned:unheard'],
      [{ instance: '10.0.0.1:9100' }, 'unknown/unassigned:unknown'],
    ]
    for (const [labels, service] of table) {
      const [event] = mapAlertmanager(delivery({ ...firing, labels }), mapping).map(incident)
      assert.equal(event?.service, service)
    }
  })

  test('another version is refused by name', () => {
    const refusedAt = (body: unknown): string | null => {
      try {
        mapAlertmanager(body, mapping)
      } catch (error) {
        assert.ok(error instanceof Refusal)
        assert.equal(error.statusCode, 400)
        return error.field
      }
      return assert.fail('accepted')
    }
    assert.equal(refusedAt({ ...delivery(firing), version: '3' }), 'version')
    assert.equal(refusedAt([]), null)
  })

  test('what no alert may hold is refused by name, alone', () => {
    const named = JSON.parse('{"__proto__":"a"}') as object
    const [good, ...bad] = mapAlertmanager(
      delivery(
        firing,
        { ...firing, labels: Array(2_000).fill('a') },
        { ...firing, labels: named },
        { ...firing, annotations: { summary: '\ud800' } },
      ),
      mapping,
    )
    assert.equal(incident(good).title, 'HighErrorRate')
    assert.deepEqual(
      bad.map((each) => (each instanceof Refusal ? [each.statusCode, each.field] : null)),
      [
        [413, 'alerts.1.labels'],
        [400, 'alerts.2.labels.__proto__'],
        [400, 'alerts.3.annotations.summary'],
      ],
    )
  })

  test('a group of more alerts than a body of alerts can hold is refused whole', () => {
    assert.throws(
      () => mapAlertmanager(delivery(...Array<number>(65_537).fill(0)), mapping),
      (error: unknown) => error instanceof Refusal && error.statusCode === 413 && error.field === 'alerts',
    )
  })

  test('an alert that is none is refused by name, alone', () => {
    const [first, second, third] = mapAlertmanager(
      delivery(firing, { ...firing, startsAt: 'yesterday' }, 'no alert'),
      mapping,
    )
    assert.equal(incident(first).title, 'HighErrorRate')
    assert.ok(second instanceof Refusal && third instanceof Refusal)
    assert.deepEqual([second.statusCode, second.field, third.field], [400, 'alerts.1.startsAt', 'alerts.2'])
  })
})
