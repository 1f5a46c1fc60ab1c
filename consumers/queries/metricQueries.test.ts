import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { readConfiguration } from '../../runtime/configuration/configuration.ts'
import { HttpError } from '../../runtime/http/errors.ts'
import { openEngine } from '../../rust-engine/ts/engine.ts'
import { createRemoteWriteDecoder } from '../../rust-engine/ts/remoteWrite.ts'
import { QUERIES } from '../../schemas/queries/queries.ts'
import type { QueryName, QueryOutput } from '../../schemas/queries/queries.ts'
import { partitionOf, SHARDS } from '../../schemas/topics.ts'
import { BacktestMemory } from './backtestMemory.ts'
import type { CapacityForecaster, QueryContext } from './context.ts'
import { remoteWrite } from './remoteWriteUnderTest.ts'
import type { Labels, Samples } from './remoteWriteUnderTest.ts'
import { answer } from './routes.ts'

const MIB = 1024 ** 2
const HOUR_MS = 3_600_000
const DAYS = 15
const NOW = Date.parse('2026-03-01T12:30:00Z')
const BEGIN = NOW - DAYS * 24 * HOUR_MS
const STEP_MS = 600_000
const SERVICE = 'production/shop'
const quotaBytes = {
  infrastructure_state: 32 * MIB,
  deployment_history: 16 * MIB,
  incident_database: 8 * MIB,
  active_operations: 8 * MIB,
}
const engine = openEngine({ poolBytes: 64 * MIB, quotaBytes, borrowBytesMax: quotaBytes, shards: SHARDS })
const door = engine.createShard(partitionOf(SERVICE))
after(() => {
  door.drop()
})

const valueAt = (at: number): number => 50 + 10 * Math.sin(((at % (24 * HOUR_MS)) / (24 * HOUR_MS)) * 2 * Math.PI)
const samples = Array.from({ length: Math.floor((NOW - BEGIN) / STEP_MS) }, (_, i) => {
  const at = BEGIN + i * STEP_MS
  return [at, valueAt(at)] as const
})
const target = { job: 'shop', instance: 'shop-0:9090' }
const series: (readonly [Labels, Samples])[] = [
  [{ __name__: 'memory_bytes', ...target, pod: 'a' }, samples],
  [{ __name__: 'memory_bytes', ...target, pod: 'b' }, samples.slice(-6)],
]
const decoder = createRemoteWriteDecoder({
  seriesMax: 100,
  samplesMax: 100_000,
  decodedBytesMax: 16 * MIB,
  labelBytesMax: 10_000,
})
for (const batch of decoder.decode(remoteWrite(series), NOW).batches) {
  door.applyMetrics(batch.target, SERVICE, batch.announced, batch.block)
}

/** The value of the day before: enough of a forecaster to see which hours were asked of it and given back. */
const dayBefore: CapacityForecaster = {
  version: 'day-before',
  forecast: (hourly, _firstHourMs, steps = 24) => {
    const p50 = hourly.slice(-24).slice(0, steps)
    return { p10: p50.map((v) => v - 1), p50, p90: p50.map((v) => v + 1), seasonalNaive: p50 }
  },
  backtest: () => ({ windows: 7, mase: 0.5, maseSeasonalNaive: 1 }),
}

const context = (forecaster: CapacityForecaster | null): QueryContext => ({
  shards: () => [{ shard: door.shard, state: 'live', door, clock: NOW, freshThrough: NOW, lagRecords: 0, gap: null }],
  ownerOf: () => null,
  isInTouch: () => true,
  environments: readConfiguration({ env: {} }).environments,
  isMappedByNow: () => false,
  now: () => NOW,
  memory: () => engine.memory(),
  alertLevelOf: () => 'none',
  ask: () => {
    throw new Error('not asked in these tests')
  },
  keepAsked: () => undefined,
  forecaster: () => forecaster,
  backtests: new BacktestMemory(),
  patternRow: () => null,
  zoneOf: () => 'UTC',
  patterns: () => null,
  minSamples: 100,
  models: () => [],
  targets: () => [],
})

async function ask<N extends QueryName>(
  name: N,
  input: object,
  forecaster: CapacityForecaster | null = null,
): Promise<QueryOutput<N>> {
  const output = await answer(name, input, context(forecaster))
  return QUERIES[name].output.strict().parse(JSON.parse(JSON.stringify(output))) as QueryOutput<N>
}

const iso = (ms: number): string => new Date(ms).toISOString()

test('raw samples come back as they were written', async () => {
  const window = { from: iso(NOW - HOUR_MS), to: iso(NOW) }
  const input = { service: SERVICE, metric: 'memory_bytes', stepSeconds: 0, ...window }
  const { series: found, truncated } = await ask('query_metrics', {
    ...input,
    matchers: [{ name: 'pod', op: '=', value: 'a' }],
  })
  assert.equal(truncated, false)
  assert.deepEqual(
    found.map(({ points }) => points),
    [samples.filter(([at]) => at >= NOW - HOUR_MS && at < NOW)],
  )
  assert.equal((await ask('query_metrics', input)).series.length, 2)
  assert.equal((await ask('query_metrics', input)).detail, null)
  const nothing = await ask('query_metrics', { ...input, metric: 'nothing' })
  assert.deepEqual([nothing.series, nothing.detail], [[], 'no series of this service matches; it has memory_bytes'])
  const anywhere = await ask('query_metrics', { metric: 'nothing', ...window })
  assert.match(anywhere.detail ?? '', /name a service/)
})

test('matchers take patterns for the whole value; a wrong one is named with its place and the reason', async () => {
  const input = { metric: 'memory_bytes', stepSeconds: 3600, from: iso(BEGIN), to: iso(NOW) }
  const pods = async (op: string, value: string) =>
    (await ask('query_metrics', { ...input, matchers: [{ name: 'pod', op, value }] })).series.map(
      ({ labels }) => labels['pod'],
    )
  assert.deepEqual(await pods('=~', 'a|c'), ['a'])
  assert.deepEqual(await pods('!~', 'a.*'), ['b'])
  assert.deepEqual((await pods('=~', '[ab]')).toSorted(), ['a', 'b'])
  const wrong = { name: 'pod', op: '=~', value: 'a[' }
  await assert.rejects(
    ask('query_metrics', { ...input, matchers: [{ name: 'pod', op: '=', value: 'a' }, wrong] }),
    (error) => {
      assert.ok(error instanceof HttpError)
      assert.deepEqual([error.statusCode, error.field], [400, 'matchers.1.value'])
      assert.equal(error.message, 'unclosed character class at character 2: [')
      return true
    },
  )
})

test('what is more than fits is told to be cut', async () => {
  const input = { metric: 'memory_bytes', stepSeconds: 0, from: iso(BEGIN), to: iso(NOW), limit: 1 }
  const whole = await ask('query_metrics', { ...input, matchers: [{ name: 'pod', op: '!=', value: 'b' }] })
  assert.equal(whole.series[0]?.points.length, 1000)
  assert.equal(whole.series[0].truncated, true)
  assert.equal(whole.truncated, false)
  assert.equal((await ask('query_metrics', input)).truncated, true)
})

test('a query that would read more samples than it may says that points are missing', async () => {
  const big: (readonly [Labels, Samples])[] = Array.from({ length: 16 }, (_, n) => [
    { __name__: 'big', job: 'big', n: String(n) },
    Array.from({ length: 63_000 }, (_, i) => [BEGIN + i * 1000, i % 7] as const),
  ])
  const limits = { seriesMax: 100, samplesMax: 2_000_000, decodedBytesMax: 64 * MIB, labelBytesMax: 10_000 }
  for (const batch of createRemoteWriteDecoder(limits).decode(remoteWrite(big), NOW).batches) {
    door.applyMetrics(batch.target, SERVICE, batch.announced, batch.block)
  }
  // A step that no buckets fill.
  const window = { from: iso(BEGIN), to: iso(NOW), stepSeconds: 3599, aggregation: 'count' }
  const asked = (limit: number) => ask('query_metrics', { service: SERVICE, metric: 'big', ...window, limit })
  const [few, many] = [await asked(15), await asked(16)]
  assert.deepEqual([few.complete, few.series.map(({ points }) => points.length)], [true, Array(15).fill(18)])
  assert.deepEqual([many.complete, many.series.length], [false, 16])
  assert.match(many.incompleteReason ?? '', /^points are missing: more than 1000000 samples in the window/u)
})

test('a shard that goes while it is read is being restored, and too many large reads are busy', async () => {
  const shard = (partitionOf(SERVICE) + 1) % SHARDS
  const other = engine.createShard(shard)
  const limits = { seriesMax: 100, samplesMax: 100_000, decodedBytesMax: 16 * MIB, labelBytesMax: 10_000 }
  for (const batch of createRemoteWriteDecoder(limits).decode(remoteWrite(series), NOW).batches) {
    other.applyMetrics(batch.target, SERVICE, batch.announced, batch.block)
  }
  const view = { shard, state: 'live', door: other, clock: NOW, freshThrough: NOW, lagRecords: 0, gap: null } as const
  const asked = { metric: 'memory_bytes', from: iso(BEGIN), to: iso(NOW) }
  const refusal = async () => {
    const output = answer('query_metrics', asked, { ...context(null), shards: () => [view] })
    return Promise.resolve(output).then(
      () => null,
      (error: unknown) => (error instanceof HttpError ? [error.statusCode, error.code] : error),
    )
  }
  // Two are read, sixty-four wait.
  const refusals = await Promise.all(Array.from({ length: 67 }, refusal))
  assert.deepEqual(
    refusals.filter((one) => one !== null),
    [[503, 'busy']],
  )
  const last = refusal()
  other.drop()
  assert.deepEqual(await last, [503, 'restoring'])
})

test('steps of whole hours begin at whole ones', async () => {
  const input = { service: SERVICE, metric: 'memory_bytes', matchers: [{ name: 'pod', op: '=', value: 'a' }] }
  const window = { from: iso(NOW - 6 * HOUR_MS), to: iso(NOW), aggregation: 'count' }
  const pointsBy = async (stepSeconds: number) =>
    (await ask('query_metrics', { ...input, ...window, stepSeconds })).series[0]?.points
  const hour = Math.floor(NOW / HOUR_MS) * HOUR_MS
  const counts = [6, 6, 6, 6, 6, 6, 3]
  assert.deepEqual(
    await pointsBy(3600),
    counts.map((count, i) => [hour + (i - 6) * HOUR_MS, count]),
  )
  assert.deepEqual((await pointsBy(3601))?.[0]?.[0], NOW - 6 * HOUR_MS)
})

test('steps are aggregated', async () => {
  const from = Math.floor((NOW - 6 * HOUR_MS) / HOUR_MS) * HOUR_MS
  const input = { service: SERVICE, metric: 'memory_bytes', matchers: [{ name: 'pod', op: '=', value: 'a' }] }
  const window = { from: iso(from), to: iso(from + 2 * HOUR_MS), stepSeconds: 3600 }
  const mean = (begin: number): number => {
    const hour = samples.filter(([at]) => at >= begin && at < begin + HOUR_MS).map(([, value]) => value)
    return hour.reduce((sum, value) => sum + value, 0) / hour.length
  }
  const points = (await ask('query_metrics', { ...input, ...window, aggregation: 'avg' })).series[0]?.points ?? []
  assert.deepEqual(
    points.map(([at]) => at),
    [from, from + HOUR_MS],
  )
  for (const [at, value] of points) assert.ok(Math.abs(value - mean(at)) < 1e-9)
})

test('a forecast rests on whole hours up to the running one', async () => {
  const input = { service: SERVICE, metric: 'memory_bytes', labels: { pod: 'a' } }
  const told = await ask('forecast_capacity', input, dayBefore)
  assert.equal(told.status, 'ok')
  assert.equal(told.hours[0]?.at, iso(Math.floor(NOW / HOUR_MS) * HOUR_MS))
  assert.equal(told.hours.length, 24)
  assert.ok(told.hours.every(({ p10, p50, p90 }) => p10 < p50 && p50 < p90))
  // A day has the same shape as the one before it, so the mean of each hour is known.
  for (const { at, p50 } of told.hours) {
    const hour = samples.filter(([time]) => Math.floor(time / HOUR_MS) * HOUR_MS === Date.parse(at) - 24 * HOUR_MS)
    assert.ok(Math.abs(p50 - hour.reduce((sum, [, value]) => sum + value, 0) / hour.length) < 1e-9)
  }
})

test('a forecast says when seasonal naive did better on the last days', async () => {
  const input = { service: SERVICE, metric: 'memory_bytes', labels: { pod: 'a' } }
  assert.equal((await ask('forecast_capacity', input, dayBefore)).detail, null)
  const backtest = () => ({ windows: 7, mase: 1.2, maseSeasonalNaive: 0.9 })
  const told = await ask('forecast_capacity', input, { ...dayBefore, version: 'worse', backtest })
  assert.equal(told.status, 'ok')
  assert.match(told.detail ?? '', /^seasonal naive was the better .*MASE 0\.90, model 1\.20/)
})

test('a backtest is made once for a series, an hour and a model, and the newest are kept', () => {
  const memory = new BacktestMemory()
  let made = 0
  const ask = (series: string, hour = 0, version = 'v') =>
    memory.of(series, hour, version, () => ({ windows: made++, mase: null, maseSeasonalNaive: null })).windows
  assert.deepEqual([ask('a'), ask('a'), ask('b'), ask('a', 1), ask('a', 0, 'w'), ask('a')], [0, 0, 1, 2, 3, 0])
  for (let i = 0; i < 998; i++) ask(`many ${i}`)
  assert.equal(ask('a'), 0)
  assert.equal(ask('b'), made - 1)
})

test('a forecast that cannot be made says what is missing', async () => {
  const input = { service: SERVICE, metric: 'memory_bytes' }
  const none = await ask('forecast_capacity', { ...input, metric: 'nothing' }, dayBefore)
  assert.equal(none.status, 'no_series')
  assert.match(none.detail ?? '', /it has .*memory_bytes$/)
  const many = await ask('forecast_capacity', input, dayBefore)
  assert.equal(many.status, 'ambiguous')
  assert.match(many.detail ?? '', /"pod":"a".*"pod":"b"/)
  const short = await ask('forecast_capacity', { ...input, labels: { pod: 'b' } }, dayBefore)
  assert.equal(short.status, 'not_enough_data')
  assert.match(short.detail ?? '', /^\d+ more hours/)
  const early = await ask('forecast_capacity', { ...input, labels: { pod: 'a' } })
  assert.deepEqual([early.status, early.detail], ['not_enough_data', 'there is no capacity model yet'])
})
