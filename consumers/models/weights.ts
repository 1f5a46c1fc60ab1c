/**
 * Weights of a classifier as bytes: u32 length of the header, the header (JSON: shapes and scalars), all numbers as Float32,
 * little endian. The version of a model is the SHA-256 of these bytes.
 */
import { createHash } from 'node:crypto'
import type { Network } from './network.ts'

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

export class WeightsInvalid extends Error {
  readonly retryable = false
  constructor(reason: string) {
    super(`weights: ${reason}`)
    this.name = 'WeightsInvalid'
  }
}

interface Header {
  readonly format: 1
  readonly featureSet: string
  readonly rows: number
  readonly numbers: number
  readonly outcome: readonly (readonly [number, number])[][]
  readonly duration: readonly (readonly [number, number])[][]
  readonly typicalLogDuration: readonly [number, number, number] | null
}

const shapes = (networks: readonly Network[]) =>
  networks.map(({ layers }) => layers.map(({ inputs, outputs }) => [inputs, outputs] as const))
const arrays = (networks: readonly Network[]) =>
  networks.flatMap(({ layers }) => layers.flatMap(({ kernel, bias }) => [kernel, bias]))

export function serialise(weights: ClassifierWeights): Buffer {
  const header: Header = {
    format: 1,
    featureSet: weights.featureSet,
    rows: weights.rows,
    numbers: weights.center.length,
    outcome: shapes(weights.outcome),
    duration: shapes(weights.duration),
    typicalLogDuration: weights.typicalLogDuration,
  }
  const head = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(head.length)
  const all = [weights.center, weights.scale, ...arrays(weights.outcome), ...arrays(weights.duration)]
  return Buffer.concat([length, head, ...all.map(littleEndian)])
}

export function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function deserialise(bytes: Buffer): ClassifierWeights {
  const header = headerOf(bytes)
  let at = 4 + bytes.readUInt32LE(0)
  const take = (count: number): Float32Array => {
    if (at + 4 * count > bytes.length) throw new WeightsInvalid(`${bytes.length} bytes end before ${at + 4 * count}`)
    const out = Float32Array.from({ length: count }, (_, i) => bytes.readFloatLE(at + 4 * i))
    at += 4 * count
    return out
  }
  const network = (layers: readonly (readonly [number, number])[]): Network => ({
    layers: layers.map(([inputs, outputs]) => ({
      inputs,
      outputs,
      kernel: take(inputs * outputs),
      bias: take(outputs),
    })),
  })
  const weights = {
    featureSet: header.featureSet,
    rows: header.rows,
    center: take(header.numbers),
    scale: take(header.numbers),
    outcome: header.outcome.map(network),
    duration: header.duration.map(network),
    typicalLogDuration: header.typicalLogDuration,
  }
  if (at !== bytes.length) throw new WeightsInvalid(`${bytes.length - at} bytes too many`)
  return weights
}

function headerOf(bytes: Buffer): Header {
  const length = bytes.length < 4 ? 0 : bytes.readUInt32LE(0)
  if (length === 0 || bytes.length < 4 + length) throw new WeightsInvalid(`${bytes.length} bytes hold no header`)
  let header: Partial<Header>
  try {
    header = JSON.parse(bytes.toString('utf8', 4, 4 + length)) as Partial<Header>
  } catch {
    throw new WeightsInvalid('the header is not JSON')
  }
  if (header.format !== 1) throw new WeightsInvalid(`format ${String(header.format)}, known is 1`)
  return header as Header
}

function littleEndian(values: Float32Array): Buffer {
  const out = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => out.writeFloatLE(value, 4 * i))
  return out
}
