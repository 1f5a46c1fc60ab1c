import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answerClassOf, evidenceOf } from './answerClass.ts'
import { riskLevelOf } from './riskLevel.ts'

const rules = { minSamples: 100, confidenceThreshold: 0.7 }

test('classes follow evidence first, then the distance from a coin', () => {
  const table = [
    [0.99, 99.9, 0.5, 'not_enough_evidence'],
    [0.99, 100, 0.5, 'confident'],
    [0.7, 100, 0.5, 'confident'],
    [0.3, 100, 0.5, 'confident'],
    [0.69, 5000, 0.5, 'uncertain'],
    [0.31, 5000, 0.5, 'uncertain'],
    [0.5, 5000, 0.5, 'uncertain'],
    // What the model asks for counts where it is more than the rules do.
    [0.7, 5000, 0.75, 'uncertain'],
    [0.25, 5000, 0.75, 'confident'],
    [0.99, 5000, 1, 'uncertain'],
  ] as const
  for (const [p, evidence, from, expected] of table) assert.equal(answerClassOf(p, evidence, rules, from), expected)
})

test('other services alone never make enough evidence', () => {
  fc.assert(
    fc.property(fc.nat(49), fc.nat(1_000_000), (own, rows) => {
      assert.ok(evidenceOf(own, rows, rules) < rules.minSamples)
    }),
  )
  assert.equal(evidenceOf(120, 0, rules), 120)
  assert.equal(evidenceOf(50, 10_000, rules), 100)
  assert.equal(evidenceOf(10, 110, rules), 20)
})

test('risk levels have closed lower bounds', () => {
  const table = [
    [1, 'low'],
    [0.91, 'low'],
    [0.89, 'medium'],
    [0.69, 'high'],
    [0.41, 'high'],
    [0.39, 'critical'],
    [0, 'critical'],
  ] as const
  for (const [p, level] of table) assert.equal(riskLevelOf(p), level)
})
