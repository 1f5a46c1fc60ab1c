/** Weights of a classifier as bytes, laid out as in packedWeights.ts. The version of a model is the SHA-256 of its bytes. */
import { createHash } from 'node:crypto'
import type { Network } from './network.ts'
import { WeightsInvalid, pack, shapeOf, unpack } from './packedWeights.ts'
import type { NetworkShape, Packed } from './packedWeights.ts'
import type { Trees } from './trees.ts'

export interface ClassifierWeights {
  readonly featureSet: string
  /** Scored rows it learnt from. */
  readonly rows: number
  readonly center: Float32Array
  readonly scale: Float32Array
  /** Each answers with one logit of failure; they are averaged. */
  readonly outcome: readonly Network[]
  /** Logits of failure, too; averaged. */
  readonly outcomeTrees: readonly Trees[]
  /** Weight of the trees in the logit of failure, 0..1; the networks have the rest. */
  readonly treesShare: number
  /** Answers are confident from this max(p, 1 − p) on, 0.5..1; see confidentFrom.ts. */
  readonly confidentFrom: number
  /** ln(1 + seconds) at p10, p50, p90 over all rows: for a service without a duration; null when no row had one. */
  readonly typicalLogDuration: readonly [number, number, number] | null
}

interface TreesShape {
  readonly base: number
  readonly trees: number
  readonly nodes: number
}

interface Header {
  readonly format: 4
  readonly featureSet: string
  readonly rows: number
  readonly numbers: number
  readonly outcome: readonly NetworkShape[]
  readonly outcomeTrees: readonly TreesShape[]
  readonly treesShare: number
  readonly confidentFrom: number
  readonly typicalLogDuration: readonly [number, number, number] | null
}

const FORMAT = 4

const treesShapeOf = ({ base, roots, value }: Trees): TreesShape => ({
  base,
  trees: roots.length,
  nodes: value.length,
})
// Node and feature numbers are far below 2^24, up to where Float32 holds whole numbers.
const numbersOf = ({ roots, feature, threshold, left, value }: Trees): readonly Float32Array[] => [
  Float32Array.from(roots),
  Float32Array.from(feature),
  threshold,
  Float32Array.from(left),
  value,
]

export function serialise(weights: ClassifierWeights): Buffer {
  const header: Header = {
    format: FORMAT,
    featureSet: weights.featureSet,
    rows: weights.rows,
    numbers: weights.center.length,
    outcome: weights.outcome.map(shapeOf),
    outcomeTrees: weights.outcomeTrees.map(treesShapeOf),
    treesShare: weights.treesShare,
    confidentFrom: weights.confidentFrom,
    typicalLogDuration: weights.typicalLogDuration,
  }
  const trees = weights.outcomeTrees.flatMap(numbersOf)
  return pack(header, [weights.center, weights.scale, ...trees], weights.outcome)
}

export function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Throws WeightsInvalid for bytes that are not what serialise gives. */
export function deserialise(bytes: Buffer): ClassifierWeights {
  const packed = unpack(bytes)
  const { format } = packed.header
  if (format !== FORMAT) throw new WeightsInvalid(`format ${String(format)}, known is ${FORMAT}`)
  const header = packed.header as unknown as Header
  const weights = {
    featureSet: header.featureSet,
    rows: header.rows,
    center: packed.take(header.numbers),
    scale: packed.take(header.numbers),
    outcomeTrees: header.outcomeTrees.map((shape) => takeTrees(shape, packed)),
    treesShare: header.treesShare,
    confidentFrom: header.confidentFrom,
    outcome: header.outcome.map((shape) => packed.network(shape)),
    typicalLogDuration: header.typicalLogDuration,
  }
  packed.end()
  return weights
}

/** Trees whose nodes lead nowhere would be walked for ever. */
function takeTrees({ base, trees, nodes }: TreesShape, packed: Packed): Trees {
  const read = {
    base,
    roots: Uint32Array.from(packed.take(trees)),
    feature: Uint16Array.from(packed.take(nodes)),
    threshold: packed.take(nodes),
    left: Uint32Array.from(packed.take(nodes)),
    value: packed.take(nodes),
  }
  const isForward = read.left.every((child, node) => child === 0 || (child > node && child + 1 < nodes))
  if (!isForward || read.roots.some((root) => root >= nodes)) throw new WeightsInvalid('a tree leads out of its nodes')
  return read
}
