/**
 * A small dense network and its plain answer for one row: ReLU between layers, none after the last.
 * One row through a Float32 loop is some ten times quicker than through a TF.js graph; network.test.ts holds both equal.
 */
export interface Dense {
  readonly inputs: number
  readonly outputs: number
  /** inputs × outputs, row by row: kernel[i * outputs + o]. */
  readonly kernel: Float32Array
  readonly bias: Float32Array
}

export interface Network {
  readonly layers: readonly Dense[]
}

/** Outputs of the last layer for one input row. */
export function forward(network: Network, row: Float32Array): Float32Array {
  let values = row
  network.layers.forEach((layer, depth) => {
    const out = dense(layer, values)
    values = depth < network.layers.length - 1 ? rectified(out) : out
  })
  return values
}

/** ReLU, in place. */
export function rectified(values: Float32Array): Float32Array {
  for (let o = 0; o < values.length; o++) if ((values[o] ?? 0) < 0) values[o] = 0
  return values
}

function dense({ inputs, outputs, kernel, bias }: Dense, row: Float32Array): Float32Array {
  const out = Float32Array.from(bias)
  for (let i = 0; i < inputs; i++) {
    const value = row[i] ?? 0
    // One-hot inputs and dead units: most rows of the kernel are never touched.
    if (value === 0) continue
    const from = i * outputs
    for (let o = 0; o < outputs; o++) out[o] = (out[o] ?? 0) + value * (kernel[from + o] ?? 0)
  }
  return out
}
