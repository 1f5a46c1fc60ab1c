/** A trained model at work: features in, probability and duration out. Plain loops, no TF.js: some 20 µs for a row. */
import type { Explainable } from './factors.ts'
import { FEATURES, FEATURE_SET, NUMERIC_FEATURES, REFERENCE_INDEX } from './features.ts'
import { INPUTS, NO_NAME, writeInputRow } from './inputRow.ts'
import { mixedLogit } from './mixture.ts'
import { forward } from './network.ts'
import type { Network } from './network.ts'
import { softplus } from './softplus.ts'
import { sumOfLeaves } from './trees.ts'
import type { Trees } from './trees.ts'
import { WeightsInvalid } from './packedWeights.ts'
import { deserialise, digestOf } from './weights.ts'
import type { ClassifierWeights } from './weights.ts'

export interface DurationRange {
  readonly p10: number
  readonly p50: number
  readonly p90: number
}

export interface Classifier extends Explainable {
  /** SHA-256 of the weights. */
  readonly version: string
  /** Scored rows it learnt from. */
  readonly rows: number
  /** Probability of success; of `features`, FEATURES numbers. */
  pSuccess(features: Float32Array): number
  /** Seconds, p10 ≤ p50 ≤ p90; null when no duration was ever learnt. */
  duration(features: Float32Array): DurationRange | null
}

/** No outcome is ever certain: keeps one wrong answer from costing more than ln 1000. */
const LOGIT_MAX = Math.log(999)
const bounded = (logit: number): number => Math.min(Math.max(logit, -LOGIT_MAX), LOGIT_MAX)
/** A run that takes 50 times its running median is as far as a range may reach. */
const LOG_RATIO_MAX = Math.log(50)

export function loadClassifier(bytes: Buffer): Classifier {
  return createClassifier(deserialise(bytes), digestOf(bytes))
}

export function createClassifier(weights: ClassifierWeights, version: string): Classifier {
  check(weights)
  const input = new Float32Array(INPUTS)
  const prepare = (features: Float32Array) => {
    if (features.length !== FEATURES) throw new WeightsInvalid(`${features.length} features instead of ${FEATURES}`)
    writeInputRow(features, weights, input)
    return input
  }
  const failureLogit = (features: Float32Array) => {
    const ofNetworks = meanOutput(weights.outcome, prepare(features), 0)
    const share = weights.treesShare
    const logit = share === 0 ? ofNetworks : share * meanSum(weights.outcomeTrees, features) + (1 - share) * ofNetworks
    return bounded(logit)
  }
  const typical = new Float32Array(FEATURES).fill(NO_NAME)
  typical.set(weights.center)
  return {
    version,
    rows: weights.rows,
    mixtures: (features, groupOf, groups) => {
      const logit = mixedLogit(weights, typical, features, groupOf, groups)
      return (present) => bounded(logit(present))
    },
    pSuccess: (features) => 1 / (1 + Math.exp(failureLogit(features))),
    duration: (features) => {
      const reference = features[REFERENCE_INDEX] ?? 0
      if (weights.duration.length === 0 || reference <= 0) return seconds(weights.typicalLogDuration)
      const row = prepare(features)
      const [middle, down, up] = [0, 1, 2].map((k) => meanOutput(weights.duration, row, k)) as [number, number, number]
      const ofNetworks = logRatioQuantiles(middle, down, up)
      const ofTrees = weights.durationTrees.map((trees) => sumOfLeaves(trees, features))
      const mixed = ofNetworks.map((q, k) => reference + (q + (ofTrees[k] ?? q)) / 2)
      // Three models know nothing of each other's order.
      return seconds(mixed.sort((a, b) => a - b) as [number, number, number])
    },
  }
}

/** Quantiles of the log ratio from raw outputs; in order whatever the outputs are. */
export function logRatioQuantiles(middle: number, down: number, up: number): [number, number, number] {
  const bounded = (value: number) => Math.min(Math.max(value, -LOG_RATIO_MAX), LOG_RATIO_MAX)
  const p50 = bounded(middle)
  return [bounded(p50 - softplus(down)), p50, bounded(p50 + softplus(up))]
}

function seconds(logs: readonly [number, number, number] | null): DurationRange | null {
  if (logs === null) return null
  const [p10, p50, p90] = logs.map((log) => Math.max(Math.expm1(log), 0)) as [number, number, number]
  return { p10, p50, p90 }
}

function meanOutput(networks: readonly Network[], row: Float32Array, output: number): number {
  return networks.reduce((sum, network) => sum + (forward(network, row)[output] ?? 0), 0) / networks.length
}

const meanSum = (models: readonly Trees[], features: Float32Array): number =>
  models.reduce((sum, trees) => sum + sumOfLeaves(trees, features), 0) / models.length

function check(weights: ClassifierWeights): void {
  if (weights.featureSet !== FEATURE_SET) {
    throw new WeightsInvalid(`learnt on feature set ${weights.featureSet}, this program computes ${FEATURE_SET}`)
  }
  if (weights.center.length !== NUMERIC_FEATURES) throw new WeightsInvalid(`${weights.center.length} scales`)
  if (weights.outcome.length === 0) throw new WeightsInvalid('no network')
  for (const network of [...weights.outcome, ...weights.duration]) {
    if (network.layers[0]?.inputs !== INPUTS) throw new WeightsInvalid(`a first layer is not ${INPUTS} wide`)
  }
}
