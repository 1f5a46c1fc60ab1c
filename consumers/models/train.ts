/**
 * Learns a classifier from scored rows. Same rows, seed and backend: same weights. Dense layers only, so that every TF.js
 * backend has the gradients.
 */
import { ANY_ANSWER } from './confidentFrom.ts'
import { FEATURE_SET } from './features.ts'
import { scalingOf } from './inputRow.ts'
import { outcomeNetworks, outcomeTrees } from './outcome.ts'
import type { NetworksOptions, TreesOptions } from './outcome.ts'
import type { ClassifierWeights } from './weights.ts'

export interface TrainingRow {
  readonly features: Float32Array
  readonly success: boolean
  /** null where unknown */
  readonly durationSeconds: number | null
}

export interface TrainingOptions {
  readonly seed: number
  readonly networks: NetworksOptions
  readonly trees: TreesOptions
  /** Weight of the trees in the logit of failure, 0..1; the networks have the rest. */
  readonly treesShare: number
}

export const TRAINING: Omit<TrainingOptions, 'seed'> = {
  networks: {
    members: 3,
    hidden: [64, 32],
    epochs: 10,
    refineEpochs: 3,
    learningRate: 0.003,
    weightDecay: 1,
    dropout: { inputs: 0.25, hidden: 0.2 },
  },
  trees: {
    rounds: 300,
    roundsMin: 150,
    rowsPerRound: 10,
    learningRate: 0.04,
    leavesMax: 31,
    rowsPerLeafMin: 20,
    lambda: 5,
    randomSplits: true,
    rowShare: 0.8,
    featureShare: 0.3,
  },
  treesShare: 0.6,
}

/**
 * `rows` in the order of time, at least one; features as featuresOf made them. `start`: goes on from these weights, which is
 * quick, instead of from new ones.
 */
export function trainClassifier(
  rows: readonly TrainingRow[],
  { seed, networks, trees, treesShare }: TrainingOptions,
  start: ClassifierWeights | null = null,
): ClassifierWeights {
  // Weights at hand go with the scaling they learnt under.
  const scaling = start ?? scalingOf(rows.map((row) => row.features))
  return {
    featureSet: FEATURE_SET,
    rows: rows.length,
    center: scaling.center,
    scale: scaling.scale,
    outcome: outcomeNetworks({ rows, seed }, scaling, networks, start?.outcome ?? []),
    outcomeTrees: [outcomeTrees({ rows, seed }, trees)],
    treesShare,
    confidentFrom: start?.confidentFrom ?? ANY_ANSWER,
    typicalLogDuration: typical(rows),
  }
}

function typical(rows: readonly TrainingRow[]): readonly [number, number, number] | null {
  const logs = rows.flatMap((row) => (row.durationSeconds === null ? [] : [Math.log1p(row.durationSeconds)]))
  if (logs.length === 0) return null
  logs.sort((a, b) => a - b)
  const at = (q: number) => logs[Math.min(Math.floor(q * logs.length), logs.length - 1)] ?? 0
  return [at(0.1), at(0.5), at(0.9)]
}
