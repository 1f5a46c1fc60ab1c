/** Counts by bins against the rows themselves: sums are exact, figures by rank within the bounds that docs/scorecard.md names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addCounts, groupsOf, noCounts, quantileOf, scoreCounts, ScoreCounter } from './counts.ts'
import type { Score, ScoreCounts } from './counts.ts'
import { aucInterval, meanInterval, medianQuantiles, shareInterval } from './intervals.ts'
import { aucErrorMax, aucOf, calibrationNoise, equalParts, riskiest } from './ranked.ts'
import { scorecardOf, sumOfCounts } from './scorecard.ts'

const p = fc.double({ min: 0, max: 1, noNaN: true })
const seconds = fc.oneof({ weight: 4, arbitrary: fc.double({ min: 1, max: 1e5, noNaN: true }) }, fc.constant(NaN))
const score: fc.Arbitrary<Score> = fc.record({
  pSuccess: p,
  baseRate: p,
  success: fc.constantFrom(0, 1, 1, NaN),
  isConfident: fc.boolean(),
  byModel: fc.boolean(),
  durationP10: seconds,
  durationP50: seconds,
  durationP90: seconds,
  durationS: seconds,
})
const scores = fc.array(score, { maxLength: 80 })

function countsOf(rows: readonly Score[]): ScoreCounts {
  const counter = new ScoreCounter()
  for (const row of rows) counter.add(row)
  return counter.counts()
}

const near = (a: number, b: number, within: number, what: string): void => {
  assert.ok(Math.abs(a - b) <= within, `${what}: ${a} and ${b}, ${within} allowed`)
}
const known = (rows: readonly Score[]) => rows.filter(({ success }) => !Number.isNaN(success))
const figure = (counts: ScoreCounts, name: string) =>
  scorecardOf(counts).scores.find((one) => one.score === name) ?? null

test('counts of parts add up to those of the whole, pass their schema and the wire', () => {
  fc.assert(
    fc.property(scores, fc.nat(80), (rows, at) => {
      const whole = countsOf(rows)
      const parts = [countsOf(rows.slice(0, at)), countsOf(rows.slice(at))].map((part) =>
        scoreCounts.parse(JSON.parse(JSON.stringify(part))),
      )
      const sum = sumOfCounts(parts)
      const rounded = (counts: ScoreCounts) =>
        JSON.parse(
          JSON.stringify(counts, (_, value: unknown) => (typeof value === 'number' ? +value.toFixed(6) : value)),
        ) as object
      assert.deepEqual(rounded(sum), rounded(whole))
      assert.deepEqual(addCounts(noCounts(), whole), whole)
    }),
  )
})

test('shares and means are those of the rows, and lie in their intervals', () => {
  fc.assert(
    fc.property(scores, (rows) => {
      const counts = countsOf(rows)
      const all = known(rows)
      const { outcomes, failures, censored, flagging } = scorecardOf(counts)
      assert.deepEqual([outcomes, censored], [all.length, rows.length - all.length])
      assert.equal(failures, all.filter(({ success }) => success === 0).length)
      const flagged = all.filter(({ pSuccess }) => 1 - pSuccess >= 0.5)
      assert.equal(flagging[0]?.flagged, flagged.length)
      assert.equal(flagging[0].caught, flagged.filter(({ success }) => success === 0).length)
      if (all.length === 0) return
      const brier = all.reduce((sum, row) => sum + (row.pSuccess - row.success) ** 2, 0) / all.length
      near(figure(counts, 'brier')?.value ?? NaN, brier, 1e-4, 'brier')
      for (const { score: name, value, low, high } of scorecardOf(counts).scores) {
        if (low !== null && high !== null && value !== null) assert.ok(low <= value && value <= high, name)
      }
    }),
  )
})

test('AUC and capture by bins are within their bounds of those of the rows', () => {
  fc.assert(
    fc.property(scores, fc.constantFrom(0.05, 0.1, 0.5), (rows, part) => {
      const all = known(rows)
      const groups = groupsOf(countsOf(rows).answer)
      const exact = all
        .toSorted((a, b) => a.pSuccess - b.pSuccess)
        .map(({ pSuccess, success }) => ({ count: 1, successes: success, sumP: pSuccess }))
      // Rows of one probability are one group.
      const tied = [...Map.groupBy(exact, ({ sumP }) => sumP).values()].map((group) => ({
        count: group.length,
        successes: group.reduce((sum, { successes }) => sum + successes, 0),
        sumP: group.reduce((sum, one) => sum + one.sumP, 0),
      }))
      const [binned, true_] = [aucOf(groups), aucOf(tied)]
      assert.equal(binned === null, true_ === null)
      if (binned !== null && true_ !== null) near(binned, true_, aucErrorMax(groups) + 1e-9, 'auc')
      const budget = riskiest(groups, part)
      let before = 0
      const cut = groups.find((group) => (before += group.count) >= budget.flagged - 1e-9)
      const within = cut === undefined ? 0 : Math.min(cut.count - cut.successes, cut.successes)
      near(budget.caught, riskiest(tied, part).caught, within + 1e-9, 'caught')
      near(budget.flagged, part * all.length, 1e-9, 'flagged')
    }),
  )
})

test('equal parts keep all rows, in order, none larger than the next by more than one', () => {
  fc.assert(
    fc.property(scores, fc.integer({ min: 1, max: 12 }), (rows, parts) => {
      const groups = groupsOf(countsOf(rows).answer)
      const cut = equalParts(groups, parts)
      const sum = (of: typeof cut, key: 'count' | 'successes' | 'sumP') => of.reduce((all, one) => all + one[key], 0)
      for (const key of ['count', 'successes', 'sumP'] as const) near(sum(cut, key), sum(groups, key), 1e-6, key)
      const counts = cut.map(({ count }) => count)
      assert.ok(cut.length <= parts && Math.max(...counts, 0) - Math.min(...counts, Infinity) <= 1)
      const means = cut.map(({ count, sumP }) => sumP / count)
      // Within a bin rows have no order: its width in probability is at most .005.
      assert.ok(means.every((mean, i) => i === 0 || mean >= (means[i - 1] ?? 0) - 0.005))
    }),
  )
})

test('medians of errors and widths are within 1 % of those of the rows', () => {
  fc.assert(
    fc.property(scores, (rows) => {
      const errors = known(rows)
        .filter((row) => row.durationP50 > 0 && row.durationS > 0 && row.durationP10 <= row.durationP90)
        .map(({ durationP50, durationS }) => Math.abs(durationP50 - durationS) / durationS)
        .sort((a, b) => a - b)
      const found = quantileOf(countsOf(rows).durationErrors, 0.5)
      const median = errors[Math.ceil(errors.length / 2) - 1]
      if (median === undefined) assert.equal(found, null)
      else near(found ?? NaN, Math.min(Math.max(median, 1e-4), 1e3), 0.0102 * Math.max(median, 1e-4), 'median')
    }),
  )
})

test('intervals of known cases', () => {
  // Wilson: 8 of 10 (Brown, Cai and DasGupta 2001 give .490 to .943).
  const wilson = shareInterval(8, 10)
  near(wilson?.low ?? 0, 0.4902, 1e-4, 'low')
  near(wilson?.high ?? 0, 0.9433, 1e-4, 'high')
  assert.deepEqual(shareInterval(0, 0), null)
  // Hanley and McNeil's own example: area .893, 51 abnormal, 58 normal: standard error .032.
  const auc = aucInterval(0.893, 51, 58)
  near(((auc?.high ?? 0) - (auc?.low ?? 0)) / 2 / 1.959964, 0.032, 1e-3, 'standard error')
  const mean = meanInterval(10, 30, 10)
  near((mean?.high ?? 0) - 1, 1.959964 * Math.sqrt(20 / 9 / 10), 1e-9, 'half width')
  assert.equal(medianQuantiles(3), null)
  near(medianQuantiles(100)?.low ?? 0, 0.402, 1e-3, 'quantile')
})

test('the calibration error of a calibrated predictor is about what chance gives', () => {
  // Mulberry32: the same rows each time.
  let state = 7
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const blank = {
    baseRate: 0.5,
    isConfident: true,
    byModel: true,
    durationP10: NaN,
    durationP50: NaN,
    durationP90: NaN,
    durationS: NaN,
  }
  const errors = Array.from({ length: 40 }, () => {
    const rows = Array.from({ length: 1000 }, () => {
      const pSuccess = random()
      return { ...blank, pSuccess, success: Number(random() < pSuccess) }
    })
    const counts = countsOf(rows)
    return {
      ece: figure(counts, 'ece')?.value ?? NaN,
      noise: calibrationNoise(equalParts(groupsOf(counts.answer), 10)),
    }
  })
  const mean = (of: 'ece' | 'noise') => errors.reduce((sum, one) => sum + one[of], 0) / errors.length
  near(mean('ece'), mean('noise'), 0.15 * mean('noise'), 'calibration error')
})

test('no outcomes give no figures, and nothing is divided by zero', () => {
  const card = scorecardOf(noCounts())
  assert.deepEqual([card.outcomes, card.scores, card.calibration], [0, [], []])
  assert.deepEqual(
    card.flagging.map(({ flagged, caught }) => [flagged, caught]),
    [
      [0, 0],
      [0, 0],
    ],
  )
  const row = { pSuccess: 1, baseRate: 0, success: 1, isConfident: false, byModel: false }
  const alone = countsOf([{ ...row, durationP10: NaN, durationP50: NaN, durationP90: NaN, durationS: NaN }])
  for (const { score: name, value } of scorecardOf(alone).scores) assert.ok(Number.isFinite(value), name)
})
