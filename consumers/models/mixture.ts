/**
 * Answers of one model for many mixtures of two rows of features, by groups of them: what explaining asks. The first layer of a
 * network is linear, so that each group's share in it is computed once for each of the two rows.
 */
import { ID_FEATURES, NUMERIC_FEATURES } from './features.ts'
import { INPUTS, writeInputRow } from './inputRow.ts'
import { forward, rectified } from './network.ts'
import type { Dense, Network } from './network.ts'
import type { ClassifierWeights } from './weights.ts'
import { sumOfLeaves } from './trees.ts'

/** Feature that an input of a network comes from. */
const FEATURE_OF_INPUT: readonly number[] = [
  ...Array.from({ length: NUMERIC_FEATURES }, (_, i) => i),
  ...ID_FEATURES.flatMap(({ buckets }, k) => Array.from({ length: buckets }, () => NUMERIC_FEATURES + k)),
]

/** Bits of groups that are `actual`; the others are `typical`. */
export type MixedLogit = (actual: number) => number

/** `groupOf`: group of each feature, 0 … `groups` − 1. Logits of failure, as the classifier answers before its bounds. */
export function mixedLogit(
  weights: ClassifierWeights,
  typical: Float32Array,
  actual: Float32Array,
  groupOf: readonly number[],
  groups: number,
): MixedLogit {
  const rows = [typical, actual].map((features) => {
    const row = new Float32Array(INPUTS)
    writeInputRow(features, weights, row)
    return row
  })
  const networks = weights.outcome.map((network) => mixedNetwork(network, rows, groupOf, groups))
  const mixed = new Float32Array(typical.length)
  const ofTrees = (present: number): number => {
    for (let i = 0; i < mixed.length; i++) {
      mixed[i] = (((present >> (groupOf[i] ?? 0)) & 1) === 1 ? actual : typical)[i] ?? 0
    }
    return weights.outcomeTrees.reduce((sum, trees) => sum + sumOfLeaves(trees, mixed), 0) / weights.outcomeTrees.length
  }
  const share = weights.treesShare
  return (present) => {
    const ofNetworks = networks.reduce((sum, answer) => sum + answer(present), 0) / networks.length
    return share === 0 ? ofNetworks : share * ofTrees(present) + (1 - share) * ofNetworks
  }
}

function mixedNetwork(
  { layers }: Network,
  rows: readonly Float32Array[],
  groupOf: readonly number[],
  groups: number,
): MixedLogit {
  const [first, ...rest] = layers
  if (first === undefined) return () => 0
  // Of each group two: as in a typical row, and as in the actual one.
  const shares = Array.from({ length: groups }, (_, group) => rows.map((row) => shareOf(first, row, groupOf, group)))
  return (present) => {
    const hidden = Float32Array.from(first.bias)
    shares.forEach((ofGroup, group) => {
      const share = ofGroup[(present >> group) & 1]
      for (let o = 0; o < hidden.length; o++) hidden[o] = (hidden[o] ?? 0) + (share?.[o] ?? 0)
    })
    return rest.length === 0 ? (hidden[0] ?? 0) : (forward({ layers: rest }, rectified(hidden))[0] ?? 0)
  }
}

function shareOf(
  { outputs, kernel }: Dense,
  row: Float32Array,
  groupOf: readonly number[],
  group: number,
): Float32Array {
  const share = new Float32Array(outputs)
  row.forEach((value, input) => {
    if (value === 0 || groupOf[FEATURE_OF_INPUT[input] ?? 0] !== group) return
    for (let o = 0; o < outputs; o++) share[o] = (share[o] ?? 0) + value * (kernel[input * outputs + o] ?? 0)
  })
  return share
}
