/** Fits one dense network by Adam in TF.js: own initialisation, own permutation, own noise, early stopping on the last slice in time. */
import * as tf from '@tensorflow/tfjs'
import { disposeLayers, initialLayers, layersOf, networkOf, outputOf, setRate } from './graph.ts'
import type { Layer } from './graph.ts'
import type { Network } from './network.ts'
import { permutation } from './random.ts'
import type { Random } from './random.ts'

export interface FitTask {
  /** Rows × width, in the order of time. */
  readonly inputs: Float32Array
  readonly width: number
  /** One for each row. */
  readonly targets: Float32Array
  readonly weights: Float32Array
  readonly hidden: readonly number[]
  readonly outputs: number
  readonly outputBias: readonly number[]
  readonly learningRate: number
  readonly loss: (out: tf.Tensor2D, target: tf.Tensor2D) => tf.Tensor
}

/** Few rows go in small batches: an epoch needs some steps to get anywhere. */
const BATCH_ROWS_MIN = 32
const BATCH_ROWS_MAX = 256
const STEPS_WANTED = 16
const WEIGHT_DECAY = 1e-4
/** Share of inputs blanked in training, hashed names included: what is known of one name must not carry all. */
const BLANKED = 0.15
/** The step shrinks to this share of the first over the epochs, so that the last ones settle. */
const LAST_RATE = 0.1
/** Share of the rows, the last in time, on which early stopping looks. */
const LATER_SHARE = 0.15
/** Epochs without a better later slice before it stops. */
const PATIENCE = 4

/** Share of the rows, the last in time, that judge what the earlier ones taught while it is learnt. */
export const laterRows = (rows: number): number => Math.floor(rows * LATER_SHARE)

/**
 * So many epochs are worth it: learns on the earlier rows until the last ones in time get no better. The network itself is thrown
 * away: what comes after learns on all rows, the freshest included, for as long.
 */
export function epochsWorth(task: FitTask, epochsMax: number, random: Random): number {
  const later = laterRows(task.targets.length)
  const learnt = task.targets.length - later
  if (later === 0) return epochsMax
  const layers = initial(task, random)
  const optimizer = tf.train.adam(task.learningRate)
  let best = { loss: Infinity, epochs: 1 }
  for (let epoch = 1; epoch <= epochsMax && epoch - best.epochs <= PATIENCE; epoch++) {
    learnEpoch(task, layers, optimizer, learnt, random)
    const loss = laterLoss(task, layers, learnt)
    if (loss < best.loss) best = { loss, epochs: epoch }
  }
  disposeLayers(layers)
  optimizer.dispose()
  return best.epochs
}

/** Learns on all rows; from `start` where given, else from new weights. */
export function fit(task: FitTask, epochs: number, random: Random, start: Network | null): Network {
  const layers = start === null ? initial(task, random) : layersOf(start)
  const optimizer = new tf.AdamOptimizer(task.learningRate, 0.9, 0.999)
  for (let epoch = 0; epoch < epochs; epoch++) {
    const progress = epochs === 1 ? 1 : epoch / (epochs - 1)
    setRate(optimizer, task.learningRate * LAST_RATE ** progress)
    learnEpoch(task, layers, optimizer, task.targets.length, random)
  }
  const network = networkOf(layers)
  disposeLayers(layers)
  optimizer.dispose()
  return network
}

function learnEpoch(
  task: FitTask,
  layers: readonly Layer[],
  optimizer: tf.Optimizer,
  rows: number,
  random: Random,
): void {
  const order = permutation(rows, random)
  const batch = Math.min(Math.max(Math.ceil(rows / STEPS_WANTED), BATCH_ROWS_MIN), BATCH_ROWS_MAX)
  for (let from = 0; from < rows; from += batch) {
    step(task, layers, optimizer, order.subarray(from, Math.min(from + batch, rows)), random)
  }
}

const initial = ({ width, hidden, outputs, outputBias }: FitTask, random: Random) =>
  initialLayers([width, ...hidden, outputs], outputBias, random)

function step(
  task: FitTask,
  layers: readonly Layer[],
  optimizer: tf.Optimizer,
  rows: Uint32Array,
  random: Random,
): void {
  const { width } = task
  const inputs = new Float32Array(rows.length * width)
  const targets = new Float32Array(rows.length)
  const weights = new Float32Array(rows.length)
  let total = 0
  rows.forEach((row, i) => {
    for (let k = 0; k < width; k++) {
      const value = task.inputs[row * width + k] ?? 0
      // A blank is 0: the mean of a number, no bucket of a name.
      if (value !== 0 && random() >= BLANKED) inputs[i * width + k] = value
    }
    targets[i] = task.targets[row] ?? 0
    weights[i] = task.weights[row] ?? 0
    total += weights[i] ?? 0
  })
  tf.tidy(() => {
    const x = tf.tensor2d(inputs, [rows.length, width])
    const y = tf.tensor2d(targets, [rows.length, 1])
    const w = tf.tensor2d(
      weights.map((weight) => weight / total),
      [rows.length, 1],
    )
    optimizer.minimize(() => {
      const data = tf.sum(tf.mul(task.loss(outputOf(layers, x), y), w))
      const decay = layers.map(({ kernel }) => tf.sum(tf.square(kernel)))
      return tf.add(data, tf.mul(tf.addN(decay), WEIGHT_DECAY)).asScalar()
    })
  })
}

function laterLoss(task: FitTask, layers: readonly Layer[], from: number): number {
  const { inputs, targets, width } = task
  return tf.tidy(() => {
    const x = tf.tensor2d(inputs.subarray(from * width), [targets.length - from, width])
    const y = tf.tensor2d(targets.subarray(from), [targets.length - from, 1])
    return tf.mean(task.loss(outputOf(layers, x), y)).dataSync()[0] ?? Infinity
  })
}
