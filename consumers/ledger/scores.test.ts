import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareLogLoss, scoresOf } from './scores.ts'

const rows = fc.array(fc.record({ p: fc.double({ min: 0, max: 1, noNaN: true }), success: fc.boolean() }), {
  minLength: 1,
  maxLength: 60,
})

test('AUC is the share of pairs ranked right, ties half, as counted pair by pair', () => {
  fc.assert(
    fc.property(rows, (all) => {
      const good = all.filter(({ success }) => success)
      const bad = all.filter(({ success }) => !success)
      const wins = good.flatMap((a) => bad.map((b): number => (a.p > b.p ? 1 : a.p === b.p ? 0.5 : 0)))
      const expected = wins.length === 0 ? null : wins.reduce((sum, value) => sum + value, 0) / wins.length
      const { auc } = scoresOf(all) ?? { auc: undefined }
      if (expected === null) assert.equal(auc, null)
      else assert.ok(Math.abs((auc ?? NaN) - expected) < 1e-9)
    }),
  )
})

test('scores of known rows', () => {
  const scores = scoresOf([
    { p: 0.9, success: true },
    { p: 0.6, success: false },
    { p: 0.2, success: false },
    { p: 0.5, success: true },
  ])
  assert.ok(scores)
  assert.equal(scores.accuracy, 0.75)
  assert.ok(Math.abs(scores.brier - (0.01 + 0.36 + 0.04 + 0.25) / 4) < 1e-12)
  assert.ok(Math.abs(scores.logLoss + (Math.log(0.9) + Math.log(0.4) + Math.log(0.8) + Math.log(0.5)) / 4) < 1e-12)
  assert.equal(scores.auc, 0.75)
  assert.equal(scoresOf([]), null)
})

test('calibration error is 0 for shares that come true', () => {
  // All successes first: rows of one probability have no order of their own.
  const all = Array.from({ length: 100 }, (_, i) => ({ p: 0.5, success: i < 50 }))
  assert.ok((scoresOf(all)?.ece ?? 1) < 1e-12)
})

test('a better predictor has a negative mean difference', () => {
  const all = Array.from({ length: 50 }, (_, i) => ({ a: i % 5 === 0 ? 0.2 : 0.9, b: 0.8, success: i % 5 !== 0 }))
  const { mean, standardError, rows: n } = compareLogLoss(all)
  assert.ok(mean < 0 && standardError > 0 && n === 50)
})
