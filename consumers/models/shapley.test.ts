import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { shapleyValues } from './shapley.ts'

const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9 * Math.max(1, Math.abs(a), Math.abs(b))

test('shares add up to what all bring; who brings nothing has none; who brings the same has the same', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }).chain((real) =>
        fc.record({
          real: fc.constant(real),
          values: fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 2 ** real, maxLength: 2 ** real }),
        }),
      ),
      ({ real, values }) => {
        // One more player who changes nothing, and player 0 once more under another name.
        const game = (present: number): number => {
          const coalition = present & (2 ** real - 1)
          const doubled = (present >> (real + 1)) & 1
          return (values[coalition] ?? 0) + (values[doubled] ?? 0)
        }
        const shares = shapleyValues(real + 2, game)
        const all = game(2 ** (real + 2) - 1) - game(0)
        assert.ok(
          near(
            shares.reduce((sum, share) => sum + share),
            all,
          ),
        )
        assert.ok(near(shares[real] ?? NaN, 0))
        if (real === 1) assert.ok(near(shares[0] ?? NaN, shares[2] ?? NaN))
      },
    ),
  )
})

test('the glove game: one left and two right gloves', () => {
  const game = (present: number): number => ((present & 1) !== 0 && (present & 6) !== 0 ? 1 : 0)
  assert.deepEqual(
    Array.from(shapleyValues(3, game), (share) => Math.round(share * 6)),
    [4, 1, 1],
  )
})

test('more players than can be summed over are refused', () => {
  assert.throws(() => shapleyValues(8, () => 0), /at most 7/u)
})
