import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EMPTY_ROLLING, NO_PAST } from './features.ts'
import type { Past, Timings } from './past.ts'
import { OUTCOME_SCOPES } from './scopes.ts'
import { EXPERTS, TIMING_WIDTH, foretell, lossesOf, timingOf } from './timing.ts'

const log = fc.double({ min: 0, max: 12, noNaN: true })
const kin = fc.integer({ min: 1, max: 3 })
/** Some experts agree, as they do where scopes are the same. */
const row = fc
  .tuple(fc.array(log, { minLength: 4, maxLength: 4 }), log, log, kin, kin)
  .map(([said, middle, took, lane, kinds]) => [
    ...Array.from({ length: EXPERTS }, (_, i) => said[i % 4] ?? 0),
    middle,
    took,
    lane,
    kinds,
  ])
const rowsOf = (timings: Timings): readonly (readonly number[])[] =>
  Array.from({ length: timings.rows }, (_, i) => [
    ...timings.numbers.subarray(i * TIMING_WIDTH, (i + 1) * TIMING_WIDTH),
  ])
const timings: fc.Arbitrary<Timings> = fc
  .tuple(fc.array(row, { maxLength: 100 }), kin, kin)
  .map(([rows, lane, kinds]) => ({ rows: rows.length, numbers: Float64Array.from(rows.flat()), lane, kinds }))
const seconds = fc.double({ min: 0, max: 1e6, noNaN: true })
const timed = (medianDurationS: number, recentMedianS = medianDurationS) => ({
  ...EMPTY_ROLLING,
  count: 9,
  durations: 9,
  medianDurationS,
  recentMedianS,
})
/** Of a service with a duration; what it says, and what its branch and lane say. */
const pasts: fc.Arbitrary<Past> = fc
  .tuple(timings, fc.array(seconds, { minLength: 6, maxLength: 6 }))
  .map(([own, [service = 0, branch = 0, lane = 0, ...recent]]) => ({
    ...NO_PAST,
    outcomes: {
      ...NO_PAST.outcomes,
      service: timed(service, recent[0]),
      branch: timed(branch, recent[1]),
      lane: timed(lane, recent[2]),
    },
    timings: own,
  }))

const [TOOK, LANE, KINDS] = [EXPERTS + 1, EXPERTS + 2, EXPERTS + 3]
const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

/** The mean loss of an expert by the book. */
function plainLoss({ lane, kinds, ...own }: Timings, expert: number): number {
  const rows = rowsOf({ lane, kinds, ...own })
  const weights = rows.map((one, age) => {
    const kin = (one[LANE] === lane ? 3 : 0) + (one[KINDS] === kinds ? 3 : 0)
    return Math.exp((-age * Math.LN2) / 50) * (1 + kin)
  })
  const losses = rows.map((one) => Math.min(Math.abs((one[expert] ?? 0) - (one[TOOK] ?? 0)), 0.7))
  return (sum(losses.map((loss, i) => loss * (weights[i] ?? 0))) + 3 * 0.35) / (sum(weights) + 3)
}

/** What experts say, one after the other. */
function plainExperts({ outcomes }: Past): readonly number[] {
  const reference = outcomes.service.medianDurationS
  const said = (of: 'medianDurationS' | 'recentMedianS') =>
    OUTCOME_SCOPES.map((scope) => Math.log1p(outcomes[scope].durations > 0 ? outcomes[scope][of] : reference))
  return [...said('medianDurationS'), ...said('recentMedianS')]
}

test('losses of the experts equal those of a plain model', () => {
  fc.assert(
    fc.property(timings, (own) => {
      const losses = lossesOf(own)
      for (let expert = 0; expert < 4; expert++)
        assert.ok(Math.abs((losses[expert] ?? 0) - plainLoss(own, expert)) < 1e-9)
    }),
  )
})

test('the middle is what half the weight of the experts is on either side of', () => {
  fc.assert(
    fc.property(pasts, (past) => {
      const losses = Array.from({ length: EXPERTS }, (_, expert) => plainLoss(past.timings, expert))
      const weights = losses.map((loss) => Math.exp((Math.min(...losses) - loss) / 0.015))
      const said = plainExperts(past)
      const middle = Math.log1p(foretell(past)?.p50 ?? NaN)
      const weigh = (is: (value: number) => boolean): number =>
        sum(weights.filter((_, expert) => is(said[expert] ?? 0))) / sum(weights)
      assert.ok(weigh((value) => value < middle - 1e-9) <= 0.5 + 1e-9)
      assert.ok(weigh((value) => value > middle + 1e-9) <= 0.5 + 1e-9)
    }),
  )
})

test('a range is finite and in order whatever was kept, and a row says what was foretold and what came', () => {
  fc.assert(
    fc.property(pasts, seconds, (past, took) => {
      const range = foretell(past)
      assert.ok(range && 0 <= range.p10 && range.p10 <= range.p50 && range.p50 <= range.p90)
      assert.ok(Number.isFinite(range.p90))
      const kept = timingOf(past, took)
      assert.ok(kept?.length === TIMING_WIDTH && kept.every(Number.isFinite))
      assert.deepEqual(
        [Math.expm1(kept[EXPERTS] ?? 0), ...kept.slice(TOOK)],
        [range.p50, Math.log1p(took), past.timings.lane, past.timings.kinds],
      )
    }),
  )
})

test('an expert that was right outweighs those that were not, in its own lane first', () => {
  // The branch was right in lane 1, the service in lane 2.
  const [service, branch] = [OUTCOME_SCOPES.indexOf('service'), OUTCOME_SCOPES.indexOf('branch')]
  const rows = Array.from({ length: 60 }, (_, i) => {
    const lane = 1 + (i % 2)
    const one = new Float64Array(TIMING_WIDTH).fill(5)
    one[lane === 1 ? branch : service] = 4
    one[TOOK] = 4
    one[LANE] = lane
    return [...one]
  })
  const past = (lane: number): Past => ({
    ...NO_PAST,
    outcomes: { ...NO_PAST.outcomes, service: timed(100), branch: timed(900) },
    timings: { rows: rows.length, numbers: Float64Array.from(rows.flat()), lane, kinds: 9 },
  })
  assert.equal(Math.round(foretell(past(1))?.p50 ?? 0), 900)
  assert.equal(Math.round(foretell(past(2))?.p50 ?? 0), 100)
})

test('a service without a duration is not foretold, and one with a first one is, by a wide range', () => {
  assert.equal(foretell(NO_PAST), null)
  assert.equal(timingOf(NO_PAST, 10), null)
  const range = foretell({ ...NO_PAST, outcomes: { ...NO_PAST.outcomes, service: timed(99) } })
  assert.ok(range)
  assert.deepEqual(
    [range.p10 + 1, range.p50 + 1, range.p90 + 1].map(Math.round),
    [100 * Math.exp(-1), 100, 100 * Math.exp(0.6)].map(Math.round),
  )
})
