import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { HttpError } from '../../runtime/http/errors.ts'
import type { LedgerEntry } from '../../schemas/generated/events.ts'
import { QUERIES } from '../../schemas/queries/queries.ts'
import type { QueryName, QueryOutput } from '../../schemas/queries/queries.ts'
import { partitionOf, SHARDS } from '../../schemas/topics.ts'
import type { QueryContext } from './context.ts'
import { answer } from './routes.ts'
import { applyAlert, applyRun, contextOf, FINISHED, openState, STEP, viewOf } from './stateUnderTest.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const state = openState()
const { doors } = state
after(() => {
  state.drop()
})

const start = (service: string, run: number, at: number, told: object = {}) => applyRun(state, service, run, at, told)
const alert = (service: string, number: number, at: number, key?: string) => applyAlert(state, service, number, at, key)
const view = (shard: number) => viewOf(state, shard, NOW)
const context = (changes: Partial<QueryContext> = {}) => contextOf(state, NOW, changes)

/** The answer, checked against the contract of the query. */
function ask<N extends QueryName>(name: N, input: object, changes: Partial<QueryContext> = {}): QueryOutput<N> {
  const output = answer(name, input, context(changes))
  // What JSON makes of it is what the caller gets.
  return QUERIES[name].output.strict().parse(JSON.parse(JSON.stringify(output))) as QueryOutput<N>
}

const refusal = (status: number, code: string) => (error: unknown) =>
  error instanceof HttpError && error.statusCode === status && error.code === code

const fleet = Array.from({ length: 25 }, (_, i) => `production/fleet-${i}`)
const expected = fleet.flatMap((service, i) =>
  // Some have the same millisecond, within a shard and across shards; of some only the end or a step was ever told.
  [{}, FINISHED, STEP].map((told, run) => {
    const at = NOW - 3_600_000 - ((i * 7 + run * 3) % 20) * 1000
    return { at, key: start(service, run, at, told) }
  }),
)
expected.sort((a, b) => b.at - a.at || (a.key < b.key ? -1 : 1))
const alerts = fleet.slice(0, 10).map((service, i) => ({ at: NOW - i * 1000, key: alert(service, 0, NOW - i * 1000) }))
start('staging/unassigned:who-knows', 0, NOW - 5000)

test('pages of any size give every deployment once, newest first over all shards', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), (limit) => {
      const keys: string[] = []
      let cursor: string | null = null
      do {
        const page: QueryOutput<'list_deployments'> = ask('list_deployments', {
          environment: 'production',
          limit,
          ...(cursor === null ? {} : { cursor }),
        })
        assert.ok(page.items.length <= limit)
        keys.push(...page.items.map(({ key }) => key))
        cursor = page.nextCursor
      } while (cursor !== null)
      assert.deepEqual(
        keys,
        expected.map(({ key }) => key),
      )
    }),
    { numRuns: 30 },
  )
})

test('filters of a list hold with a cursor too', () => {
  const window = { from: new Date(NOW - 3_610_000).toISOString(), to: new Date(NOW - 3_602_000).toISOString() }
  const wanted = expected.filter(({ at }) => at >= NOW - 3_610_000 && at < NOW - 3_602_000).map(({ key }) => key)
  const first = ask('list_deployments', { ...window, limit: 5 })
  assert.ok(first.nextCursor !== null)
  const second = ask('list_deployments', { ...window, limit: 100, cursor: first.nextCursor })
  assert.deepEqual(
    [...first.items, ...second.items].map(({ key }) => key),
    wanted,
  )
  assert.deepEqual(ask('list_deployments', { service: fleet[0], limit: 100 }).items.length, 3)
})

test('incidents are listed newest first, and one is read with the deployments before it', () => {
  assert.deepEqual(
    ask('list_incidents', { state: 'firing', limit: 100 }).items.map(({ key }) => key),
    alerts.map(({ key }) => key),
  )
  const service = 'production/before'
  const key = start(service, 0, NOW - 1800_000)
  start(service, 1, NOW - 2 * 3_600_000)
  const incident = alert(service, 1, NOW - 60_000)
  const { incident: told, deploymentsBefore } = ask('get_incident', { key: incident })
  assert.equal(told.labels['a'], 'b')
  assert.deepEqual(
    deploymentsBefore.map((deployment) => deployment.key),
    [key],
  )
  assert.throws(() => ask('get_incident', { key: 'events:nothing' }), refusal(404, 'not_found'))
})

test('an incident key that several services have needs the service, near and far', () => {
  const key = 'ci:incident/1'
  const services = ['production/twin-a', 'production/twin-b', 'production/twin-c']
  assert.ok(new Set(services.map(partitionOf)).size > 1)
  for (const service of services) alert(service, 1, NOW - 50_000, key)
  for (const service of services) assert.equal(ask('get_incident', { key, service }).incident.service, service)
  assert.throws(
    () => ask('get_incident', { key }),
    (error) => refusal(400, 'invalid_input')(error) && (error as Error).message.includes(services.join(', ')),
  )
  assert.throws(() => ask('get_incident', { key, service: 'production/none' }), refusal(404, 'not_found'))
  // Same time and same key: every page goes on where the one before ended.
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = ask('list_incidents', { from: new Date(NOW - 50_001).toISOString(), limit: 1, cursor })
    seen.push(...page.items.filter((item) => item.key === key).map(({ service }) => service))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  assert.deepEqual(seen.sort(), services)
})

test('a service is told with its counts, runs and open alerts', () => {
  const service = fleet[0] ?? ''
  const told = ask('get_service', { service })
  assert.equal(told.tier, 'production')
  assert.deepEqual([told.deployments, told.ciRuns, told.recent.length, told.openIncidents.length], [3, 0, 3, 1])
  assert.throws(() => ask('get_service', { service: 'production/nobody' }), refusal(404, 'not_found'))
})

test('services come by name, unmapped ones by what their source calls them', () => {
  const names: string[] = []
  let cursor: string | null = null
  do {
    const page: QueryOutput<'list_services'> = ask('list_services', {
      prefix: 'production/fleet-',
      limit: 4,
      ...(cursor === null ? {} : { cursor }),
    })
    names.push(...page.items.map(({ service }) => service))
    cursor = page.nextCursor
  } while (cursor !== null)
  assert.deepEqual(names, [...fleet].sort())
  assert.deepEqual(
    ask('list_unmapped', {}).items.map(({ sourceName, environment }) => [sourceName, environment]),
    [['who-knows', 'staging']],
  )
  const isMappedByNow = (name: string): boolean => name === 'who-knows'
  assert.deepEqual(ask('list_unmapped', {}, { isMappedByNow }).items, [])
})

test('an answer is as fresh as the stalest shard asked and says what is missing', () => {
  const whole = ask('list_services', {})
  assert.equal(whole.freshThrough, new Date(NOW - SHARDS + 1).toISOString())
  assert.equal(whole.complete, true)

  const restoring = doors.map((_, shard) =>
    shard === 3
      ? { ...view(shard), state: 'restoring' as const, door: null, freshThrough: null }
      : shard === 5
        ? { ...view(shard), gap: 'offsets 0 to 9 of devops.metrics are gone' }
        : view(shard),
  )
  const partial = ask('list_services', {}, { shards: () => restoring, isInTouch: () => false })
  assert.equal(partial.freshThrough, null)
  assert.equal(partial.complete, false)
  assert.match(partial.incompleteReason ?? '', /restored: shard 3;.*lost touch.*; shard 5: offsets 0 to 9/)
  assert.equal(ask('get_health', {}, { shards: () => restoring }).status, 'degraded')
  assert.equal(ask('get_health', {}).status, 'ok')
})

test('one service is answered by its owner alone', () => {
  const service = fleet[0] ?? ''
  const others = doors.map((_, shard) => view(shard)).filter(({ shard }) => shard !== partitionOf(service))
  const elsewhere = { shards: () => others, ownerOf: () => 'http://127.0.0.1:9' }
  assert.throws(
    () => ask('get_service', { service }, elsewhere),
    (error) => refusal(421, 'wrong_owner')(error) && (error as HttpError).more['address'] === 'http://127.0.0.1:9',
  )
  assert.throws(() => ask('get_service', { service }, { shards: () => others }), refusal(503, 'restoring'))
  const restoring = [...others, { ...view(partitionOf(service)), state: 'restoring' as const, door: null }]
  assert.throws(
    () => ask('get_service', { service }, { shards: () => restoring }),
    (error) => refusal(503, 'restoring')(error) && (error as HttpError).headers['retry-after'] === '1',
  )
  assert.throws(() => ask('get_incident', { key: 'k' }, { shards: () => restoring }), refusal(503, 'restoring'))
})

test('input that breaks the contract is refused with its field', () => {
  const field = (name: string) => (error: unknown) =>
    refusal(400, 'invalid_input')(error) && (error as HttpError).field === name
  assert.throws(() => ask('get_service', {}), field('service'))
  for (const service of ['', 'shop', '/shop', 'production/', 'production/ ', 'pro duction/shop']) {
    assert.throws(() => ask('list_deployments', { service }), field('service'), service)
    assert.throws(() => ask('predict_deployment', { service }), /expected <environment>\/<name>/)
  }
  assert.throws(() => ask('query_metrics', { metric: 'up' }), /^\w*Error: is missing, and so is to$/)
  assert.throws(() => ask('list_deployments', { limit: 101 }), field('limit'))
  assert.throws(() => ask('list_deployments', { cursor: '!' }), field('cursor'))
  assert.throws(() => ask('list_services', { cursor: 'AAAA' }), field('cursor'))
  const time = new Date(NOW).toISOString()
  assert.throws(() => ask('query_metrics', { metric: 'up', from: time, to: time }), field('to'))
})

test('a question may name the environment by its alias', () => {
  const service = fleet.find((one) => one.startsWith('production/')) ?? ''
  const alias = service.replace('production/', 'prod/')
  assert.deepEqual(ask('get_service', { service: alias }), ask('get_service', { service }))
  const inProduction = ask('list_services', { environment: 'production', limit: 100 })
  assert.ok(inProduction.items.length > 0)
  assert.deepEqual(ask('list_services', { environment: 'PRD', limit: 100 }), inProduction)
})

test('a prediction comes from the owner shard and is kept as asked', () => {
  const kept: LedgerEntry[] = []
  const entry = { predictionId: 'p' } as LedgerEntry
  const evidence = {
    effectiveSamples: 0,
    minSamples: 100,
    serviceOutcomes: 0,
    baseRate: 0.9,
    baseRateInterval: { low: 0.5, high: 1 },
    assumed: {},
    missing: 'runs',
  }
  const output = ask(
    'predict_deployment',
    { service: fleet[0] },
    {
      keepAsked: (asked) => kept.push(asked),
      ask: (input, shard, now) => {
        assert.equal(shard.shard, partitionOf(input.service))
        assert.equal(now, NOW)
        return {
          output: {
            predictionId: 'p',
            service: input.service,
            subject: input.subject,
            pSuccess: 0.9,
            answerClass: 'not_enough_evidence',
            riskLevel: 'low',
            durationSeconds: null,
            evidence,
            modelVersion: 'base-rate',
            liveScore: null,
            explanation: null,
            similarCases: [],
            lowerRisk: [],
            strategy: 'canary',
          },
          entry,
        }
      },
    },
  )
  assert.equal(output.subject, 'deployment')
  assert.deepEqual(kept, [entry])
})

test('memory is told by region, shard and component', () => {
  assert.deepEqual(ask('get_memory', {}).components, [])
  for (let n = 0; n < 200; n++) state.engine.survey(256)
  const memory = ask('get_memory', {})
  assert.equal(memory.poolBytes, 80 * 1024 ** 2)
  assert.equal(memory.regions.length, 4)
  assert.equal(memory.shards.length, SHARDS)
  assert.deepEqual([memory.alert, ask('get_health', {}).memoryAlert], ['none', 'none'])
  const ofShards = memory.shards.reduce((sum, { pages }) => sum + pages, 0)
  const ofComponents = memory.components.reduce((sum, { pages }) => sum + pages, 0)
  assert.equal(ofComponents, ofShards)
  assert.ok(memory.components.some(({ component }) => component === 'deployments'))
  for (const { fragmentation } of [...memory.regions, ...memory.shards, ...memory.components]) {
    assert.ok(fragmentation === null || (fragmentation >= 0 && fragmentation < 1))
  }
})

test('half of a surrogate pair is a wrong input with its field, in any text', () => {
  const span = { metric: 'up', from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' }
  const table: readonly [QueryName, object, string][] = [
    ['get_service', { service: '\ud800/x' }, 'service'],
    ['list_deployments', { environment: '\ud800' }, 'environment'],
    ['list_services', { prefix: 'p\udc00' }, 'prefix'],
    ['get_incident', { key: '\ud800' }, 'key'],
    ['predict_deployment', { service: 'a/b', branch: '\ud800' }, 'branch'],
    ['forecast_capacity', { service: 'a/b', metric: 'up', labels: { job: '\ud800' } }, 'labels.job'],
    ['query_metrics', { ...span, matchers: [{ name: 'a', op: '=', value: '\ud800' }] }, 'matchers.0.value'],
  ]
  for (const [name, input, field] of table) {
    assert.throws(
      () => answer(name, input, context()),
      (error) => refusal(400, 'invalid_input')(error) && (error as HttpError).field === field,
      name,
    )
  }
})
