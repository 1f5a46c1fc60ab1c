/**
 * Fits one dense network to the logit of failure: TF.js has the gradients, everything random is our own, so that the same rows, seed
 * and backend give the same weights.
 */
import { createAdamW } from './adamW.ts'
import { dropped, unitMask } from './dropout.ts'
import type { Dropout } from './dropout.ts'
import { lossGradients } from './graph.ts'
import type { Network } from './network.ts'
import { normal, permutation } from './random.ts'
import type { Random } from './random.ts'

export interface FitTask {
  /** Rows × width. */
  readonly inputs: Float32Array
  readonly width: number
  /** One for each row, 1 where it failed. */
  readonly targets: Float32Array
}

export interface FitOptions {
  readonly epochs: number
  /** At the first step; it falls along half a cosine. */
  readonly learningRate: number
  /** See adamW.ts. */
  readonly weightDecay: number
  readonly dropout: Dropout
}

/** Few rows go in small batches, since an epoch needs some steps to get anywhere. More epochs for them would fit their noise. */
const BATCH_ROWS_MIN = 32
const BATCH_ROWS_MAX = 128
const STEPS_WANTED = 16
/** The last step is so much of the first. */
const LAST_RATE = 0.05

/** Learns on all rows; from `start` where given, else from new weights of these `hidden` layers. */
export function fit(
  task: FitTask,
  hidden: readonly number[],
  options: FitOptions,
  random: Random,
  start: Network | null,
): Network {
  const network = start === null ? initialNetwork(task, hidden, random) : structuredClone(start)
  const optimizer = createAdamW(network, options.weightDecay)
  const rows = task.targets.length
  const batch = Math.min(Math.max(Math.ceil(rows / STEPS_WANTED), BATCH_ROWS_MIN), BATCH_ROWS_MAX)
  const steps = options.epochs * Math.ceil(rows / batch)
  let step = 0
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    const order = permutation(rows, random)
    for (let from = 0; from < rows; from += batch) {
      const gradients = batchGradients(task, network, order.subarray(from, from + batch), options.dropout, random)
      const falling = (1 + Math.cos((Math.PI * step++) / steps)) / 2
      optimizer.step(gradients, options.learningRate * (LAST_RATE + (1 - LAST_RATE) * falling))
    }
  }
  return network
}

/** Hidden layers as wide as their inputs spread; a small last layer starts near the share of failures, which needn't be found first. */
function initialNetwork({ width, targets }: FitTask, hidden: readonly number[], random: Random): Network {
  const share = targets.reduce((sum, target) => sum + target, 0) / targets.length
  const widths = [width, ...hidden, 1]
  return {
    layers: widths.slice(1).map((outputs, i) => {
      const inputs = widths[i] ?? 0
      const isLast = i === hidden.length
      const deviation = isLast ? 0.01 : Math.sqrt(1 / inputs)
      return {
        inputs,
        outputs,
        kernel: Float32Array.from({ length: inputs * outputs }, () => normal(random) * deviation),
        bias: new Float32Array(outputs).fill(isLast ? Math.log((share + 0.01) / (1.01 - share)) : 0),
      }
    }),
  }
}

function batchGradients(
  { inputs, width, targets }: FitTask,
  network: Network,
  rows: Uint32Array,
  dropout: Dropout,
  random: Random,
): readonly Float32Array[] {
  const seen = new Float32Array(rows.length * width)
  rows.forEach((row, i) => {
    const from = inputs.subarray(row * width, (row + 1) * width)
    dropped(from, dropout.inputs, random, seen.subarray(i * width, (i + 1) * width))
  })
  const masks = network.layers
    .slice(0, -1)
    .map(({ outputs }) => unitMask(rows.length * outputs, dropout.hidden, random))
  const truths = Float32Array.from(rows, (row) => targets[row] ?? 0)
  return lossGradients(network, seen, masks, truths)
}
