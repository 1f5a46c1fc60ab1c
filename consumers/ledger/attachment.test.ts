import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FEATURES } from '../models/features.ts'
import { attachmentOf, headlineOf } from './attachment.ts'
import type { Headline } from './attachment.ts'

const p = fc.double({ min: 0, max: 1, noNaN: true })
const seconds = fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }))
const digest = fc.string({ unit: fc.constantFrom('0', '7', 'a', 'f'), minLength: 64, maxLength: 64 })
const headline: fc.Arbitrary<Headline> = fc.record({
  predictionId: digest,
  model: fc.constantFrom('deployment', 'ci_run'),
  modelVersion: fc.oneof(digest, fc.constant('base-rate')),
  pSuccess: p,
  answerClass: fc.constantFrom('confident', 'uncertain', 'not_enough_evidence'),
  riskLevel: fc.constantFrom('low', 'medium', 'high', 'critical'),
  durationP10: seconds,
  durationP50: seconds,
  durationP90: seconds,
  evidence: fc.double({ min: 0, max: 1e6, noNaN: true }),
  baseRate: p,
  challengerVersion: fc.option(digest),
  challengerP: fc.option(p),
  featureSet: fc.constant('attempt/1'),
  features: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: FEATURES, maxLength: FEATURES }),
})

test('a headline comes back from its attachment as it was, and fits the engine', () => {
  fc.assert(
    fc.property(headline, (one) => {
      const text = attachmentOf(one)
      assert.ok(Buffer.byteLength(text) <= 4096)
      assert.deepEqual(headlineOf(text), { ...one })
    }),
  )
})
