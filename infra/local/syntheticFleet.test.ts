import assert from 'node:assert/strict'
import test from 'node:test'
import protobuf from 'protobufjs'
import snappy from 'snappyjs'
import { remoteWriteBody } from './remoteWriteBody.ts'
import { createFleet, FLEET, type Attempt } from './syntheticFleet.ts'
import { everyService, metricsOf } from './syntheticMetrics.ts'

const NOON = Date.UTC(2026, 0, 14, 12)

const DAY_MS = 24 * 3_600_000
const TODAY = Math.floor(NOON / DAY_MS)

const historyOf = (seed: number, days: number, today = TODAY): Attempt[] =>
  Array.from({ length: days }, (_, index) => createFleet(seed).day(today - days + index)).flat()

test('the same seed gives the same fleet, another seed another', () => {
  assert.deepEqual(historyOf(7, 3), historyOf(7, 3))
  assert.notDeepEqual(historyOf(7, 3), historyOf(8, 3))
})

test('a key stands for the same attempt on every day on which it is told', () => {
  const byKey = new Map(historyOf(1, 30).map((attempt) => [attempt.started['key'], attempt]))
  const nextDay = historyOf(1, 30, TODAY + 1)
  const again = nextDay.filter(({ started }) => byKey.has(started['key']))
  assert.equal(again.length, nextDay.length - createFleet(1).day(TODAY).length)
  for (const attempt of again) assert.deepEqual(attempt, byKey.get(attempt.started['key']))
})

test('a live hour is the same whenever it is asked for, and shares no key with another or with the history', () => {
  const fleet = createFleet(1)
  const [first, second] = [fleet.liveHour(500_000, 4_000), fleet.liveHour(500_001, 4_000)]
  assert.deepEqual(first, createFleet(1).liveHour(500_000, 4_000))
  const keys = [...first, ...second, ...fleet.day(Math.floor(500_000 / 24))].map(({ started }) => started['key'])
  assert.equal(new Set(keys).size, keys.length)
  assert.equal(first.length, 900)
  assert.equal(first[1]?.startedAt, 500_000 * 3_600_000 + 4_000)
})

test('a sample of a seed has one value, whatever is asked for beside it', () => {
  const [of] = FLEET
  assert.ok(of !== undefined)
  const alone = metricsOf(of, [NOON], 1, false)
  const among = metricsOf(of, [NOON - 5_000, NOON, NOON + 5_000], 1, false)
  assert.deepEqual(
    alone.map(({ samples }) => samples[0]),
    among.map(({ samples }) => samples[1]),
  )
  assert.notDeepEqual(alone, metricsOf(of, [NOON], 2, false))
})

test('the history is labelled, in order within its day, and each attempt ends after it began', () => {
  const history = historyOf(1, 30)
  assert.ok(history.length > 1_400 && history.length < 1_700, String(history.length))
  const starts = history.map((attempt) => attempt.startedAt)
  assert.deepEqual(
    starts,
    starts.toSorted((a, b) => a - b),
  )
  for (const { started, finished, startedAt, endedAt } of history) {
    assert.match(String(started['service']), /^(production|staging|ci)\/demo-/)
    assert.equal(started['source'], 'demo')
    assert.equal(started['backfilled'], true)
    assert.equal(started['key'], finished['key'])
    assert.ok(endedAt > startedAt && endedAt < TODAY * DAY_MS && startedAt >= (TODAY - 30) * DAY_MS)
  }
  assert.equal(new Set(history.map((attempt) => attempt.started['key'])).size, history.length)
})

test('whenever it is started, four services have the hundred finished production runs that a prediction asks for', () => {
  for (let today = TODAY; today < TODAY + 90; today += 1) {
    const runs = new Map<unknown, number>()
    for (const { started, finished } of historyOf(1, 30, today))
      if (finished['conclusion'] !== 'cancelled') runs.set(started['service'], (runs.get(started['service']) ?? 0) + 1)
    for (const name of ['checkout', 'payments', 'search', 'web']) {
      const count = runs.get(`production/demo-${name}`) ?? 0
      assert.ok(count >= 110, `${count} of ${name} on day ${today}`)
    }
  }
})

test('the disks never fall, wherever the history of their metrics begins', () => {
  for (const of of FLEET) {
    const times = Array.from({ length: 400 }, (_, day) => NOON + day * DAY_MS)
    const [, , , disk] = metricsOf(of, times, 1, false)
    const values = disk?.samples.map(({ value }) => value) ?? []
    for (let day = 7; day < values.length; day += 1) assert.ok((values[day] ?? 0) > (values[day - 7] ?? 0))
  }
})

test('the outcomes have a structure: a risky service fails more often than a sound one', () => {
  const history = historyOf(3, 200)
  const rate = (name: string) => {
    const own = history.filter((attempt) => attempt.service.name === name)
    return own.filter((attempt) => attempt.failed).length / own.length
  }
  assert.ok(rate('demo-reports') > 2 * rate('demo-catalog'))
})

test('a metrics request decodes to what was put in', () => {
  const root = protobuf.parse(`syntax = "proto3";
    message WriteRequest { repeated TimeSeries timeseries = 1; }
    message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
    message Label { string name = 1; string value = 2; }
    message Sample { double value = 1; int64 timestamp = 2; }`).root
  const series = everyService([NOON, NOON + 5_000], 1, new Set(['demo-web']))
  const type = root.lookupType('WriteRequest')
  const decoded = type.toObject(type.decode(snappy.uncompress(remoteWriteBody(series))), { longs: Number }) as {
    timeseries: { labels: { name: string; value: string }[]; samples: { value: number; timestamp: number }[] }[]
  }
  const back = decoded.timeseries.map(({ labels, samples }) => ({
    labels: Object.fromEntries(labels.map(({ name, value }) => [name, value])),
    samples: samples.map(({ value, timestamp }) => ({ at: timestamp, value })),
  }))
  assert.equal(back.length, FLEET.length * 4)
  assert.deepEqual(back, series)
  for (const { labels } of decoded.timeseries) {
    const names = labels.map(({ name }) => name)
    assert.deepEqual(names, names.toSorted())
  }
})
