/** Features in few bins of about equal count, so that a split is looked for among bins and not among rows. */

/** They fit a byte. */
export const BINS_MAX = 32

export interface Binned {
  readonly rows: number
  /** Feature by feature: bins[feature * rows + row]. */
  readonly bins: Uint8Array
  /** Of each feature the largest value of each bin but the last, ascending. */
  readonly cuts: readonly Float32Array[]
}

/** `values`: rows × width, row by row, finite. */
export function binned(values: Float32Array, width: number): Binned {
  const rows = values.length / width
  const bins = new Uint8Array(width * rows)
  const cuts = Array.from({ length: width }, (_, feature) => {
    const column = Float32Array.from({ length: rows }, (_, row) => values[row * width + feature] ?? 0)
    const own = cutsOf(column.slice().sort())
    column.forEach((value, row) => {
      bins[feature * rows + row] = binOf(value, own)
    })
    return own
  })
  return { rows, bins, cuts }
}

/** Between all values where these are few, else where about as many rows end as a bin should have. */
function cutsOf(sorted: Float32Array): Float32Array {
  const ends: number[] = []
  for (let i = 1; i < sorted.length; i++) if (sorted[i] !== sorted[i - 1]) ends.push(i)
  const perBin = ends.length < BINS_MAX ? 0 : sorted.length / BINS_MAX
  let from = 0
  const kept = ends.filter((end) => {
    if (end - from < perBin) return false
    from = end
    return true
  })
  return Float32Array.from(kept.slice(0, BINS_MAX - 1), (end) => middle(sorted[end - 1] ?? 0, sorted[end] ?? 0))
}

/** Between two values, so that neither is on the edge; the lower one where Float32 has none between. */
function middle(a: number, b: number): number {
  const between = Math.fround(a + (b - a) / 2)
  return between < b ? between : a
}

/** Number of cuts below a value. */
function binOf(value: number, cuts: Float32Array): number {
  let [low, high] = [0, cuts.length]
  while (low < high) {
    const mid = (low + high) >> 1
    if ((cuts[mid] ?? 0) < value) low = mid + 1
    else high = mid
  }
  return low
}
