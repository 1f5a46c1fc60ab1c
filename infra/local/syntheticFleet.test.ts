import assert from 'node:assert/strict'
import test from 'node:test'
import protobuf from 'protobufjs'
import snappy from 'snappyjs'
import { remoteWriteBody } from './remoteWriteBody.ts'
import { createFleet, FLEET, seeded } from './syntheticFleet.ts'
import { everyService } from './syntheticMetrics.ts'

const NOON = Date.UTC(2026, 0, 14, 12)

test('the same seed gives the same fleet, another seed another', () => {
  const history = (seed: number) => JSON.stringify(createFleet(seed).history(NOON, 30, 50))
  assert.equal(history(7), history(7))
  assert.notEqual(history(7), history(8))
})

test('the history is labelled, in the past, in order, and each attempt ends after it began', () => {
  const history = createFleet(1).history(NOON, 30, 600)
  assert.equal(history.length, 600)
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
    assert.ok(endedAt > startedAt && endedAt < NOON && startedAt >= NOON - 31 * 24 * 3_600_000)
  }
  assert.equal(new Set(history.map((attempt) => attempt.started['key'])).size, 600)
})

test('the outcomes have a structure: a risky service fails more often than a sound one', () => {
  const history = createFleet(3).history(NOON, 30, 4_000)
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
  const series = everyService([NOON, NOON + 5_000], seeded(1), new Set(['demo-web']))
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
