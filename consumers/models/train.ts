/**
 * Learns a classifier from scored rows. Same rows, seed and backend: same weights. Dense layers only, so that every TF.js
 * backend has the gradients.
 */
import * as tf from '@tensorflow/tfjs'
import { FEATURE_SET, NUMERIC_FEATURES } from './features.ts'
import { INPUTS, scalingOf, writeInputRow } from './inputRow.ts'
import type { Scaling } from './inputRow.ts'
import { boost, LOGISTIC } from './boost.ts'
import type { BoostOptions, BoostTask } from './boost.ts'
import { epochsWorth, fit, laterRows } from './fit.ts'
import type { FitTask } from './fit.ts'
import { forward } from './network.ts'
import type { Network } from './network.ts'
import { createRandom } from './random.ts'
import { sumOfLeaves } from './trees.ts'
import type { Trees } from './trees.ts'
import { softplus } from './softplus.ts'
import type { ClassifierWeights } from './weights.ts'

export interface TrainingRow {
  readonly features: Float32Array
  readonly success: boolean
  /** null where unknown */
  readonly durationSeconds: number | null
}

export interface TrainingOptions {
  readonly seed: number
  readonly members: number
  readonly hidden: readonly number[]
  readonly epochsMax: number
  /** Rows so many places before the last weigh half as much. */
  readonly halfLifeRows: number
  readonly learningRate: number
  /** Epochs and rate when it goes on from weights at hand. */
  readonly refineEpochs: number
  readonly refineRate: number
  readonly trees: BoostOptions
}

export const TRAINING: Omit<TrainingOptions, 'seed'> = {
  members: 3,
  hidden: [64],
  epochsMax: 30,
  halfLifeRows: 2000,
  learningRate: 0.002,
  refineEpochs: 3,
  refineRate: 0.004,
  trees: {
    rounds: 200,
    learningRate: 0.04,
    leavesMax: 15,
    rowsPerLeafMin: 20,
    lambda: 5,
    rowShare: 0.8,
    featureShare: 0.3,
  },
}

/**
 * `rows` in the order of time, at least one; features as featuresOf made them. `start`: goes on from these weights, which is
 * quick, instead of from new ones.
 */
export function trainClassifier(
  rows: readonly TrainingRow[],
  options: TrainingOptions,
  start: ClassifierWeights | null = null,
): ClassifierWeights {
  // Weights at hand go with the scaling they learnt under.
  const scaling = start ?? scalingOf(rows.map((row) => row.features))
  const outcome = outcomeNetworks(rows, scaling, options, start?.outcome ?? [])
  return {
    featureSet: FEATURE_SET,
    rows: rows.length,
    center: scaling.center,
    scale: scaling.scale,
    outcome,
    outcomeTrees: [outcomeTrees(rows, options)],
    treesShare: start?.treesShare ?? treesShareOf(rows, scaling, options),
    typicalLogDuration: typical(rows),
  }
}

/** `members` networks of one task, each from its own seed. */
function fitAll(task: FitTask, members: number, salt: number, options: TrainingOptions, start: readonly Network[]) {
  const random = (member: number) => createRandom(options.seed * 1009 + salt + member)
  if (start.length > 0) {
    const refining = { ...task, learningRate: options.refineRate }
    return start.map((network, member) => fit(refining, options.refineEpochs, random(member), network))
  }
  const epochs = epochsWorth(task, options.epochsMax, random(0))
  return Array.from({ length: members }, (_, member) => fit(task, epochs, random(member + 1), null))
}

const inputsOf = (rows: readonly TrainingRow[], scaling: Scaling): Float32Array => {
  const inputs = new Float32Array(rows.length * INPUTS)
  rows.forEach((row, i) => {
    writeInputRow(row.features, scaling, inputs, i * INPUTS)
  })
  return inputs
}

const agedWeights = (count: number, halfLifeRows: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 2 ** (-(count - 1 - i) / halfLifeRows))

function outcomeNetworks(
  rows: readonly TrainingRow[],
  scaling: Scaling,
  options: TrainingOptions,
  start: readonly Network[],
): readonly Network[] {
  const failed = failures(rows)
  const share = failed.reduce((sum, value) => sum + value, 0) / rows.length
  const task: FitTask = {
    inputs: inputsOf(rows, scaling),
    width: INPUTS,
    targets: failed,
    weights: agedWeights(rows.length, options.halfLifeRows),
    hidden: options.hidden,
    outputs: 1,
    // Starts at the share of failures: the first epochs needn't find it.
    outputBias: [Math.log((share + 0.01) / (1.01 - share))],
    learningRate: options.learningRate,
    loss: (out, target) => tf.sub(tf.softplus(out), tf.mul(out, target)),
  }
  return fitAll(task, options.members, 0, options, start)
}

/** Numbers of the rows side by side: hashed names say nothing to a threshold. */
function boostTask(rows: readonly TrainingRow[], targets: Float32Array): BoostTask {
  const values = new Float32Array(rows.length * NUMERIC_FEATURES)
  rows.forEach(({ features }, i) => {
    values.set(features.subarray(0, NUMERIC_FEATURES), i * NUMERIC_FEATURES)
  })
  return { values, width: NUMERIC_FEATURES, targets }
}

const failures = (rows: readonly TrainingRow[]): Float32Array => Float32Array.from(rows, (row) => (row.success ? 0 : 1))

const outcomeTrees = (rows: readonly TrainingRow[], { seed, trees }: TrainingOptions): Trees =>
  boost(boostTask(rows, failures(rows)), LOGISTIC, trees, createRandom(seed * 1009 + 700))

const SHARES = [0, 0.2, 0.4, 0.6, 0.8, 1] as const
/** Before later rows tell anything. */
const SHARE_UNKNOWN = 0.5

/** The share of the trees with which the earlier rows answer the later ones best. */
function treesShareOf(rows: readonly TrainingRow[], scaling: Scaling, options: TrainingOptions): number {
  const later = laterRows(rows.length)
  if (later === 0) return SHARE_UNKNOWN
  const [earlier, judging] = [rows.slice(0, -later), rows.slice(-later)]
  const trees = outcomeTrees(earlier, options)
  const networks = outcomeNetworks(earlier, scaling, { ...options, members: 1 }, [])
  const input = new Float32Array(INPUTS)
  const answers = judging.map(({ features, success }) => {
    writeInputRow(features, scaling, input)
    const ofNetwork = networks.reduce((sum, network) => sum + (forward(network, input)[0] ?? 0), 0) / networks.length
    return { ofTrees: sumOfLeaves(trees, features), ofNetwork, sign: success ? 1 : -1 }
  })
  const losses = SHARES.map((share) =>
    answers.reduce(
      (sum, { ofTrees, ofNetwork, sign }) => sum + softplus(sign * (share * ofTrees + (1 - share) * ofNetwork)),
      0,
    ),
  )
  return SHARES[losses.indexOf(Math.min(...losses))] ?? SHARE_UNKNOWN
}

function typical(rows: readonly TrainingRow[]): readonly [number, number, number] | null {
  const logs = rows.flatMap((row) => (row.durationSeconds === null ? [] : [Math.log1p(row.durationSeconds)]))
  if (logs.length === 0) return null
  logs.sort((a, b) => a - b)
  const at = (q: number) => logs[Math.min(Math.floor(q * logs.length), logs.length - 1)] ?? 0
  return [at(0.1), at(0.5), at(0.9)]
}
