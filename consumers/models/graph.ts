/** Dense networks as TF.js graphs: what training computes. network.ts computes the same row by row. */
import * as tf from '@tensorflow/tfjs'
import type { Dense, Network } from './network.ts'
import { normal } from './random.ts'
import type { Random } from './random.ts'

export interface Layer {
  readonly kernel: tf.Variable<tf.Rank.R2>
  readonly bias: tf.Variable<tf.Rank.R1>
}

/** Only so many inputs of a row are other than 0, however many hashed names there are. */
const INPUTS_ACTIVE_MAX = 160

/** `widths`: inputs, hidden layers, outputs. A small last layer starts near its bias. */
export function initialLayers(
  widths: readonly number[],
  outputBias: readonly number[],
  random: Random,
): readonly Layer[] {
  return widths.slice(1).map((outputs, i) => {
    const inputs = widths[i] ?? 0
    const last = i === widths.length - 2
    // He's initialisation for ReLU layers.
    const deviation = last ? 0.01 : Math.sqrt(2 / Math.min(inputs, INPUTS_ACTIVE_MAX))
    const kernel = Float32Array.from({ length: inputs * outputs }, () => normal(random) * deviation)
    const bias = last ? Float32Array.from(outputBias) : new Float32Array(outputs)
    return { kernel: tf.variable(tf.tensor2d(kernel, [inputs, outputs])), bias: tf.variable(tf.tensor1d(bias)) }
  })
}

export const layersOf = ({ layers }: Network): readonly Layer[] =>
  layers.map(({ kernel, bias, inputs, outputs }) => ({
    kernel: tf.variable(tf.tensor2d(kernel, [inputs, outputs])),
    bias: tf.variable(tf.tensor1d(bias)),
  }))

export function networkOf(layers: readonly Layer[]): Network {
  const read = ({ kernel, bias }: Layer): Dense => {
    const [inputs, outputs] = kernel.shape
    return {
      inputs,
      outputs,
      kernel: Float32Array.from(kernel.dataSync()),
      bias: Float32Array.from(bias.dataSync()),
    }
  }
  return { layers: layers.map(read) }
}

export function disposeLayers(layers: readonly Layer[]): void {
  for (const { kernel, bias } of layers) tf.dispose([kernel, bias])
}

/** Outputs of the last layer, a row for each of `inputs`. */
export function outputOf(layers: readonly Layer[], inputs: tf.Tensor2D): tf.Tensor2D {
  return layers.reduce<tf.Tensor2D>((values, { kernel, bias }, i) => {
    const sum = tf.add<tf.Tensor2D>(tf.matMul(values, kernel), bias)
    return i === layers.length - 1 ? sum : tf.relu(sum)
  }, inputs)
}

/**
 * Gradients of the mean cross entropy of a network of one output, a logit: kernel and bias of each layer. `inputs`: rows × inputs; `masks`:
 * factors of the units of each hidden layer, rows × units; `targets`: 0 or 1.
 */
export function lossGradients(
  { layers }: Network,
  inputs: Float32Array,
  masks: readonly Float32Array[],
  targets: Float32Array,
): readonly Float32Array[] {
  const rows = targets.length
  const read: Float32Array[] = []
  tf.tidy(() => {
    const x = tf.tensor2d(inputs, [rows, inputs.length / rows])
    const y = tf.tensor2d(targets, [rows, 1])
    const factors = masks.map((mask) => tf.tensor2d(mask, [rows, mask.length / rows]))
    const firstProduct = productWith(x)
    const loss = (...tensors: tf.Tensor[]): tf.Scalar => {
      const out = layers.reduce<tf.Tensor2D>((values, _, i) => {
        const [kernel, bias] = [tensors[2 * i], tensors[2 * i + 1]] as [tf.Tensor2D, tf.Tensor1D]
        const sum = tf.add<tf.Tensor2D>(i === 0 ? firstProduct(kernel) : tf.matMul(values, kernel), bias)
        const mask = factors[i]
        return mask === undefined ? sum : tf.mul(tf.relu(sum), mask)
      }, x)
      return tf.mean(tf.sub(tf.softplus(out), tf.mul(out, y))).asScalar()
    }
    const tensors = layers.flatMap(({ kernel, bias, inputs: from, outputs }) => [
      tf.tensor2d(kernel, [from, outputs]),
      tf.tensor1d(bias),
    ])
    // What a tidy returns it walks through number by number.
    for (const gradient of tf.grads(loss)(tensors)) read.push(gradient.dataSync<'float32'>())
  })
  return read
}

/**
 * x × kernel, whose gradient multiplies a transposed copy of x: a product that transposes on its way, as TF.js would, takes the wasm
 * backend ten times as long.
 */
function productWith(x: tf.Tensor2D): (kernel: tf.Tensor2D) => tf.Tensor2D {
  const transposed = tf.transpose(x)
  const product = tf.customGrad((kernel) => ({
    value: tf.matMul(x, kernel as tf.Tensor2D),
    gradFunc: (dy: tf.Tensor) => tf.matMul(transposed, dy),
  }))
  return (kernel) => product(kernel) as tf.Tensor2D
}

/** Of each row: pinball losses of p10, p50 and p90, added; the outputs are the median and raw distances down and up. */
export function pinballLoss(out: tf.Tensor2D, target: tf.Tensor2D): tf.Tensor2D {
  const [middle, down, up] = tf.split(out, 3, 1) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]
  const pinball = (quantile: tf.Tensor2D, level: number) => {
    const miss = tf.sub(target, quantile)
    return tf.add(tf.mul(miss, level), tf.relu(tf.neg(miss)))
  }
  const low = pinball(tf.sub(middle, tf.softplus(down)), 0.1)
  const high = pinball(tf.add(middle, tf.softplus(up)), 0.9)
  return tf.add(tf.add(low, high), pinball(middle, 0.5))
}

/** Adam reads its rate at each step, but its type keeps it to itself. */
export function setRate(optimizer: tf.Optimizer, rate: number): void {
  Object.assign(optimizer, { learningRate: rate })
}
