import assert from 'node:assert/strict'
import { before, test } from 'node:test'

import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'

import { chooseBackend } from '../models/backend.ts'
import { CHECKED_DAYS, FORECAST_FEATURES } from '../models/forecastOutlook.ts'
import { Forecaster, lookAhead, hourlyQuantiles } from '../models/forecaster.ts'
import { readForecastWeights } from '../models/forecastWeights.ts'
import { layersOf, outputOf } from '../models/graph.ts'
import { createRandom } from '../models/random.ts'
import { CAPACITY_TRAINING, trainCapacity } from './capacity.ts'
import type { CapacityTraining } from './capacity.ts'
import { samplesOf } from './capacitySamples.ts'
import { syntheticSeries } from './capacitySynthetic.ts'

/** Seconds instead of half a minute; still enough to beat seasonal naive. */
const SMALL: CapacityTraining = {
  ...CAPACITY_TRAINING,
  syntheticSeries: 40,
  syntheticSeriesHeldOut: 12,
  members: 2,
  hidden: [12, 6],
  steps: 120,
  batch: 256,
}

before(async () => {
  await chooseBackend(['wasm', 'cpu'], null)
})

test('the seed decides the weights', () => {
  const tiny = { ...SMALL, syntheticSeries: 6, syntheticSeriesHeldOut: 1, steps: 12 }
  const series = [syntheticSeries(createRandom(99), 300)]
  const [first, again, other] = [
    trainCapacity({ seed: 1, series }, tiny),
    trainCapacity({ seed: 1, series }, tiny),
    trainCapacity({ seed: 2, series }, tiny),
  ]
  assert.deepEqual(again, first)
  assert.notDeepEqual(other.weights, first.weights)
})

test('a trained forecaster beats seasonal naive on series that it never saw, and says so', () => {
  const { weights, card } = trainCapacity({ seed: 3, series: [] }, SMALL)
  assert.equal(card.heldOut.own, null)
  assert.equal(card.samples.own, 0)
  const { mase, maseSeasonalNaive, coverage80 } = card.heldOut.synthetic ?? assert.fail('nothing was held out')
  assert.ok(mase < 0.9 * maseSeasonalNaive, `${mase} against ${maseSeasonalNaive}`)
  assert.ok(coverage80 > 0.65 && coverage80 < 0.95, `coverage ${coverage80}`)
  assert.equal(new Forecaster(weights).forecast(new Float64Array(100), 0).p50.length, 24)
})

test('serving by plain loops equals the TF.js graph', () => {
  const { weights } = trainCapacity({ seed: 4, series: [] }, { ...SMALL, syntheticSeries: 6, steps: 30 })
  const { center, scale, networks } = readForecastWeights(weights)
  const random = createRandom(4)
  for (let i = 0; i < 10; i++) {
    const hourly = syntheticSeries(random, 400)
    const outlook = lookAhead(hourly)
    const raw = tf.tidy(() => {
      const rows = tf.tensor2d(outlook.rows, [24, FORECAST_FEATURES.length])
      const inputs = tf.div<tf.Tensor2D>(tf.sub(rows, tf.tensor1d(center)), tf.tensor1d(scale))
      const outputs = networks.map((network) => outputOf(layersOf(network), inputs))
      return Float32Array.from(tf.div(tf.addN(outputs), outputs.length).dataSync())
    })
    const [p10, p50, p90] = hourlyQuantiles(outlook, raw)
    const served = new Forecaster(weights).forecast(hourly, 0)
    for (const [graph, loops] of [
      [p10, served.p10],
      [p50, served.p50],
      [p90, served.p90],
    ] as const)
      graph.forEach((value, h) => {
        const apart = Math.abs(Math.max(0, value) - Math.max(0, loops[h] ?? NaN)) / outlook.unit
        assert.ok(apart <= 1e-4, `hour ${h}: ${apart} units apart`)
      })
  }
})

test('own series are learnt from, their last days only judge', () => {
  const tiny = { ...SMALL, syntheticSeries: 4, syntheticSeriesHeldOut: 0, steps: 8 }
  const own = syntheticSeries(createRandom(12), 500)
  const spoilt = own.slice()
  spoilt.fill(1e12, 500 - CHECKED_DAYS * 24)
  const learnt = trainCapacity({ seed: 5, series: [own] }, tiny)
  assert.ok(learnt.card.samples.own > 0)
  assert.equal(learnt.card.heldOut.own?.series, 1)
  assert.equal(learnt.card.heldOut.synthetic, null)
  assert.deepEqual(trainCapacity({ seed: 5, series: [spoilt] }, tiny).weights, learnt.weights)
})

test('samples of an earlier day do not know the later ones', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 150, max: 500 }), fc.nat(23), (seed, hours, phase) => {
      const series = syntheticSeries(createRandom(seed), 600)
      const all = samplesOf(series, phase)
      const early = samplesOf(series.slice(0, hours), phase)
      assert.deepEqual(all.targets.slice(0, early.targets.length), early.targets)
      assert.deepEqual(all.rows.slice(0, early.rows.length), early.rows)
      assert.ok(all.rows.every(Number.isFinite) && all.targets.every(Number.isFinite))
    }),
    { numRuns: 40 },
  )
})

test('series too short to learn from, or never observed, give nothing', () => {
  for (const series of [new Float64Array(0), new Float64Array(50).fill(1), new Float64Array(400).fill(NaN)])
    assert.equal(samplesOf(series, 6).targets.length, 0)
})

test('synthetic series repeat by their seed and hold gaps and whole days', () => {
  const series = Array.from({ length: 60 }, (_, seed) => syntheticSeries(createRandom(seed), 400))
  assert.deepEqual(syntheticSeries(createRandom(7), 400), series[7])
  assert.ok(series.some((one) => one.some(Number.isNaN)))
  assert.ok(series.every((one) => one.filter(Number.isFinite).length > 200))
})
