import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ANY_ANSWER, confidentFrom } from './confidentFrom.ts'

const answer = fc.record({ p: fc.double({ min: 0, max: 1, noNaN: true }), success: fc.boolean() })
const sureness = ({ p }: { readonly p: number }): number => Math.max(p, 1 - p)

/** Of a hundred each: all right at .95, 80 right at .8, 60 right at .6. */
const graded = [0.95, 0.8, 0.6].flatMap((p, grade) =>
  Array.from({ length: 100 }, (_, i) => ({
    p: i % 2 === 0 ? p : 1 - p,
    success: i % 2 === (i < 100 - 20 * grade ? 0 : 1),
  })),
)

test('the bound is the lowest from which on enough of the answers were right', () => {
  // 100 + 80 of 200 are .9: too few; the surest hundred are all right.
  assert.equal(confidentFrom(graded), 0.95)
  assert.equal(confidentFrom(graded.slice(0, 120)), 0.8)
})

test('from the bound on as many are right as wanted, or no answer reaches it', () => {
  fc.assert(
    fc.property(fc.array(answer, { minLength: 100, maxLength: 300 }), (answers) => {
      const bound = confidentFrom(answers)
      const sure = answers.filter((one) => sureness(one) >= bound)
      const right = sure.filter(({ p, success }) => p >= 0.5 === success).length
      assert.ok(bound === 1 || right >= 0.92 * sure.length)
    }),
  )
})

test('the order of the answers does not matter, and more wrong ones never lower the bound', () => {
  fc.assert(
    fc.property(fc.array(answer, { minLength: 100, maxLength: 200 }), fc.nat(99), (answers, at) => {
      const bound = confidentFrom(answers)
      assert.equal(confidentFrom(answers.toReversed()), bound)
      const spoilt = answers.map((one, i) => (i === at ? { ...one, success: one.p < 0.5 } : one))
      assert.ok(confidentFrom(spoilt) >= bound)
    }),
  )
})

test('few answers leave the bound to the rules, and answers that are never sure reach none', () => {
  assert.equal(confidentFrom(graded.slice(0, 99)), ANY_ANSWER)
  assert.equal(confidentFrom(graded.slice(200).concat(graded.slice(200))), 1)
})
