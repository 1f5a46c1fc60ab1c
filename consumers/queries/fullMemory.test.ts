/** What answers say of themselves once the engine is full and really dropped something. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createRemoteWriteDecoder } from '../../rust-engine/ts/remoteWrite.ts'
import type { Samples } from './remoteWriteUnderTest.ts'
import { remoteWrite } from './remoteWriteUnderTest.ts'
import { applyRun, askerOf, FINISHED, metricsAskerOf, openState } from './stateUnderTest.ts'

const MIB = 1024 ** 2
const HOUR_MS = 3_600_000
const STEP_MS = 15_000
const DAYS = 32
const NOW = Date.parse('2026-03-01T12:00:00Z')
const BEGIN = NOW - DAYS * 24 * HOUR_MS
const SERVICE = 'production/full'
const NONE = { infrastructure_state: 0, deployment_history: 0, incident_database: 0, active_operations: 0 }
const state = openState(NONE)
after(() => {
  state.drop()
})
const door = state.doorOf(SERVICE)
const ask = askerOf(state, NOW)
const askMetrics = metricsAskerOf(state, NOW)
const iso = (ms: number): string => new Date(ms).toISOString()
const droppedUntil = (kind: string) => door.dropped().find((one) => one.kind === kind)?.until ?? null

let noise = 1
const random = (): number => (noise = (noise * 48_271) % 2_147_483_647) / 2_147_483_647

test('points that lost their samples say so; what whole buckets answer is complete', async () => {
  const limits = { seriesMax: 100, samplesMax: 1_000_000, decodedBytesMax: 64 * MIB, labelBytesMax: 10_000 }
  const decoder = createRemoteWriteDecoder(limits)
  for (let day = BEGIN; day < NOW; day += 24 * HOUR_MS) {
    const written = Array.from({ length: 16 }, (_, n) => {
      const samples: Samples = Array.from({ length: (24 * HOUR_MS) / STEP_MS }, (_, i) => [day + i * STEP_MS, random()])
      return [{ __name__: 'cpu', instance: 'full:1', n: String(n) }, samples] as const
    })
    for (const batch of decoder.decode(remoteWrite(written), NOW).batches) {
      door.applyMetrics(batch.target, SERVICE, batch.announced, batch.block)
    }
  }
  const gone = droppedUntil('samples')
  assert.ok(gone !== null && gone > BEGIN && gone < NOW - HOUR_MS, `samples dropped until ${gone}`)
  assert.equal(droppedUntil('samples_1h'), null)

  const input = { service: SERVICE, metric: 'cpu', from: iso(BEGIN), to: iso(NOW), limit: 2 }
  const odd = await askMetrics({ ...input, stepSeconds: 3_601, aggregation: 'count' })
  assert.equal(odd.complete, false)
  assert.equal(odd.completeSince, iso(gone + 1))
  assert.match(
    odd.incompleteReason ?? '',
    /; before 2026-.* points are of 5-minute or 1-hour buckets, each at its start$/u,
  )
  const hourly = await askMetrics({ ...input, stepSeconds: 3_600, aggregation: 'count' })
  assert.deepEqual([hourly.complete, hourly.incompleteReason], [true, null])
  for (const { points } of hourly.series) {
    assert.equal(points.length, DAYS * 24)
    assert.ok(points.every(([, count]) => count === HOUR_MS / STEP_MS))
  }
  const lately = await askMetrics({ ...input, from: iso(gone + HOUR_MS), stepSeconds: 61 })
  assert.deepEqual([lately.complete, lately.completeSince], [true, iso(gone + 1)])

  const forecast = { service: SERVICE, metric: 'cpu', labels: { n: '0' } }
  const { complete, completeSince } = ask('forecast_capacity', forecast)
  assert.deepEqual([complete, completeSince], [true, null], 'rests on hours')
})

test('a list that reaches back before what was dropped is not complete', () => {
  let run = 0
  while (droppedUntil('deployments') === null && run < 400_000) {
    const at = BEGIN + run * 1000
    applyRun(state, SERVICE, run, at)
    applyRun(state, SERVICE, run, at + 500, FINISHED)
    run++
  }
  const gone = droppedUntil('deployments')
  assert.ok(gone !== null, `nothing dropped after ${run} deployments`)
  const last = BEGIN + (run - 1) * 1000
  const listed = (from: number) =>
    ask('list_deployments', { service: SERVICE, from: iso(from), to: iso(last + 1), limit: 100 })
  assert.deepEqual([listed(last - 50_000).complete, listed(last - 50_000).completeSince], [true, iso(gone + 1)])
  const early = ask('list_deployments', { service: SERVICE, from: iso(BEGIN), to: iso(gone + 1), limit: 10 })
  assert.deepEqual([early.complete, early.items], [false, []])
  assert.match(early.incompleteReason ?? '', /dropped to make room/u)
  assert.equal(ask('get_service', { service: SERVICE }).complete, true, 'counts are kept')
})
