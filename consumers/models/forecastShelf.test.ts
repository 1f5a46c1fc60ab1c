import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { ModelRecord } from '../../schemas/generated/events.ts'
import { createForecastShelf } from './forecastShelf.ts'
import { FORECAST_FEATURES } from './forecastOutlook.ts'
import { readForecastWeights, writeForecastWeights } from './forecastWeights.ts'
import { WeightsInvalid } from './packedWeights.ts'
import { digestOf } from './weights.ts'

function weights(bias: number): Buffer {
  const width = FORECAST_FEATURES.length
  const layer = { inputs: width, outputs: 3, kernel: new Float32Array(3 * width), bias: Float32Array.of(bias, 0, 0) }
  return writeForecastWeights({
    features: FORECAST_FEATURES,
    center: new Float32Array(width),
    scale: new Float32Array(width).fill(1),
    networks: [{ layers: [layer] }, { layers: [layer] }],
  })
}

const record = (bytes: Buffer, fields: Partial<ModelRecord>): ModelRecord => ({
  kind: 'weights',
  cause: null,
  scores: null,
  model: 'capacity',
  sha256: digestOf(bytes),
  stage: null,
  weights: null,
  card: '{}',
  at: 0,
  ...fields,
})

test('weights come back as written', () => {
  const written = weights(0.25)
  const read = readForecastWeights(written)
  assert.deepEqual(writeForecastWeights(read), written)
  assert.equal(read.networks[1]?.layers[0]?.bias[0], 0.25)
})

test('damaged weights are refused', () => {
  const whole = weights(0)
  const otherFormat = Buffer.from(whole)
  otherFormat.write('Capacity/1', otherFormat.indexOf('capacity/1'))
  const noJson = Buffer.from(whole)
  noJson.write('?', 4)
  const damaged = [Buffer.alloc(0), whole.subarray(0, 50), whole.subarray(0, -4), otherFormat, noJson]
  for (const bytes of [...damaged, Buffer.concat([whole, Buffer.alloc(4)])])
    assert.throws(() => readForecastWeights(bytes), WeightsInvalid)
})

test('the champion is served once its weights and its stage have come, in any order', () => {
  const [first, second] = [weights(1), weights(2)]
  const shelf = createForecastShelf()
  assert.equal(shelf.champion(), null)
  shelf.accept(record(first, { kind: 'stage', stage: 'champion' }))
  assert.equal(shelf.champion(), null)
  shelf.accept(record(first, { weights: first }))
  assert.equal(shelf.champion()?.version, digestOf(first))

  shelf.accept(record(second, { weights: second }))
  assert.equal(shelf.champion()?.version, digestOf(first))
  shelf.accept(record(second, { kind: 'stage', stage: 'champion' }))
  assert.equal(shelf.champion()?.version, digestOf(second))
  assert.deepEqual(shelf.list(), [{ model: 'capacity', version: digestOf(second), stage: 'champion', since: 0 }])
  shelf.accept(record(second, { kind: 'stage', stage: 'retired' }))
  assert.equal(shelf.champion(), null)
  assert.deepEqual(shelf.list(), [])
})

test('other models are passed by, other digests refused', () => {
  const bytes = weights(1)
  const shelf = createForecastShelf()
  shelf.accept(record(bytes, { model: 'deployment', weights: Buffer.from('anything') }))
  assert.throws(() => {
    shelf.accept(record(bytes, { weights: weights(3) }))
  }, WeightsInvalid)
})
