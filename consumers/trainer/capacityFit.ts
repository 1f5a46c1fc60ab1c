import * as tf from '@tensorflow/tfjs'

import { disposeLayers, initialLayers, networkOf, outputOf, pinballLoss, setRate } from '../models/graph.ts'
import type { Network } from '../models/network.ts'
import type { Random } from '../models/random.ts'
import type { Samples } from './capacitySamples.ts'

export interface FitOptions {
  readonly hidden: readonly number[]
  readonly steps: number
  readonly batch: number
  readonly learningRate: number
}

/** Outputs before training: the base as it is, an interval of about 0.7 units to either side. */
const OUTPUT_BIAS = [0, 0, 0]

/**
 * One network of three outputs (median, distance down, distance up), by Adam on the pinball losses of p10, p50 and p90.
 * `rows` are standardised. The same samples, random source and backend give the same network.
 */
export function fitQuantiles({ rows, targets }: Samples, width: number, options: FitOptions, random: Random): Network {
  const { steps, batch, learningRate } = options
  const layers = initialLayers([width, ...options.hidden, OUTPUT_BIAS.length], OUTPUT_BIAS, random)
  const optimizer = tf.train.adam(learningRate)
  const inputs = new Float32Array(batch * width)
  const truths = new Float32Array(batch)
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < batch; i++) {
      const pick = Math.floor(random() * targets.length)
      inputs.set(rows.subarray(pick * width, (pick + 1) * width), i * width)
      truths[i] = targets[pick] as number
    }
    // Falls along half a cosine: big steps find the place, small ones settle.
    setRate(optimizer, learningRate * (0.02 + 0.98 * 0.5 * (1 + Math.cos((Math.PI * step) / steps))))
    tf.tidy(() => {
      const x = tf.tensor2d(inputs, [batch, width])
      const y = tf.tensor2d(truths, [batch, 1])
      optimizer.minimize(() => tf.mean(pinballLoss(outputOf(layers, x), y)).asScalar())
    })
  }
  const network = networkOf(layers)
  optimizer.dispose()
  disposeLayers(layers)
  return network
}
