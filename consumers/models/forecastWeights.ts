import type { Network } from './network.ts'
import { WeightsInvalid, pack, shapeOf, unpack } from './packedWeights.ts'
import type { NetworkShape } from './packedWeights.ts'

/** What a forecaster has learnt. */
export interface ForecastWeights {
  /** Names of the inputs, in order. */
  readonly features: readonly string[]
  /** One for each feature: inputs are (value − center) / scale. */
  readonly center: Float32Array
  readonly scale: Float32Array
  /** Their three outputs are averaged: see hourlyQuantiles in forecaster.ts. */
  readonly networks: readonly Network[]
}

interface Header {
  readonly format: 'capacity/1'
  readonly features: readonly string[]
  readonly shapes: readonly NetworkShape[]
}

const FORMAT = 'capacity/1'

/** Numbers in the order center, scale, networks; the layout is in packedWeights.ts. */
export function writeForecastWeights({ features, center, scale, networks }: ForecastWeights): Buffer {
  const header: Header = { format: FORMAT, features, shapes: networks.map(shapeOf) }
  return pack(header, [center, scale], networks)
}

/** Throws WeightsInvalid for bytes that are not what writeForecastWeights gives. */
export function readForecastWeights(bytes: Buffer): ForecastWeights {
  const packed = unpack(bytes)
  const { format } = packed.header
  if (format !== FORMAT) throw new WeightsInvalid(`format ${String(format)}, known is ${FORMAT}`)
  const { features, shapes } = packed.header as unknown as Header
  const center = packed.take(features.length)
  const scale = packed.take(features.length)
  const networks = shapes.map((shape) => packed.network(shape))
  packed.end()
  return { features, center, scale, networks }
}
