import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { RidgeSums } from './forecastRidge.ts'
import { createRandom, normal } from './random.ts'

test('the solution is where the penalised squares are least', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 8 }), fc.constantFrom(0.01, 1, 100), (seed, width, penalty) => {
      const random = createRandom(seed)
      const rows = Array.from({ length: 30 }, () => Float64Array.from({ length: width }, () => normal(random)))
      const targets = rows.map(() => normal(random))
      const sums = new RidgeSums(width)
      for (const [i, row] of rows.entries()) sums.add(row, targets[i] ?? 0)
      const weights = sums.solve(penalty)
      for (let k = 0; k < width; k++) {
        let slope = penalty * (weights[k] ?? NaN)
        for (const [i, row] of rows.entries()) {
          const fitted = row.reduce((sum, value, j) => sum + value * (weights[j] ?? NaN), 0)
          slope += (fitted - (targets[i] ?? 0)) * (row[k] ?? 0)
        }
        assert.ok(Math.abs(slope) < 1e-8, `slope ${slope} at ${k}`)
      }
    }),
  )
})

test('columns that are the same share their weight', () => {
  const sums = new RidgeSums(2)
  for (const value of [1, 2, 3]) sums.add(Float64Array.of(value, value), 2 * value)
  const [left = NaN, right = NaN] = sums.solve(1e-9)
  assert.ok(Math.abs(left - 1) < 1e-3 && Math.abs(right - 1) < 1e-3, `${left} ${right}`)
})
