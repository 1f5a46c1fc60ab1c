/** Weights as bytes: u32 length of the header, the header as JSON, then all numbers as Float32; little endian. */
import type { Network } from './network.ts'

export class WeightsInvalid extends Error {
  readonly retryable = false
  constructor(reason: string) {
    super(`weights: ${reason}`)
    this.name = 'WeightsInvalid'
  }
}

/** Inputs and outputs of each layer. */
export type NetworkShape = readonly (readonly [number, number])[]

export const shapeOf = ({ layers }: Network): NetworkShape =>
  layers.map(({ inputs, outputs }) => [inputs, outputs] as const)

export function pack(header: object, numbers: readonly Float32Array[], networks: readonly Network[]): Buffer {
  const head = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(head.length)
  const layers = networks.flatMap((network) => network.layers)
  const all = [...numbers, ...layers.flatMap(({ kernel, bias }) => [kernel, bias])]
  return Buffer.concat([length, head, ...all.map(littleEndian)])
}

export interface Packed {
  /** As found; the format is the caller's to check. */
  readonly header: Readonly<Record<string, unknown>>
  /** The next so many numbers. */
  take(count: number): Float32Array
  network(shape: NetworkShape): Network
  /** Throws WeightsInvalid when numbers are left. */
  end(): void
}

/** Throws WeightsInvalid for bytes without a header, and where they end too soon. */
export function unpack(bytes: Buffer): Packed {
  const length = bytes.length < 4 ? 0 : bytes.readUInt32LE(0)
  let at = 4 + length
  if (length === 0 || bytes.length < at) throw new WeightsInvalid(`${bytes.length} bytes hold no header`)
  const header = headerOf(bytes.toString('utf8', 4, at))
  const take = (count: number): Float32Array => {
    if (at + 4 * count > bytes.length) throw new WeightsInvalid(`${bytes.length} bytes end before ${at + 4 * count}`)
    const values = Float32Array.from({ length: count }, (_, i) => bytes.readFloatLE(at + 4 * i))
    at += 4 * count
    return values
  }
  return {
    header,
    take,
    network: (shape) => ({
      layers: shape.map(([inputs, outputs]) => ({
        inputs,
        outputs,
        kernel: take(inputs * outputs),
        bias: take(outputs),
      })),
    }),
    end: () => {
      if (at !== bytes.length) throw new WeightsInvalid(`${bytes.length - at} bytes too many`)
    },
  }
}

function headerOf(text: string): Packed['header'] {
  try {
    // Of an object alone can a format be told.
    return Object(JSON.parse(text)) as Packed['header']
  } catch {
    throw new WeightsInvalid('the header is not JSON')
  }
}

function littleEndian(values: Float32Array): Buffer {
  const out = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => out.writeFloatLE(value, 4 * i))
  return out
}
