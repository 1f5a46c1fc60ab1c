import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Attempt, Rolling } from './attempt.ts'
import { EMPTY_ROLLING, FEATURES, FEATURE_NAMES, ID_FEATURES, NUMERIC_FEATURES, featuresOf } from './features.ts'
import { INPUTS, scalingOf, writeInputRow } from './inputRow.ts'
import { SCOPES, outcomeKeys, scopeKeys, sizeKeys, startKeys } from './scopes.ts'
import type { Scope } from './scopes.ts'

const text = fc.option(fc.string({ maxLength: 20 }))
const count = fc.option(fc.nat(1_000_000))
const truth = fc.option(fc.boolean())
const change = fc.option(
  fc.record({
    filesAdded: count,
    filesDeleted: count,
    filesModified: count,
    linesAdded: count,
    linesDeleted: count,
    srcFiles: count,
    docFiles: count,
    otherFiles: count,
    dockerfileChanged: truth,
    composeChanged: truth,
    fileTypes: text,
  }),
)
const attempt: fc.Arbitrary<Attempt> = fc.record({
  subject: fc.constantFrom('deployment' as const, 'ci_run' as const),
  service: fc.string({ maxLength: 30 }),
  workflow: text,
  branch: text,
  actor: text,
  trigger: text,
  pullRequest: truth,
  sha: text,
  change,
  attempt: fc.integer({ min: 1, max: 50 }),
  at: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  hour: fc.double({ min: 0, max: 23.999, noNaN: true }),
  weekday: fc.integer({ min: 0, max: 6 }),
})
const share = fc.double({ min: 0, max: 1, noNaN: true })
const maybe = (max: number) => fc.oneof(fc.constant(NaN), fc.double({ min: -max, max, noNaN: true }))
const rolling: fc.Arbitrary<Rolling> = fc
  .record({
    count: fc.nat(100_000),
    share,
    streak: fc.integer({ min: -1000, max: 1000 }),
    sinceLastMs: maybe(1e12),
    sinceFailureMs: maybe(1e12),
    lastFailed: fc.constantFrom(0, 1, NaN),
    previousFailed: fc.constantFrom(0, 1, NaN),
    meanLogDuration: maybe(20),
    varLogDuration: maybe(50),
    medianDurationS: fc.oneof(fc.constant(NaN), fc.double({ min: 0, max: 1e7, noNaN: true })),
    durations: fc.nat(20),
  })
  .map(({ count: n, share: failing, ...rest }) => ({
    ...rest,
    count: n,
    failures: Math.round(n * failing),
    fastCount: Math.min(n, 7.7),
    fastFailures: Math.min(n, 7.7) * failing,
    slowCount: Math.min(n, 58),
    slowFailures: Math.min(n, 58) * failing,
  }))
const pasts = fc
  .array(rolling, { minLength: SCOPES.length, maxLength: SCOPES.length })
  .map((all) => Object.fromEntries(SCOPES.map((scope, i) => [scope, all[i]])) as Record<Scope, Rolling>)
const noPast = Object.fromEntries(SCOPES.map((scope) => [scope, EMPTY_ROLLING])) as Record<Scope, Rolling>

test('every attempt and past gives FEATURES finite Float32 numbers, the same each time', () => {
  fc.assert(
    fc.property(attempt, pasts, (one, past) => {
      const features = featuresOf(one, past)
      assert.equal(features.length, FEATURES)
      assert.ok(features.every(Number.isFinite))
      assert.deepEqual(featuresOf(one, past), features)
      // What the ledger carries as Avro floats comes back as the same numbers.
      assert.deepEqual(Float32Array.from(Array.from(features)), features)
    }),
  )
})

test('names are unique and bucket numbers stand last, within their buckets', () => {
  assert.equal(new Set(FEATURE_NAMES).size, FEATURES)
  assert.deepEqual(
    FEATURE_NAMES.slice(NUMERIC_FEATURES),
    ID_FEATURES.map(({ name }) => name),
  )
  fc.assert(
    fc.property(attempt, (one) => {
      const features = featuresOf(one, noPast)
      ID_FEATURES.forEach(({ buckets }, i) => {
        const bucket = features[NUMERIC_FEATURES + i] ?? -1
        assert.ok(Number.isInteger(bucket) && bucket >= 0 && bucket < buckets)
      })
    }),
  )
})

test('an input row is clipped, and one-hot in each group of buckets', () => {
  fc.assert(
    fc.property(attempt, pasts, (one, past) => {
      const features = featuresOf(one, past)
      const row = new Float32Array(INPUTS).fill(7)
      writeInputRow(features, scalingOf([features, featuresOf(one, noPast)]), row)
      assert.ok(row.every((value) => Math.abs(value) <= 4))
      assert.equal(
        row.subarray(NUMERIC_FEATURES).reduce((sum, value) => sum + value, 0),
        ID_FEATURES.length,
      )
    }),
  )
})

test('failures in the past of a service raise its failure features and no others of the context', () => {
  const one = { ...fc.sample(attempt, { numRuns: 1, seed: 1 })[0] } as Attempt
  const bad = { ...EMPTY_ROLLING, count: 20, slowCount: 20, slowFailures: 18, fastCount: 6, fastFailures: 6 }
  const [calm, failing] = [noPast, { ...noPast, service: bad }].map((past) => featuresOf(one, past))
  const at = (features: Float32Array | undefined, name: string) => features?.[FEATURE_NAMES.indexOf(name)] ?? NaN
  assert.ok(at(failing, 'service.fast') > at(calm, 'service.fast') + 1)
  assert.equal(at(failing, 'time.hourSin'), at(calm, 'time.hourSin'))
})

test('keys of different values never meet, and unknown changes have none', () => {
  const one = fc.sample(attempt, { numRuns: 1, seed: 2 })[0] as Attempt
  const forged = { ...one, branch: 'a|x', actor: 'b' }
  const plain = { ...one, branch: 'a', actor: 'x|b' }
  assert.notDeepEqual(scopeKeys(forged), scopeKeys(plain))
  const unknown = { ...one, sha: null, change: null }
  assert.ok(!outcomeKeys(unknown).some((key) => key.includes('change')))
  assert.deepEqual(sizeKeys(unknown), [])
  assert.equal(startKeys(unknown).length, 3)
})
