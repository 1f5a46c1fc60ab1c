import * as tf from '@tensorflow/tfjs'

import type { Dense, Network } from '../models/network.ts'
import { normal } from '../models/random.ts'
import type { Random } from '../models/random.ts'
import type { Samples } from './capacitySamples.ts'

export interface FitOptions {
  readonly hidden: readonly number[]
  readonly steps: number
  readonly batch: number
  readonly learningRate: number
}

interface Layer {
  readonly kernel: tf.Variable<tf.Rank.R2>
  readonly bias: tf.Variable<tf.Rank.R1>
}

/** Outputs before training: the base as it is, an interval of about 0.7 units to either side. */
const OUTPUT_BIAS = [0, 0, 0]

/**
 * One network of three outputs (median, distance down, distance up), by Adam on the pinball losses of p10, p50 and p90.
 * `rows` are standardised. The same samples, random source and backend give the same network.
 */
export async function fitQuantiles(
  { rows, targets }: Samples,
  width: number,
  options: FitOptions,
  random: Random,
): Promise<Network> {
  const { steps, batch, learningRate } = options
  const layers = initial([width, ...options.hidden, OUTPUT_BIAS.length], random)
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
      optimizer.minimize(() => pinballLoss(graphOutput(layers, x), y))
    })
  }
  const network = { layers: await Promise.all(layers.map(read)) }
  optimizer.dispose()
  for (const { kernel, bias } of layers) tf.dispose([kernel, bias])
  return network
}

/** The same sums as forward() of network.ts, for many rows at once. */
export function graphOutput(
  layers: readonly { kernel: tf.Tensor2D; bias: tf.Tensor1D }[],
  x: tf.Tensor2D,
): tf.Tensor2D {
  return layers.reduce<tf.Tensor2D>((values, { kernel, bias }, depth) => {
    const sum = tf.add<tf.Tensor2D>(tf.matMul(values, kernel), bias)
    return depth === layers.length - 1 ? sum : tf.relu(sum)
  }, x)
}

export function pinballLoss(outputs: tf.Tensor2D, truth: tf.Tensor2D): tf.Scalar {
  const [middle, down, up] = tf.split(outputs, 3, 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]
  const pinball = (quantile: tf.Tensor2D, level: number): tf.Tensor => {
    const miss = tf.sub(truth, quantile)
    return tf.mean(tf.add(tf.mul(miss, level), tf.relu(tf.neg(miss))))
  }
  const low = pinball(tf.sub(middle, tf.softplus(down)), 0.1)
  const high = pinball(tf.add(middle, tf.softplus(up)), 0.9)
  return tf.addN([low, high, pinball(middle, 0.5)]).asScalar()
}

function initial(widths: readonly number[], random: Random): readonly Layer[] {
  return widths.slice(1).map((outputs, i) => {
    const inputs = widths[i] ?? 0
    const last = i === widths.length - 2
    // He's initialisation for ReLU layers; the last starts near its bias, so that the first forecasts are the base.
    const deviation = last ? 0.01 : Math.sqrt(2 / inputs)
    const kernel = Float32Array.from({ length: inputs * outputs }, () => deviation * normal(random))
    const bias = last ? Float32Array.from(OUTPUT_BIAS) : new Float32Array(outputs)
    return { kernel: tf.variable(tf.tensor2d(kernel, [inputs, outputs])), bias: tf.variable(tf.tensor1d(bias)) }
  })
}

async function read({ kernel, bias }: Layer): Promise<Dense> {
  const [inputs, outputs] = kernel.shape
  const values = await Promise.all([kernel.data(), bias.data()])
  return { inputs, outputs, kernel: Float32Array.from(values[0]), bias: Float32Array.from(values[1]) }
}

/** Adam keeps its rate in a field that its type hides. */
function setRate(optimizer: tf.AdamOptimizer, rate: number): void {
  Object.assign(optimizer, { learningRate: rate })
}
