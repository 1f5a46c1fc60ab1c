/**
 * How far the inputs of a model have moved from those it learnt on: the population stability index of each feature,
 * Σ (live − learnt) · ln(live / learnt) over bins of equal share (N. Siddiqi, Credit Risk Scorecards, 2006, chapter 9: below .1 no
 * change, above .25 a large one). Equal distributions show about (bins − 1)(1/n + 1/m) of it by chance (B. Yurdakul, J. Naranjo,
 * Statistical properties of the population stability index, 2020): .054 for 200 live
 * rows, 1,000 learnt ones and ten bins.
 */
import { FACTORS, factorOf } from '../models/factors.ts'
import type { Factor } from '../models/factors.ts'
import { FEATURE_NAMES } from '../models/features.ts'

export interface InputReference {
  readonly name: string
  /** Upper ends of the bins but the last, ascending; a value belongs to the first bin that does not end below it. */
  readonly edges: readonly number[]
  /** Rows of the training window in each bin. */
  readonly counts: readonly number[]
}

export interface GroupDrift {
  readonly group: Factor
  /** Mean index of the group's features. */
  readonly index: number
  /** Share of them above DRIFTED. */
  readonly drifted: number
}

const BINS = 10
export const DRIFTED = 0.25
export const DRIFT_ROWS_MIN = 200

/** What only ever grows has left what was learnt by the next day, and says nothing. */
const GROWS = /\.count$/u
const WATCHED = FEATURE_NAMES.flatMap((name, i) => (GROWS.test(name) && name !== 'types.count' ? [] : [{ name, i }]))
const INDEX_OF: ReadonlyMap<string, number> = new Map(WATCHED.map(({ name, i }) => [name, i]))

/** `rows`: features as learnt from, at least one. */
export function referenceOf(rows: readonly Float32Array[]): readonly InputReference[] {
  return WATCHED.map(({ name, i }) => {
    const values = Float64Array.from(rows, (row) => row[i] ?? 0).sort()
    const quantiles = Array.from({ length: BINS - 1 }, (_, k) => values[Math.floor(((k + 1) * values.length) / BINS)])
    const edges = [...new Set(quantiles.map((value) => value ?? 0))]
    return { name, edges, counts: countsIn(edges, rows, i) }
  })
}

/** Null for fewer than DRIFT_ROWS_MIN rows. A feature that this program no longer has is passed by. */
export function inputDrift(
  reference: readonly InputReference[],
  live: readonly Float32Array[],
): readonly GroupDrift[] | null {
  if (live.length < DRIFT_ROWS_MIN) return null
  const indexes = reference.flatMap(({ name, edges, counts }) => {
    const at = INDEX_OF.get(name)
    return at === undefined ? [] : [{ group: factorOf(name), psi: stabilityIndex(counts, countsIn(edges, live, at)) }]
  })
  return FACTORS.flatMap((group) => {
    const own = indexes.filter((one) => one.group === group)
    if (own.length === 0) return []
    const index = own.reduce((sum, { psi }) => sum + psi, 0) / own.length
    return [{ group, index, drifted: own.filter(({ psi }) => psi > DRIFTED).length / own.length }]
  })
}

function countsIn(edges: readonly number[], rows: readonly Float32Array[], feature: number): number[] {
  const counts = new Array<number>(edges.length + 1).fill(0)
  for (const row of rows) {
    const value = row[feature] ?? 0
    let bin = 0
    while (bin < edges.length && value > (edges[bin] ?? 0)) bin++
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  return counts
}

/** Half a row more in each bin keeps the logarithm of an empty one finite. */
export function stabilityIndex(learnt: readonly number[], live: readonly number[]): number {
  const sharesOf = (counts: readonly number[]) => {
    const all = counts.reduce((sum, count) => sum + count, 0) + counts.length / 2
    return counts.map((count) => (count + 0.5) / all)
  }
  const [before, now] = [sharesOf(learnt), sharesOf(live)]
  return before.reduce((sum, share, bin) => {
    const present = now[bin] ?? 0
    return sum + (present - share) * Math.log(present / share)
  }, 0)
}
