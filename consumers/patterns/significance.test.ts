import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { benjaminiHochberg, effectOf, fisher, mantelHaenszel, normalUpper, pOf } from './significance.ts'
import type { Table } from './significance.ts'

const near = (actual: number, expected: number, within = 1e-6): void => {
  assert.ok(Math.abs(actual - expected) <= within, `${actual} for ${expected}`)
}

const tables = fc
  .tuple(fc.nat(40), fc.nat(40), fc.nat(40), fc.nat(40))
  .map(([a, b, c, d]): Table => ({ inside: a + b, insideFailed: a, outside: c + d, outsideFailed: c }))

test("Fisher's exact test gives the published p of the tea tasting, both sides", () => {
  near(fisher({ inside: 4, insideFailed: 3, outside: 4, outsideFailed: 1 }), 34 / 70)
  near(fisher({ inside: 4, insideFailed: 4, outside: 4, outsideFailed: 0 }), 2 / 70)
})

test('p stays within 0..1 and does not depend on which group or outcome is named first', () => {
  fc.assert(
    fc.property(tables, (table) => {
      const { inside, insideFailed, outside, outsideFailed } = table
      const p = fisher(table)
      assert.ok(p > 0 && p <= 1)
      near(
        fisher({ inside: outside, insideFailed: outsideFailed, outside: inside, outsideFailed: insideFailed }),
        p,
        1e-9,
      )
      const passed = { ...table, insideFailed: inside - insideFailed, outsideFailed: outside - outsideFailed }
      near(fisher(passed), p, 1e-9)
    }),
  )
})

test('Mantel and Haenszel see through a paradox of Simpson', () => {
  // More failures inside over all, fewer in each service.
  const strata = [
    { inside: 80, insideFailed: 40, outside: 20, outsideFailed: 14 },
    { inside: 20, insideFailed: 1, outside: 80, outsideFailed: 16 },
  ]
  const pooled = effectOf(strata)
  assert.ok(pooled !== null && pooled.effect < -0.1 && pooled.high < 0)
  assert.ok(mantelHaenszel(strata) < 0.05)
  assert.equal(pOf([strata[0] as Table]), fisher(strata[0] as Table))
})

test('the interval holds the difference and Newcombe’s published example', () => {
  // Newcombe 1998, table II (a), method 10: 56/70 against 48/80.
  const found = effectOf([{ inside: 70, insideFailed: 56, outside: 80, outsideFailed: 48 }])
  assert.ok(found !== null)
  near(found.effect, 0.2)
  near(found.low, 0.0524, 1e-4)
  near(found.high, 0.3339, 1e-4)
  fc.assert(
    fc.property(fc.array(tables, { minLength: 1, maxLength: 3 }), (strata) => {
      const each = effectOf(strata)
      if (each === null) return
      assert.ok(-1 <= each.low && each.low <= each.effect + 1e-9)
      assert.ok(each.effect <= each.high + 1e-9 && each.high <= 1)
    }),
  )
})

test('an empty group has no effect', () => {
  assert.equal(effectOf([{ inside: 0, insideFailed: 0, outside: 9, outsideFailed: 1 }]), null)
})

test('Benjamini and Hochberg: their rule, in any order', () => {
  const ps = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(ps, fc.double({ min: 0.01, max: 0.5, noNaN: true }), (given, level) => {
      const sorted = [...given].sort((a, b) => a - b)
      const last = sorted.reduce((found, p, i) => (p * given.length <= level * (i + 1) ? i + 1 : found), 0)
      // Products of doubles: what stands on the border may fall to either side.
      if (sorted.some((p, i) => Math.abs((p * given.length) / (i + 1) - level) < 1e-9)) return
      const adjusted = benjaminiHochberg(given)
      assert.equal(adjusted.filter((q) => q <= level).length, last)
    }),
  )
})

test('the upper tail of the normal', () => {
  near(normalUpper(0), 0.5)
  near(normalUpper(1.959964), 0.025)
  near(normalUpper(-1.959964), 0.975)
})
