/** Grows one regression tree, best leaf first, on binned features by gradients and curvatures (T. Chen, C. Guestrin, XGBoost, 2016). */
import { BINS_MAX } from './binning.ts'
import type { Binned } from './binning.ts'
import type { Random } from './random.ts'

export interface GrowOptions {
  readonly leavesMax: number
  readonly rowsPerLeafMin: number
  /** L2 penalty on the value of a leaf. */
  readonly lambda: number
  /**
   * Of each feature one random split is looked at, not the best of all: trees differ more, and less of them is chance (P. Geurts,
   * D. Ernst, L. Wehenkel, Extremely randomized trees, 2006).
   */
  readonly randomSplits: boolean
}

export interface Leaf {
  /** Rows in it. */
  readonly rows: Uint32Array
  readonly gradient: number
  readonly curvature: number
}
export interface Split {
  readonly feature: number
  /** Rows of this bin and those before go left. */
  readonly bin: number
  readonly left: GrownNode
  readonly right: GrownNode
}
export type GrownNode = Leaf | Split

/** Sums over the rows of a leaf: gradient, curvature and count of each bin of each feature that is looked at, side by side. */
type Sums = Float64Array
/** Numbers of a bin. */
const WIDTH = 3

interface Candidate {
  readonly gain: number
  readonly feature: number
  readonly bin: number
}
interface Open {
  leaf: Leaf
  sums: Sums
  best: Candidate | null
  /** Puts what it became into its parent. */
  place: (node: GrownNode) => void
}

const GAIN_MIN = 1e-9

/** `rows`: those to learn from; `features`: those to look at. */
export function growTree(
  { rows: count, bins, cuts }: Binned,
  rows: Uint32Array,
  features: Uint32Array,
  gradients: Float64Array,
  curvatures: Float64Array,
  { leavesMax, rowsPerLeafMin, lambda, randomSplits }: GrowOptions,
  random: Random,
): GrownNode {
  const sumsOf = (leafRows: Uint32Array): Sums => {
    const sums = new Float64Array(features.length * BINS_MAX * WIDTH)
    features.forEach((feature, k) => {
      const column = feature * count
      const from = k * BINS_MAX
      for (let i = 0; i < leafRows.length; i++) {
        const row = leafRows[i] ?? 0
        const at = (from + (bins[column + row] ?? 0)) * WIDTH
        sums[at] = (sums[at] ?? 0) + (gradients[row] ?? 0)
        sums[at + 1] = (sums[at + 1] ?? 0) + (curvatures[row] ?? 0)
        sums[at + 2] = (sums[at + 2] ?? 0) + 1
      }
    })
    return sums
  }
  const leafOf = (leafRows: Uint32Array): Leaf => {
    let [gradient, curvature] = [0, 0]
    for (const row of leafRows) {
      gradient += gradients[row] ?? 0
      curvature += curvatures[row] ?? 0
    }
    return { rows: leafRows, gradient, curvature }
  }
  const scoreOf = (gradient: number, curvature: number): number => (gradient * gradient) / (curvature + lambda)

  const bestOf = (leaf: Leaf, sums: Sums): Candidate | null => {
    if (leaf.rows.length < 2 * rowsPerLeafMin) return null
    const whole = scoreOf(leaf.gradient, leaf.curvature)
    let [gain, bestFeature, bestBin] = [GAIN_MIN, -1, 0]
    for (let k = 0; k < features.length; k++) {
      let [gradient, curvature, n] = [0, 0, 0]
      const splits = cuts[features[k] ?? 0]?.length ?? 0
      const drawn = randomSplits ? Math.floor(random() * splits) : -1
      const last = randomSplits ? drawn : splits - 1
      for (let bin = 0; bin <= last; bin++) {
        const at = (k * BINS_MAX + bin) * WIDTH
        const here = sums[at + 2] ?? 0
        if (here === 0 && bin !== drawn) continue
        gradient += sums[at] ?? 0
        curvature += sums[at + 1] ?? 0
        n += here
        if (n < rowsPerLeafMin || bin < drawn) continue
        if (leaf.rows.length - n < rowsPerLeafMin) break
        const parts = scoreOf(gradient, curvature) + scoreOf(leaf.gradient - gradient, leaf.curvature - curvature)
        if (parts - whole > gain) [gain, bestFeature, bestBin] = [parts - whole, k, bin]
      }
    }
    return bestFeature < 0 ? null : { gain, feature: features[bestFeature] ?? 0, bin: bestBin }
  }
  const opened = (leaf: Leaf, sums: Sums, place: Open['place']): Open => ({
    leaf,
    sums,
    best: bestOf(leaf, sums),
    place,
  })

  let root: GrownNode = leafOf(rows)
  const open = [
    opened(root, sumsOf(rows), (node) => {
      root = node
    }),
  ]
  for (let leaves = 1; leaves < leavesMax; leaves++) {
    const next = open.reduce((a, b) => ((b.best?.gain ?? 0) > (a.best?.gain ?? 0) ? b : a))
    if (next.best === null) break
    const { feature, bin } = next.best
    const [leftRows, rightRows] = parted(next.leaf.rows, bins.subarray(feature * count, (feature + 1) * count), bin)
    const [left, right] = [leafOf(leftRows), leafOf(rightRows)]
    // The sums of the larger part are those of the whole less those of the smaller.
    const isLeftSmaller = leftRows.length <= rightRows.length
    const small = sumsOf(isLeftSmaller ? leftRows : rightRows)
    const large = less(next.sums, small)
    const split: { -readonly [K in keyof Split]: Split[K] } = { feature, bin, left, right }
    next.place(split)
    open.splice(
      open.indexOf(next),
      1,
      opened(left, isLeftSmaller ? small : large, (node) => (split.left = node)),
      opened(right, isLeftSmaller ? large : small, (node) => (split.right = node)),
    )
  }
  return root
}

/** Takes `part` out of `whole`, in place. */
function less(whole: Sums, part: Sums): Sums {
  for (let i = 0; i < whole.length; i++) whole[i] = (whole[i] ?? 0) - (part[i] ?? 0)
  return whole
}

function parted(rows: Uint32Array, column: Uint8Array, bin: number): readonly [Uint32Array, Uint32Array] {
  let lefts = 0
  for (const row of rows) if ((column[row] ?? 0) <= bin) lefts++
  const [left, right] = [new Uint32Array(lefts), new Uint32Array(rows.length - lefts)]
  let [l, r] = [0, 0]
  for (const row of rows) {
    if ((column[row] ?? 0) <= bin) left[l++] = row
    else right[r++] = row
  }
  return [left, right]
}
