import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { FEATURES, FEATURE_NAMES } from '../models/features.ts'
import { FACTORS } from '../models/factors.ts'
import { createRandom, normal } from '../models/random.ts'
import { createDriftGauges } from './driftGauges.ts'
import { DRIFTED, DRIFT_ROWS_MIN, inputDrift, referenceOf, stabilityIndex } from './inputDrift.ts'

const TIME = FEATURE_NAMES.flatMap((name, i) => (name.startsWith('time.') ? [i] : []))
const COUNT = FEATURE_NAMES.indexOf('service.count')

/** Normal numbers, where `moved` features lie `by` deviations higher. */
function rowsOf(count: number, seed: number, moved: readonly number[] = [], by = 0): readonly Float32Array[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () =>
    Float32Array.from({ length: FEATURES }, (_, i) => normal(random) + (moved.includes(i) ? by : 0)),
  )
}

const reference = referenceOf(rowsOf(1000, 1))
const groups = (live: readonly Float32Array[]) =>
  new Map((inputDrift(reference, live) ?? assert.fail('no drift')).map((one) => [one.group, one]))

test('the index of known shares is what the formula gives, and 0 of equal ones', () => {
  // 50/50 against 75/25, of so many rows that half a row plays no part: .25 ln 1.5 − .25 ln .5.
  const index = stabilityIndex([5e6, 5e6], [75e5, 25e5])
  assert.ok(Math.abs(index - (0.25 * Math.log(1.5) - 0.25 * Math.log(0.5))) < 1e-6)
  assert.equal(stabilityIndex([10, 20, 30], [10, 20, 30]), 0)
})

test('rows of the same kind show what chance gives, in no group more', () => {
  const found = groups(rowsOf(400, 2))
  assert.deepEqual([...found.keys()], [...FACTORS])
  const byChance = 9 * (1 / 400 + 1 / 1000)
  for (const { index, drifted } of found.values()) {
    assert.ok(index < 2 * byChance, `${index}`)
    assert.equal(drifted, 0)
  }
})

test('a group whose features moved stands out, the others do not', () => {
  const found = groups(rowsOf(400, 3, TIME, 1.5))
  const time = found.get('time')
  assert.ok(time && time.index > DRIFTED && time.drifted === 1, JSON.stringify(time))
  for (const [group, { drifted }] of found) if (group !== 'time') assert.equal(drifted, 0, group)
})

test('a constant that takes another value is seen, a count that grew is not', () => {
  const constant = referenceOf(Array.from({ length: 200 }, () => new Float32Array(FEATURES)))
  const live = (feature: number) =>
    Array.from({ length: 200 }, () => {
      const row = new Float32Array(FEATURES)
      row[feature] = 1
      return row
    })
  const highest = (feature: number) =>
    Math.max(...(inputDrift(constant, live(feature)) ?? []).map(({ drifted }) => drifted))
  assert.ok(highest(TIME[0] ?? -1) > 0)
  assert.equal(highest(COUNT), 0)
})

test('few rows tell nothing, and what is not known has no sample', async () => {
  assert.equal(inputDrift(reference, rowsOf(DRIFT_ROWS_MIN - 1, 4)), null)
  const registry = new Registry()
  const set = createDriftGauges(registry)
  const samples = async () => (await registry.metrics()).split('\n').filter((line) => line.includes('feature_group='))
  set('ci_run', inputDrift(reference, rowsOf(200, 5)))
  assert.equal((await samples()).length, 2 * FACTORS.length)
  set('ci_run', null)
  assert.deepEqual(await samples(), [])
})
