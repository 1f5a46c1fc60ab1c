import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { HttpError } from '../../runtime/http/errors.ts'
import { serviceKey } from '../models/scopes.ts'
import { applyAlert, applyRun, askerOf, FINISHED, openState, STEP } from './stateUnderTest.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const MINUTE = 60_000
const state = openState()
after(() => {
  state.drop()
})

const ask = askerOf(state, NOW)
const time = (ms: number): string => new Date(ms).toISOString()
const statesOf = (service: string, input: object): readonly string[] =>
  ask('list_deployments', { service, ...input }).items.map(({ state: is, startedAt }) => `${is} ${startedAt ?? '-'}`)

test('a list as known at a time shows what was known then, in the state that was known then', () => {
  const service = 'production/known'
  const begin = NOW - 60 * MINUTE
  applyRun(state, service, 1, begin, { phase: 'requested' })
  applyRun(state, service, 1, begin + 10 * MINUTE)
  applyRun(state, service, 2, begin + 15 * MINUTE)
  applyRun(state, service, 1, begin + 20 * MINUTE, { phase: 'finished', conclusion: 'failure' })
  const [requested, started] = ['requested -', `started ${time(begin + 10 * MINUTE)}`]
  const second = `started ${time(begin + 15 * MINUTE)}`
  const at = (minutes: number, input: object = {}) =>
    statesOf(service, { at: time(begin + minutes * MINUTE), ...input })
  assert.deepEqual(at(-1), [])
  assert.deepEqual(at(5), [requested])
  assert.deepEqual(at(12), [started])
  assert.deepEqual(at(19), [second, started])
  assert.deepEqual(at(19, { conclusion: 'failure' }), [])
  assert.deepEqual(at(19, { state: 'started', limit: 1 }), [second])
  assert.deepEqual(at(20, { conclusion: 'failure' }), [`finished ${time(begin + 10 * MINUTE)}`])
  assert.deepEqual(at(5, { from: time(begin), to: time(begin + 1) }), [requested])
  assert.deepEqual(at(12, { from: time(begin), to: time(begin + 1) }), [], 'listed by its start since that is known')
  assert.deepEqual(statesOf(service, {}), [second, `finished ${time(begin + 10 * MINUTE)}`])
  assert.equal(ask('list_deployments', { service, at: time(begin + 5 * MINUTE) }).complete, true)
})

test('an incident as known at a time, and the deployments before it', () => {
  const service = 'production/known-alerts'
  const begin = NOW - 60 * MINUTE
  applyRun(state, service, 1, begin - 5 * MINUTE)
  const key = applyAlert(state, service, 1, begin)
  applyRun(state, service, 1, begin + 5 * MINUTE, FINISHED)
  applyAlert(state, service, 1, begin + 10 * MINUTE, key, { phase: 'acknowledged', title: 'Slower', severity: 'low' })
  applyAlert(state, service, 1, begin + 20 * MINUTE, key, { phase: 'resolved', title: 'Over', severity: 'low' })
  const at = (minutes: number, input: object = {}) =>
    ask('get_incident', { key, at: time(begin + minutes * MINUTE), ...input })
  const first = at(1)
  assert.deepEqual([first.incident.state, first.incident.title, first.incident.endsAt], ['firing', 'Slow', null])
  assert.deepEqual(
    first.deploymentsBefore.map(({ state: is }) => is),
    ['started'],
  )
  const later = at(15, { service })
  assert.deepEqual([later.incident.state, later.incident.title], ['acknowledged', 'Slower'])
  assert.equal(later.deploymentsBefore[0]?.state, 'finished')
  assert.equal(ask('get_incident', { key }).incident.state, 'resolved')
  for (const input of [{ service }, {}])
    assert.throws(
      () => at(-1, input),
      (error) => error instanceof HttpError && error.statusCode === 404,
    )
  const open = (minutes: number, input: object) =>
    ask('list_incidents', { service, at: time(begin + minutes * MINUTE), ...input }).items.length
  assert.deepEqual(
    [open(1, { state: 'firing' }), open(15, { state: 'firing' }), open(15, { severity: 'low' })],
    [1, 0, 1],
  )
  assert.deepEqual([open(1, { severity: 'low' }), open(1, { severity: 'page' })], [0, 1])
  const now = (severity: string) => ask('list_incidents', { service, severity }).items.length
  assert.deepEqual([now('low'), now('page')], [1, 0])
})

test('of a long past the answer says from when it is exact', () => {
  const service = 'ci/known-long'
  const begin = NOW - 100 * MINUTE
  for (let minute = 0; minute < 90; minute++) {
    const step = { ...STEP.step, key: `job ${minute}` }
    applyRun(state, service, 1, begin + minute * MINUTE, { subject: 'ci_run', ...STEP, step })
  }
  const at = (minute: number) => ask('list_deployments', { service, at: time(begin + minute * MINUTE) })
  assert.equal(at(80).complete, true)
  const early = at(30)
  assert.equal(early.items.length, 1)
  assert.equal(early.complete, false)
  const from = /from (\S+) on they are/u.exec(early.incompleteReason ?? '')?.[1]
  assert.ok(from !== undefined && Date.parse(from) > begin + 30 * MINUTE)
  assert.equal(ask('list_deployments', { service, at: from }).complete, true)
})

test('a late end counts on its own day', () => {
  const service = 'production/days'
  const door = state.doorOf(service)
  applyRun(state, service, 1, NOW)
  const day = 24 * 60 * MINUTE
  for (const [days, failed] of [
    [0, false],
    [0, true],
    [6, true],
    [3, false],
    [7, true],
  ] as const)
    door.bucketsAdd(serviceKey('deployment', service), NOW - days * day, failed)
  assert.deepEqual(ask('get_service', { service }).outcomes.deployment.lastDays, [
    [1, 1],
    [0, 0],
    [0, 0],
    [1, 0],
    [0, 0],
    [0, 0],
    [2, 1],
  ])
  const hours = new Float64Array(2 * 7 * 24)
  door.bucketsRead(serviceKey('deployment', service), 'hour_of_week', 0, hours)
  // 2026-03-01 is a Sunday.
  assert.deepEqual([...hours.subarray(2 * (6 * 24 + 12), 2 * (6 * 24 + 13))], [3, 2])
})
