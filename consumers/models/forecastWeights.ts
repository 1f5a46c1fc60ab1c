import type { Network } from './network.ts'
import { WeightsInvalid } from './weights.ts'

/** What a forecaster has learnt. */
export interface ForecastWeights {
  /** Names of the inputs, in order. */
  readonly features: readonly string[]
  /** One for each feature: inputs are (value − center) / scale. */
  readonly center: Float32Array
  readonly scale: Float32Array
  /** Their three outputs are averaged: see quantilesOf in forecaster.ts. */
  readonly networks: readonly Network[]
}

interface Header {
  readonly format: 'capacity/1'
  readonly features: readonly string[]
  /** Inputs and outputs of each layer of each network. */
  readonly shapes: readonly (readonly (readonly [number, number])[])[]
}

const FORMAT = 'capacity/1'

/** u32 length of the header, the header as JSON, then all numbers as Float32: center, scale, each layer's kernel and bias; little endian. */
export function writeForecastWeights({ features, center, scale, networks }: ForecastWeights): Buffer {
  const shapes = networks.map(({ layers }) => layers.map(({ inputs, outputs }) => [inputs, outputs] as const))
  const header: Header = { format: FORMAT, features, shapes }
  const head = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(head.length)
  const layers = networks.flatMap((network) => network.layers)
  const arrays = [center, scale, ...layers.flatMap(({ kernel, bias }) => [kernel, bias])]
  return Buffer.concat([length, head, ...arrays.map(littleEndian)])
}

/** Throws WeightsInvalid for bytes that are not what writeForecastWeights gives. */
export function readForecastWeights(bytes: Buffer): ForecastWeights {
  const { header, end } = readHeader(bytes)
  let at = end
  const take = (count: number): Float32Array => {
    if (at + 4 * count > bytes.length) throw new WeightsInvalid(`${bytes.length} bytes end before ${at + 4 * count}`)
    const values = Float32Array.from({ length: count }, (_, i) => bytes.readFloatLE(at + 4 * i))
    at += 4 * count
    return values
  }
  const center = take(header.features.length)
  const scale = take(header.features.length)
  const networks = header.shapes.map((layers) => ({
    layers: layers.map(([inputs, outputs]) => ({
      inputs,
      outputs,
      kernel: take(inputs * outputs),
      bias: take(outputs),
    })),
  }))
  if (at !== bytes.length) throw new WeightsInvalid(`${bytes.length - at} bytes too many`)
  return { features: header.features, center, scale, networks }
}

function readHeader(bytes: Buffer): { header: Header; end: number } {
  const length = bytes.length < 4 ? 0 : bytes.readUInt32LE(0)
  const end = 4 + length
  if (length === 0 || bytes.length < end) throw new WeightsInvalid(`${bytes.length} bytes hold no header`)
  let header: Partial<Header>
  try {
    header = JSON.parse(bytes.toString('utf8', 4, end)) as Partial<Header>
  } catch {
    throw new WeightsInvalid('the header is not JSON')
  }
  if (header.format !== FORMAT) throw new WeightsInvalid(`format ${String(header.format)}, known is ${FORMAT}`)
  return { header: header as Header, end }
}

function littleEndian(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => bytes.writeFloatLE(value, 4 * i))
  return bytes
}
