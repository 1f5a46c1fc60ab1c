import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import * as tf from '@tensorflow/tfjs'
import { chooseBackend } from './backend.ts'
import { disposeLayers, initialLayers, layersOf, networkOf, outputOf } from './graph.ts'
import { forward } from './network.ts'
import { createRandom, normal } from './random.ts'

const ROWS = 64

before(async () => {
  await chooseBackend(['wasm', 'cpu'], null)
})

test('the plain loop answers what the TF.js graph answers, within 1e-4', () => {
  for (const [seed, widths] of [
    [9, 5, 3],
    [40, 32, 16, 3],
    [300, 64, 1],
    [12, 1],
  ].entries()) {
    const random = createRandom(seed)
    const bias = Array.from({ length: widths.at(-1) ?? 0 }, () => normal(random))
    const initial = initialLayers(widths, bias, random)
    const network = networkOf(initial)
    disposeLayers(initial)
    // Of each kind that a row holds: numbers, one-hot names, zeros.
    const inputs = widths[0] ?? 0
    const rows = Float32Array.from(
      { length: ROWS * inputs },
      () => [normal(random), 1, 0, 0][Math.floor(random() * 4)] ?? 0,
    )
    const graph = tf.tidy(() => {
      const layers = layersOf(network)
      const out = outputOf(layers, tf.tensor2d(rows, [ROWS, inputs])).dataSync()
      disposeLayers(layers)
      return out
    })
    for (let i = 0; i < ROWS; i++)
      forward(network, rows.subarray(i * inputs, (i + 1) * inputs)).forEach((value, k) => {
        const apart = Math.abs(value - (graph[i * bias.length + k] ?? NaN))
        assert.ok(apart <= 1e-4, `row ${i}, output ${k}: ${apart} apart`)
      })
  }
})
