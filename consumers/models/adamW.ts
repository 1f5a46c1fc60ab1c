/** Adam with decoupled weight decay (I. Loshchilov, F. Hutter, Decoupled weight decay regularization, 2019), on arrays of the caller. */
import type { Network } from './network.ts'

const [KEPT, KEPT_SQUARES] = [0.9, 0.999]
/** Keeps a first step finite. */
const TINY = 1e-7

export interface AdamW {
  /** Moves the network; `gradients`: kernel and bias of each layer. */
  step(gradients: readonly Float32Array[], rate: number): void
}

/** Kernels lose a share of `rate` × `decay` at each step, biases nothing. The arrays of `network` are written. */
export function createAdamW({ layers }: Network, decay: number): AdamW {
  const moved = layers.flatMap(({ kernel, bias }) => [
    { values: kernel, decay },
    { values: bias, decay: 0 },
  ])
  const means = moved.map(({ values }) => new Float32Array(values.length))
  const squares = moved.map(({ values }) => new Float32Array(values.length))
  let steps = 0
  return {
    step: (gradients, rate) => {
      steps++
      const [seen, seenSquares] = [1 - KEPT ** steps, 1 - KEPT_SQUARES ** steps]
      moved.forEach(({ values, decay: own }, k) => {
        const [gradient, mean, square] = [gradients[k], means[k], squares[k]] as [
          Float32Array,
          Float32Array,
          Float32Array,
        ]
        const kept = 1 - rate * own
        for (let i = 0; i < values.length; i++) {
          const slope = gradient[i] ?? 0
          const m = KEPT * (mean[i] ?? 0) + (1 - KEPT) * slope
          const v = KEPT_SQUARES * (square[i] ?? 0) + (1 - KEPT_SQUARES) * slope * slope
          mean[i] = m
          square[i] = v
          values[i] = kept * (values[i] ?? 0) - (rate * (m / seen)) / (Math.sqrt(v / seenSquares) + TINY)
        }
      })
    },
  }
}
