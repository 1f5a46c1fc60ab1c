import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { baseRateOf } from './baseRate.ts'
import { betaCumulative, betaQuantile } from './beta.ts'

test('without a past the base rate is the prior: 0.8 of runs succeed, within a wide interval', () => {
  const { success, low, high } = baseRateOf({ slowCount: 0, slowFailures: 0 })
  assert.equal(success, 0.8)
  // Beta(4, 1): its distribution function is x^4.
  assert.ok(Math.abs(low - 0.025 ** 0.25) < 1e-5)
  assert.ok(Math.abs(high - 0.975 ** 0.25) < 1e-5)
})

test('the interval holds the rate, and narrows as outcomes come', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 60, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
      const rate = baseRateOf({ slowCount: n, slowFailures: n * share })
      assert.ok(rate.low < rate.success && rate.success < rate.high)
      assert.ok(rate.low >= 0 && rate.high <= 1)
      const more = baseRateOf({ slowCount: n + 40, slowFailures: n * share + 40 * (1 - rate.success) })
      assert.ok(more.high - more.low < rate.high - rate.low + 1e-6)
    }),
  )
})

test('the beta distribution agrees with closed forms', () => {
  for (const x of [0.1, 0.37, 0.5, 0.93]) {
    assert.ok(Math.abs(betaCumulative(x, 1, 1) - x) < 1e-12)
    assert.ok(Math.abs(betaCumulative(x, 3, 1) - x ** 3) < 1e-12)
    assert.ok(Math.abs(betaCumulative(x, 1, 5) - (1 - (1 - x) ** 5)) < 1e-12)
    assert.ok(Math.abs(betaCumulative(x, 0.5, 0.5) - (2 / Math.PI) * Math.asin(Math.sqrt(x))) < 1e-10)
  }
  assert.ok(Math.abs(betaQuantile(0.5, 7.3, 7.3) - 0.5) < 1e-6)
})
