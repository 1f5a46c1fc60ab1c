/** A trained model at work: features in, probability out. Plain loops, no TF.js: some 0.1 ms for a row. */
import type { Explainable } from './factors.ts'
import { FEATURES, FEATURE_SET, NUMERIC_FEATURES } from './features.ts'
import { INPUTS, NO_NAME, writeInputRow } from './inputRow.ts'
import { mixedLogit } from './mixture.ts'
import { forward } from './network.ts'
import type { Network } from './network.ts'
import { sumOfLeaves } from './trees.ts'
import type { DurationRange } from './timing.ts'
import type { Trees } from './trees.ts'
import { WeightsInvalid } from './packedWeights.ts'
import { deserialise, digestOf } from './weights.ts'
import type { ClassifierWeights } from './weights.ts'

export interface Classifier extends Explainable {
  /** SHA-256 of the weights. */
  readonly version: string
  /** Scored rows it learnt from. */
  readonly rows: number
  /** Probability of success; of `features`, FEATURES numbers. */
  pSuccess(features: Float32Array): number
  /** Answers are confident from this max(p, 1 − p) on. */
  readonly confidentFrom: number
  /** Of all rows that it learnt from, for a service without a duration of its own; null when there was none. */
  readonly typicalDuration: DurationRange | null
}

/** No outcome is ever certain: keeps one wrong answer from costing more than ln 1000. */
const LOGIT_MAX = Math.log(999)
const bounded = (logit: number): number => Math.min(Math.max(logit, -LOGIT_MAX), LOGIT_MAX)

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
    confidentFrom: weights.confidentFrom,
    mixtures: (features, groupOf, groups) => {
      const logit = mixedLogit(weights, typical, features, groupOf, groups)
      return (present) => bounded(logit(present))
    },
    pSuccess: (features) => 1 / (1 + Math.exp(failureLogit(features))),
    typicalDuration: secondsOf(weights.typicalLogDuration),
  }
}

function secondsOf(logs: ClassifierWeights['typicalLogDuration']): DurationRange | null {
  if (logs === null) return null
  const [p10, p50, p90] = logs
  return { p10: Math.expm1(p10), p50: Math.expm1(p50), p90: Math.expm1(p90) }
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
  for (const network of weights.outcome) {
    if (network.layers[0]?.inputs !== INPUTS) throw new WeightsInvalid(`a first layer is not ${INPUTS} wide`)
  }
}
