import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Attempt, Rolling } from './attempt.ts'
import type { Past } from './past.ts'
import {
  EMPTY_ROLLING,
  FEATURES,
  FEATURE_NAMES,
  ID_FEATURES,
  NO_PAST,
  NUMERIC_FEATURES,
  featuresOf,
} from './features.ts'
import { INPUTS, scalingOf, writeInputRow } from './inputRow.ts'
import { RECENT_MAX, burstOf } from './recent.ts'
import type { RecentStart } from './recent.ts'
import { OUTCOME_SCOPES, scopeKeys } from './scopes.ts'
import type { OutcomeScope } from './scopes.ts'

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
    recentMedianS: maybe(1e7),
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
const scopes = fc
  .array(rolling, { minLength: OUTCOME_SCOPES.length, maxLength: OUTCOME_SCOPES.length })
  .map((all) => Object.fromEntries(OUTCOME_SCOPES.map((scope, i) => [scope, all[i]])) as Record<OutcomeScope, Rolling>)
const recent = fc
  .array(fc.tuple(attempt, fc.constantFrom('running' as const, 'success' as const, 'failed' as const)), {
    maxLength: RECENT_MAX,
  })
  .map((all) => all.map(([one, outcome]): RecentStart => ({ ...one, outcome })))
const pasts: fc.Arbitrary<Past> = fc.record({
  outcomes: scopes,
  starts: scopes,
  size: rolling,
  recent,
  timings: fc.constant(NO_PAST.timings),
})

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
      const features = featuresOf(one, NO_PAST)
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
      writeInputRow(features, scalingOf([features, featuresOf(one, NO_PAST)]), row)
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
  const past = { ...NO_PAST, outcomes: { ...NO_PAST.outcomes, service: bad } }
  const [calm, failing] = [NO_PAST, past].map((past) => featuresOf(one, past))
  const at = (features: Float32Array | undefined, name: string) => features?.[FEATURE_NAMES.indexOf(name)] ?? NaN
  assert.ok(at(failing, 'service.fast') > at(calm, 'service.fast') + 1)
  assert.equal(at(failing, 'time.hourSin'), at(calm, 'time.hourSin'))
})

test('keys of different values never meet, and unknown changes have none', () => {
  const one = fc.sample(attempt, { numRuns: 1, seed: 2 })[0] as Attempt
  const forged = { ...one, branch: 'a|x', actor: 'b' }
  const plain = { ...one, branch: 'a', actor: 'x|b' }
  assert.notDeepEqual(scopeKeys(forged, []), scopeKeys(plain, []))
  const unknown = scopeKeys({ ...one, sha: null, change: null }, [])
  assert.ok(!unknown.outcomes.some((key) => key?.includes('change') === true))
  assert.equal(unknown.size, null)
  const keys = [...unknown.outcomes, ...unknown.starts].filter((key) => key !== null)
  assert.equal(new Set(keys).size, keys.length)
})

test('a start that has no outcome yet is waited for, one that was cancelled is not', () => {
  const one = fc.sample(attempt, { numRuns: 1, seed: 4 })[0] as Attempt
  const after = (starts: number, cancelled: number, outcomes: number): number => {
    const started = { ...EMPTY_ROLLING, count: starts + cancelled, failures: cancelled, sinceLastMs: 1000 }
    const past = {
      ...NO_PAST,
      outcomes: { ...NO_PAST.outcomes, branch: { ...EMPTY_ROLLING, count: outcomes } },
      starts: { ...NO_PAST.starts, branch: started },
    }
    return Math.round(Math.expm1(featuresOf(one, past)[FEATURE_NAMES.indexOf('branch.pending')] ?? NaN))
  }
  assert.deepEqual([after(5, 0, 5), after(5, 0, 3), after(5, 2, 3), after(5, 1, 2)], [0, 2, 0, 2])
})

test('a burst goes on as long as starts are close, and counts those of the same change by the same people', () => {
  const one = { ...fc.sample(attempt, { numRuns: 1, seed: 5 })[0], sha: 'a', at: 1_000_000 } as Attempt
  const before = (seconds: number, over: Partial<RecentStart> = {}): RecentStart => ({
    ...one,
    at: one.at - seconds * 1000,
    outcome: 'running',
    ...over,
  })
  const starts = [before(0), before(80, { sha: 'b' }), before(160), before(300)]
  assert.deepEqual(burstOf(one, starts), { all: 3, same: 2 })
  assert.deepEqual(burstOf(one, []), { all: 0, same: 0 })
})
