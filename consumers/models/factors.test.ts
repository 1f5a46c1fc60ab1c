import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explain, factorOf, FACTORS } from './factors.ts'
import { FEATURES, FEATURE_NAMES } from './features.ts'
import { mixturesOf } from './mixturesUnderTest.ts'

const at = (name: string): number => FEATURE_NAMES.indexOf(name)

test('every feature belongs to a factor and every factor has features; an unknown one is refused', () => {
  assert.deepEqual(new Set(FEATURE_NAMES.map(factorOf)), new Set(FACTORS))
  assert.throws(() => factorOf('weather.rain'), /belongs to no factor/u)
  assert.equal(factorOf('change.last'), 'same_change')
  assert.equal(factorOf('change.lines'), 'change_size')
  assert.equal(factorOf('duration.branch.mean'), 'branch')
})

test('of a linear model each factor has what its own features bring; together they are the answer', () => {
  const typical = new Float32Array(FEATURES).fill(0.5)
  const weights = { 'branch.fast': 2, 'branch.last': -1, 'time.weekend': 0.25 }
  const failureLogit = (features: Float32Array): number =>
    Object.entries(weights).reduce((sum, [name, weight]) => sum + weight * (features[at(name)] ?? 0), -1)
  const features = typical.slice()
  features[at('branch.fast')] = 1.5
  features[at('branch.last')] = 0
  features[at('time.weekend')] = 2.5
  const told = explain({ mixtures: mixturesOf(failureLogit, typical) }, features)
  const rounded = told.contributions.map(({ factor, logit }) => [factor, Math.round(logit * 1e9) / 1e9])
  assert.deepEqual(rounded.slice(0, 2), [
    ['branch', -2.5],
    ['time', -0.5],
  ])
  assert.ok(rounded.slice(2).every(([, logit]) => logit === 0))
  const sum = told.contributions.reduce((all, { logit }) => all + logit, told.typical)
  assert.ok(Math.abs(sum + failureLogit(features)) < 1e-12)
})
