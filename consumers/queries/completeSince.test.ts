import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { WINDOW_RUNS_MAX } from '../patterns/windows.ts'
import { applyAlert, applyRun, askerOf, FINISHED, metricsAskerOf, openState } from './stateUnderTest.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const HOUR = 3_600_000
const service = 'production/forgetful'
const state = openState()
after(() => {
  state.drop()
})

const ask = askerOf(state, NOW)
const askMetrics = metricsAskerOf(state, NOW)
const time = (ms: number): string => new Date(ms).toISOString()
const wholeness = ({ complete, completeSince }: { complete: boolean; completeSince: string | null }) => [
  complete,
  completeSince,
]

test('an answer says since when it is whole, and is not complete when it was asked for more', async () => {
  const key = applyAlert(state, service, 1, NOW - HOUR)
  for (const run of [1, 2, 3]) {
    applyRun(state, service, run, NOW - run * HOUR)
    applyRun(state, service, run, NOW - run * HOUR + 1, FINISHED)
  }
  assert.deepEqual(wholeness(ask('list_deployments', { service })), [true, null])

  const until = NOW - 10 * HOUR
  state.doorOf(service).noteGap(['deployments', 'samples_5m'], until)
  const since = time(until + 1)
  assert.deepEqual(wholeness(ask('list_deployments', { service })), [false, since], 'all of it was asked for')
  assert.deepEqual(wholeness(ask('list_deployments', { service, limit: 1 })), [true, since], 'more pages follow')
  assert.deepEqual(wholeness(ask('list_deployments', { service, from: since })), [true, since])
  assert.deepEqual(wholeness(ask('list_deployments', { service, from: time(until) })), [false, since])
  assert.deepEqual(wholeness(ask('list_deployments', { service, subject: 'ci_run' })), [true, null])
  assert.deepEqual(wholeness(ask('list_deployments', {})), [false, since], 'of all shards the latest')
  assert.deepEqual(wholeness(ask('get_service', { service })), [true, since])
  assert.deepEqual(wholeness(ask('get_incident', { service, key })), [true, since])
  assert.deepEqual(wholeness(ask('list_incidents', { service })), [true, null])
  assert.match(ask('list_deployments', { service }).incompleteReason ?? '', new RegExp(since))

  state.doorOf(service).noteGap(['deployments'], NOW - 2 * HOUR)
  const newest = ask('list_deployments', { service, limit: 1 })
  const cursor = newest.nextCursor ?? ''
  assert.equal(newest.complete, true, 'it reaches to an hour ago')
  assert.equal(ask('list_deployments', { service, limit: 1, cursor }).complete, false, 'this one to two hours ago')

  const metrics = { service, metric: 'cpu', from: time(until - 2 * HOUR), to: time(NOW) }
  assert.deepEqual(wholeness(await askMetrics({ ...metrics, stepSeconds: 300 })), [false, since])
  assert.deepEqual(wholeness(await askMetrics({ ...metrics, stepSeconds: 3600 })), [true, null], 'another tier')
  assert.deepEqual(wholeness(await askMetrics({ ...metrics, stepSeconds: 60 })), [true, null], 'samples')
  state.doorOf(service).noteGap(['samples'], NOW + 1)
  const hourly = { ...metrics, stepSeconds: 3600 }
  assert.deepEqual(wholeness(await askMetrics(hourly)), [true, null], 'whole buckets need no samples')
  const cut = { ...hourly, to: time(NOW + 60_000) }
  assert.deepEqual(wholeness(await askMetrics(cut)), [false, time(NOW + 2)], 'the last bucket is cut')
  assert.equal((await askMetrics({ ...hourly, aggregation: 'rate' })).complete, false)
})

test('best windows reach back to the oldest run that they rest on', () => {
  const own = 'production/busy'
  const MINUTE = 60_000
  for (let run = WINDOW_RUNS_MAX + 5; run > 0; run--) {
    applyRun(state, own, run, NOW - run * MINUTE)
    applyRun(state, own, run, NOW - run * MINUTE + 1, FINISHED)
  }
  const ended = (runs: number) => {
    state.doorOf(own).noteGap(['deployments'], NOW - runs * MINUTE)
    return ask('best_window', { service: own }).complete
  }
  assert.deepEqual([ended(WINDOW_RUNS_MAX + 2), ended(WINDOW_RUNS_MAX)], [true, false])
})

test('a service whose outcomes may be gone does not pass for one without any', () => {
  const own = 'production/sums-dropped'
  applyRun(state, own, 1, NOW - 2 * HOUR)
  applyRun(state, own, 1, NOW - HOUR, FINISHED)
  const dropped = (until: number): void => {
    state.doorOf(own).noteGap(['rolling_scopes'], until)
  }
  const before = wholeness(ask('get_service', { service: own }))
  dropped(NOW - 3 * HOUR)
  assert.deepEqual(wholeness(ask('get_service', { service: own })), before, 'before anything was heard of it')
  dropped(NOW - HOUR)
  assert.equal(ask('get_service', { service: own }).complete, false)
})
