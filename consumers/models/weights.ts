/** Weights of a classifier as bytes, laid out as in packedWeights.ts. The version of a model is the SHA-256 of its bytes. */
import { createHash } from 'node:crypto'
import type { Network } from './network.ts'
import { WeightsInvalid, pack, shapeOf, unpack } from './packedWeights.ts'
import type { NetworkShape } from './packedWeights.ts'

export interface ClassifierWeights {
  readonly featureSet: string
  /** Scored rows it learnt from. */
  readonly rows: number
  readonly center: Float32Array
  readonly scale: Float32Array
  /** Each answers with one logit of failure; they are averaged. */
  readonly outcome: readonly Network[]
  /** Each answers with median, and raw distances down to p10 and up to p90, of the log ratio to the reference duration. */
  readonly duration: readonly Network[]
  /** ln(1 + seconds) at p10, p50, p90 over all rows: for an attempt without a reference; null when no row had a duration. */
  readonly typicalLogDuration: readonly [number, number, number] | null
}

interface Header {
  readonly format: 1
  readonly featureSet: string
  readonly rows: number
  readonly numbers: number
  readonly outcome: readonly NetworkShape[]
  readonly duration: readonly NetworkShape[]
  readonly typicalLogDuration: readonly [number, number, number] | null
}

const FORMAT = 1

export function serialise(weights: ClassifierWeights): Buffer {
  const header: Header = {
    format: FORMAT,
    featureSet: weights.featureSet,
    rows: weights.rows,
    numbers: weights.center.length,
    outcome: weights.outcome.map(shapeOf),
    duration: weights.duration.map(shapeOf),
    typicalLogDuration: weights.typicalLogDuration,
  }
  return pack(header, [weights.center, weights.scale], [...weights.outcome, ...weights.duration])
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
    outcome: header.outcome.map((shape) => packed.network(shape)),
    duration: header.duration.map((shape) => packed.network(shape)),
    typicalLogDuration: header.typicalLogDuration,
  }
  packed.end()
  return weights
}
