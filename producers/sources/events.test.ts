import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Refusal } from '../refusal.ts'
import * as events from './events.ts'
import { assertEncodes, atOnce, mappingWith, NOW } from './mappingUnderTest.ts'
import { ELEMENTS_MAX } from './unfit.ts'

const mapEvents = (...given: Parameters<typeof events.mapEvents>) => atOnce(events.mapEvents(...given))

const mapping = mappingWith(`
version: 1
services:
  shop: { aliases: [web-shop], repositories: [acme/shop] }
`)
const started = { type: 'deployment', service: 'production/shop', key: 'shop-42', phase: 'started' }
const alert = { type: 'incident', service: 'production/shop', key: '7', phase: 'firing', title: 'Checkout is slow' }
const web = { type: 'infrastructure', service: 'production/shop', resource: 'workload/shop/web', kind: 'workload' }

const mapOne = (item: object) => {
  const [only, ...more] = mapEvents(item, 10, mapping)
  assert.ok(only !== undefined && more.length === 0)
  assertEncodes(only)
  return only.event
}

interface ProblemBody {
  readonly problems: readonly { readonly index: number; readonly field: string; readonly reason: string }[]
}

function problemsOf(body: unknown): string[] {
  try {
    mapEvents(body, 10, mapping)
  } catch (error) {
    assert.ok(error instanceof Refusal)
    assert.equal(error.statusCode, 400)
    return (error.more as unknown as ProblemBody).problems.map(({ index, field }) => `${index} ${field}`)
  }
  return assert.fail('accepted')
}

describe('our own JSON', () => {
  test('what is left out is filled in, the rest is as given', () => {
    const event = mapOne({ ...started, actor: 'Mona', occurredAt: '2026-01-05T10:00:00+01:00' })
    assert.ok('subject' in event)
    assert.deepEqual(
      [event.subject, event.key, event.attempt, event.source, event.receivedAt, event.occurredAt],
      ['deployment', 'events:shop-42', 1, 'events', NOW, Date.UTC(2026, 0, 5, 9)],
    )
    assert.match(event.actor ?? '', /^p-/)
    const incident = mapOne({ ...alert, phase: 'resolved' })
    assert.ok('title' in incident)
    assert.deepEqual([incident.startsAt, incident.endsAt, incident.severity], [NOW, NOW, null])
    const resource = mapOne({ ...web, quantities: { replicas: 3 } })
    assert.ok('resource' in resource)
    assert.deepEqual(resource.quantities, { replicas: 3 })
  })

  test('a list is accepted whole, one item stands for a list of one', () => {
    assert.deepEqual(
      mapEvents([started, alert, web], 10, mapping).map(({ topic }) => topic),
      ['devops.deployments', 'devops.incidents', 'devops.infrastructure'],
    )
    assert.deepEqual(mapEvents(started, 10, mapping), mapEvents([started], 10, mapping))
    assert.deepEqual(mapEvents([], 10, mapping), [])
  })

  test('a repeat has the same id, another step another', () => {
    const ids = [started, started, { ...started, attempt: 2 }, { ...started, phase: 'requested' }].map(
      (e) => mapOne(e).id,
    )
    assert.equal(ids[0], ids[1])
    assert.equal(new Set(ids).size, 3)
    assert.equal(mapOne({ ...started, id: 'mine' }).id, 'mine')
  })

  test('who it is about', () => {
    const table: readonly [object, string][] = [
      [{}, 'production/shop'],
      [{ service: 'prod/web-shop' }, 'production/shop'],
      [{ service: 'production/not-in-catalog' }, 'production/not-in-catalog'],
      [{ service: 'cart', environment: 'staging' }, 'staging/cart'],
      [{ service: undefined, repository: 'acme/shop', environment: 'ci' }, 'ci/shop'],
      [{ service: undefined, names: { prometheus: { job: 'web-shop' } }, environment: 'staging' }, 'staging/shop'],
      [
        { service: undefined, names: { otelServiceName: 'unheard' }, environment: 'staging' },
        'staging/unassigned:unheard',
      ],
    ]
    for (const [own, service] of table) {
      const item = JSON.parse(JSON.stringify({ ...started, ...own })) as object
      assert.equal(mapOne(item).service, service)
    }
    const run = mapOne({ ...started, service: 'ci/shop' })
    assert.ok('subject' in run)
    assert.equal(run.subject, 'ci_run')
  })

  test('every bad item is named with its field, and nothing is accepted', () => {
    const table: readonly [unknown, string[]][] = [
      [
        [started, { ...alert, title: '' }, 5, { ...started, phase: 'finished' }],
        ['1 title', '2 ', '3 conclusion'],
      ],
      [{ ...started, type: 'metric' }, ['0 type']],
      [{ ...started, phse: 1 }, ['0 ']],
      [{ ...started, service: 'shop' }, ['0 service']],
      [{ ...started, service: undefined }, ['0 service']],
      [{ ...started, environment: 'staging' }, ['0 service']],
      [{ ...started, service: 'production/../etc' }, ['0 service']],
      [{ ...started, phase: 'step' }, ['0 step']],
      [{ ...started, conclusion: 'success' }, ['0 conclusion']],
      [{ ...started, subject: 'change' }, ['0 subject']],
      [{ ...started, occurredAt: 253_402_300_800_000 }, ['0 occurredAt']],
      [{ ...started, change: { filesAdded: 2 ** 31 } }, ['0 change.filesAdded']],
      [{ ...started, source: 'github' }, ['0 source']],
      ['text', ['0 ']],
      [null, ['0 ']],
    ]
    for (const [body, expected] of table) {
      assert.deepEqual(problemsOf(body), expected, JSON.stringify(body))
    }
  })

  test('the longest environment is kept whole, a longer one refused', () => {
    const longest = 'e'.repeat(63)
    for (const over of [{ service: `${longest}/shop` }, { service: 'shop', environment: longest }]) {
      const event = mapOne({ ...started, ...over })
      assert.deepEqual([event.environment, event.service], [longest, `${longest}/shop`])
    }
    assert.deepEqual(problemsOf({ ...started, service: `${longest}e/shop` }), ['0 service'])
    assert.deepEqual(problemsOf({ ...started, service: 'shop', environment: `${longest}e` }), ['0 environment'])
  })

  test('half of a surrogate pair is refused by name, in a text as in a key: two of them would become one name', () => {
    const table: readonly [unknown, string[]][] = [
      [{ ...started, key: 's\ud800' }, ['0 key']],
      [[started, { ...started, service: 'production/\udc00' }], ['1 service']],
      [{ ...alert, labels: { a: '\ud83d' } }, ['0 labels.a']],
      [{ ...alert, labels: { ['\ud83d']: 'a' } }, ['0 labels']],
      [{ ...started, links: ['events:1', '\ud800'] }, ['0 links.1']],
    ]
    for (const [body, expected] of table) assert.deepEqual(problemsOf(body), expected)
    assert.equal(mapOne({ ...started, key: 's😀' }).service, 'production/shop')
  })

  test('a label __proto__ is refused by name, since a map would lose it; other names of objects are kept', () => {
    const named = (name: string): unknown => ({ ...alert, labels: JSON.parse(`{"${name}":"a"}`) as object })
    assert.deepEqual(problemsOf(named('__proto__')), ['0 labels.__proto__'])
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      const incident = mapOne(named(name) as object)
      assert.ok('labels' in incident)
      assert.deepEqual(Object.entries(incident.labels), [[name, 'a']])
    }
  })

  test('more elements than any list may have are too many, before each is looked at', () => {
    const many = Array<string>(ELEMENTS_MAX + 1).fill('a')
    const table: readonly [unknown, string][] = [
      [[many], '0'],
      [{ ...started, links: many }, 'links'],
      [[started, { ...started, links: many }], '1.links'],
    ]
    for (const [body, field] of table) {
      assert.throws(
        () => mapEvents(body, 10, mapping),
        (error: unknown) => error instanceof Refusal && error.statusCode === 413 && error.field === field,
        field,
      )
    }
  })

  test('many problems are counted, and a hundred of them named', () => {
    assert.throws(
      () => mapEvents(Array(150).fill({ ...started, key: '' }), 200, mapping),
      (error: unknown) =>
        error instanceof Refusal &&
        error.message.startsWith('150 of 150') &&
        (error.more as unknown as ProblemBody).problems.length === 100,
    )
  })

  test('more events than the limit are too many', () => {
    assert.throws(
      () => mapEvents(Array(11).fill(started), 10, mapping),
      (error: unknown) => error instanceof Refusal && error.statusCode === 413,
    )
  })
})
