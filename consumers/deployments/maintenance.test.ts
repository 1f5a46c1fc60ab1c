import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readCatalog } from '../../runtime/configuration/catalog.ts'
import { SERVICE, START, deps, event, feature, newEngine, pipeline, run } from './handlerUnderTest.ts'
import { duringMaintenance } from './maintenance.ts'
import { patternRowOf } from './patternRow.ts'

const HOUR_MS = 3_600_000

/** Of a catalog as an installation writes it. */
function windows(lines: readonly string[]) {
  const file = join(mkdtempSync(join(tmpdir(), 'devops-catalog-')), 'catalog.yaml')
  writeFileSync(
    file,
    `version: 1\nservices: { shop: {}, search: {} }\nmaintenance:\n${lines.map((l) => `  - ${l}\n`).join('')}`,
  )
  return duringMaintenance(readCatalog(file).maintenance, () => 'Europe/Berlin')
}
const at = (text: string): number => Date.parse(text)

test('an outage is kept out from its first moment to its last, of the services and environments that it names', () => {
  const during = windows([
    '{ from: 2026-03-01T22:00:00Z, to: 2026-03-02T02:00:00Z, services: [shop], environments: [production], reason: database }',
  ])
  const table = [
    ['production/shop', '2026-03-01T21:00:00Z', '2026-03-01T21:59:59Z', false],
    ['production/shop', '2026-03-01T21:00:00Z', '2026-03-01T22:00:00Z', true],
    ['production/shop', '2026-03-01T23:00:00Z', '2026-03-01T23:00:00Z', true],
    ['production/shop', '2026-03-02T01:59:59Z', '2026-03-02T03:00:00Z', true],
    ['production/shop', '2026-03-02T02:00:00Z', '2026-03-02T03:00:00Z', false],
    ['production/search', '2026-03-01T23:00:00Z', '2026-03-01T23:30:00Z', false],
    ['staging/shop', '2026-03-01T23:00:00Z', '2026-03-01T23:30:00Z', false],
  ] as const
  for (const [service, from, to, expected] of table)
    assert.equal(during(service, at(from), at(to)), expected, `${service} ${from}`)
})

test('a weekly window follows the clock of its zone, over midnight and over the end of the week', () => {
  const berlin = windows(["{ weekly: sunday, from: '22:00', to: '02:00' }"])
  const tokyo = windows(["{ weekly: monday, from: '01:00', to: '24:00', time_zone: Asia/Tokyo }"])
  const table = [
    // Sunday 22:00 in Berlin is 21:00 UTC in winter, 20:00 in summer.
    [berlin, '2026-01-04T20:59:00Z', '2026-01-04T20:59:59Z', false],
    [berlin, '2026-01-04T21:00:00Z', '2026-01-04T21:00:00Z', true],
    [berlin, '2026-07-05T20:00:00Z', '2026-07-05T20:00:00Z', true],
    [berlin, '2026-01-05T00:30:00Z', '2026-01-05T00:40:00Z', true],
    [berlin, '2026-01-05T01:00:00Z', '2026-01-05T02:00:00Z', false],
    [berlin, '2026-01-03T12:00:00Z', '2026-01-04T23:00:00Z', true],
    [berlin, '2026-01-06T12:00:00Z', '2026-01-13T12:00:00Z', true],
    [tokyo, '2026-01-04T16:00:00Z', '2026-01-04T16:00:00Z', true],
    [tokyo, '2026-01-05T15:00:00Z', '2026-01-05T16:00:00Z', false],
  ] as const
  for (const [during, from, to, expected] of table) assert.equal(during(SERVICE, at(from), at(to)), expected, from)
})

test('a window that cannot be is refused with every problem', () => {
  assert.throws(
    () =>
      windows([
        '{ from: yesterday, to: 2026-03-02T02:00:00Z, services: [shopp] }',
        '{ from: 2026-03-03T02:00:00Z, to: 2026-03-02T02:00:00Z }',
        "{ weekly: sunday, from: '25:00', to: '02:00', time_zone: Mars/Olympus }",
      ]),
    ({ message }: Error) =>
      [
        'maintenance.0: there is no service shopp',
        'maintenance.0: yesterday is no moment',
        'maintenance.1: from is not before to',
        'maintenance.2: unknown time zone Mars/Olympus',
        'maintenance.2: 25:00 is no time of the day',
      ].every((problem) => message.includes(problem)),
  )
})

test('what ran within a window is censored for it, and leaves no trace in what is learnt', () => {
  const down = { from: START + 10 * HOUR_MS, to: START + 11 * HOUR_MS }
  const during = (_service: string, from: number, to: number) => from < down.to && to >= down.from
  const { passAll, shard } = pipeline(newEngine(), { ...deps, duringMaintenance: during })
  passAll(run(1, 'success'))
  const moment = { occurredAt: down.from + 60_000 }
  const entries = passAll([
    event({ key: 'x', ...moment }),
    event({ key: 'x', phase: 'finished', conclusion: 'failure', occurredAt: moment.occurredAt + 30_000 }),
    event({ key: 'y', occurredAt: moment.occurredAt + 60_000 }),
    event({ key: 'y', phase: 'finished', conclusion: 'cancelled', occurredAt: moment.occurredAt + 90_000 }),
  ])
  const closed = entries.filter(({ kind }) => kind !== 'headline')
  assert.deepEqual(
    closed.map(({ kind, success, durationSeconds, censoredBy }) => [kind, success, durationSeconds, censoredBy]),
    [
      ['censored', null, null, 'maintenance'],
      ['censored', null, null, 'maintenance'],
    ],
  )
  const [headline] = passAll([event({ key: 'next', occurredAt: down.to + HOUR_MS })])
  assert.equal(feature(headline, 'service.count'), Math.fround(Math.log1p(1)))
  assert.equal(feature(headline, 'service.pending'), 0)
  assert.equal(feature(headline, 'service.last'), -1, 'the last one that counts passed')
  assert.equal(shard.service(SERVICE)?.deployments, 4)
  const open = { environment: null, state: null, conclusion: null, from: null, to: null, at: null }
  const { items } = shard.deployments({ ...open, subject: 'deployment', service: SERVICE }, 10, null)
  const rows = items.flatMap((record) => patternRowOf(record, shard, { ...deps, duringMaintenance: during }) ?? [])
  assert.deepEqual(
    rows.map(({ id }) => id),
    ['events:shop/deployment/1 1'],
  )
})

test('outside of windows the reason of a censored one is that it had no outcome, or was given up', () => {
  const { passAll } = pipeline()
  const attempt = (number: number, phase: 'requested' | 'finished', conclusion: 'cancelled' | null = null) =>
    event({ attempt: number, phase, conclusion, occurredAt: START + number * 1000 })
  const entries = passAll([
    attempt(1, 'requested'),
    attempt(2, 'requested'),
    attempt(3, 'requested'),
    attempt(3, 'finished', 'cancelled'),
  ])
  assert.deepEqual(
    entries.flatMap(({ kind, attempt: number, censoredBy }) => (kind === 'censored' ? [[number, censoredBy]] : [])),
    [
      [1, 'given_up'],
      [3, 'no_outcome'],
    ],
  )
})
