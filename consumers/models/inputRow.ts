/** Features become the input row of a network: numbers centred, scaled and clipped; hashed names one-hot. */
import { ID_FEATURES, NUMERIC_FEATURES } from './features.ts'

export const INPUTS = ID_FEATURES.reduce((sum, { buckets }) => sum + buckets, NUMERIC_FEATURES)

/** A number this many deviations away tells no more, and must not carry a network out of what it has seen. */
const DEVIATIONS_MAX = 3

/** In the place of a bucket number: no name at all. */
export const NO_NAME = -1

export interface Scaling {
  readonly center: Float32Array
  readonly scale: Float32Array
}

/** Mean and deviation of each plain number; a number that hardly varies keeps the scale 1. */
export function scalingOf(rows: readonly Float32Array[]): Scaling {
  const center = new Float32Array(NUMERIC_FEATURES)
  const scale = new Float32Array(NUMERIC_FEATURES).fill(1)
  for (let i = 0; i < NUMERIC_FEATURES; i++) {
    const mean = rows.reduce((sum, row) => sum + (row[i] ?? 0), 0) / rows.length
    const variance = rows.reduce((sum, row) => sum + ((row[i] ?? 0) - mean) ** 2, 0) / rows.length
    center[i] = mean
    if (variance > 1e-6) scale[i] = Math.sqrt(variance)
  }
  return { center, scale }
}

/** Writes the input row of `features` into `out` (INPUTS numbers) at `from`. */
export function writeInputRow(features: Float32Array, scaling: Scaling, out: Float32Array, from = 0): void {
  for (let i = 0; i < NUMERIC_FEATURES; i++) {
    const deviations = ((features[i] ?? 0) - (scaling.center[i] ?? 0)) / (scaling.scale[i] ?? 1)
    out[from + i] = Math.min(Math.max(deviations, -DEVIATIONS_MAX), DEVIATIONS_MAX)
  }
  let start = from + NUMERIC_FEATURES
  ID_FEATURES.forEach(({ buckets }, k) => {
    out.fill(0, start, start + buckets)
    const bucket = features[NUMERIC_FEATURES + k] ?? NO_NAME
    if (bucket !== NO_NAME) out[start + (bucket % buckets)] = 1
    start += buckets
  })
}
