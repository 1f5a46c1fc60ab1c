/**
 * How long an attempt takes: a weighted median of what many experts say, and a range as wide as such medians were off. An expert
 * is a running median of one scope, over 20 durations or over 5. It weighs by how far it was off with the newest attempts of the
 * workflow, those of its kin first; so nothing has to be trained, and a new service is told from its first outcomes on. Pure:
 * what was said and what came stands in rows that the engine keeps, those of each workflow of a service for themselves.
 */
import { durationReference } from './features.ts'
import type { Past, Timings } from './past.ts'
import { OUTCOME_SCOPES } from './scopes.ts'

/** Seconds, p10 ≤ p50 ≤ p90. */
export interface DurationRange {
  readonly p10: number
  readonly p50: number
  readonly p90: number
}

type Timed = Pick<Past, 'outcomes' | 'timings'>

/** The medians over 20 of each scope, then those over 5. */
export const EXPERTS = 2 * OUTCOME_SCOPES.length
/** Places in a row; all durations are ln(1 + seconds). First the experts. */
const MIDDLE = EXPERTS
const TOOK = EXPERTS + 1
const LANE = EXPERTS + 2
const KINDS = EXPERTS + 3
export const TIMING_WIDTH = EXPERTS + 4

/** Rows so many places back weigh half as much. */
const HALF_LIFE_ROWS = 50
/** Being further off than by a factor of 2 costs no more: runs that hang say nothing about an expert. */
const LOSS_MAX = 0.7
/** An expert whose mean loss is this much larger weighs 1/e. */
const LOSS_SCALE = 0.015
/** Rows of half the largest loss that every expert begins with. */
const PRIOR_ROWS = 3
/** A row of the same lane weighs so much more, and one of the same kinds of files by the same actor. */
const KIN_WEIGHT = 3
/** Errors assumed beside those that were seen: much too long foretold, and much too short. */
const ASSUMED_ERRORS = [-1, 0.6] as const
/** Weight of each, in that of the heaviest row. */
const ASSUMED_WEIGHT = 0.2

/** Null when the service has no duration yet. */
export function foretell(past: Timed): DurationRange | null {
  const experts = expertsOf(past)
  if (experts === null) return null
  const middle = middleOf(experts, past.timings)
  const [low, high] = errorRange(past.timings)
  const seconds = (log: number): number => Math.max(Math.expm1(log), 0)
  return { p10: seconds(middle + Math.min(low, 0)), p50: seconds(middle), p90: seconds(middle + Math.max(high, 0)) }
}

/** The row to keep of an attempt that ended; `past` without it. Null when nothing could have been foretold. */
export function timingOf(past: Timed, seconds: number): Float64Array | null {
  const experts = expertsOf(past)
  if (experts === null) return null
  const row = new Float64Array(TIMING_WIDTH)
  row.set(experts)
  row[MIDDLE] = middleOf(experts, past.timings)
  row[TOOK] = Math.log1p(seconds)
  row[LANE] = past.timings.lane
  row[KINDS] = past.timings.kinds
  return row
}

/** One that has nothing to say repeats the reference. */
function expertsOf({ outcomes }: Timed): Float64Array | null {
  const reference = durationReference(outcomes)
  if (reference === null) return null
  const experts = new Float64Array(EXPERTS).fill(Math.log1p(reference))
  OUTCOME_SCOPES.forEach((scope, i) => {
    const { durations, medianDurationS, recentMedianS } = outcomes[scope]
    if (durations === 0) return
    experts[i] = Math.log1p(medianDurationS)
    experts[OUTCOME_SCOPES.length + i] = Math.log1p(recentMedianS)
  })
  return experts
}

function middleOf(experts: Float64Array, timings: Timings): number {
  const losses = lossesOf(timings)
  const least = Math.min(...losses)
  return weighted(
    experts,
    losses.map((loss) => Math.exp((least - loss) / LOSS_SCALE)),
  ).quantile(0.5)
}

/** Mean loss of each expert. */
export function lossesOf(timings: Timings): Float64Array {
  const losses = new Float64Array(EXPERTS).fill((PRIOR_ROWS * LOSS_MAX) / 2)
  let total = PRIOR_ROWS
  for (const { row, weight } of rowsOf(timings)) {
    const took = row[TOOK] ?? 0
    for (let i = 0; i < EXPERTS; i++) {
      losses[i] = (losses[i] ?? 0) + weight * Math.min(Math.abs((row[i] ?? 0) - took), LOSS_MAX)
    }
    total += weight
  }
  return losses.map((sum) => sum / total)
}

/** Of the logarithms, at p10 and p90. */
function errorRange(timings: Timings): readonly [number, number] {
  const rows = [...rowsOf(timings)]
  const errors = rows.map(({ row }) => (row[TOOK] ?? 0) - (row[MIDDLE] ?? 0))
  const weights = rows.map(({ weight }) => weight)
  const assumed = ASSUMED_WEIGHT * (weights.length === 0 ? 1 : Math.max(...weights))
  const all = weighted([...errors, ...ASSUMED_ERRORS], [...weights, ...ASSUMED_ERRORS.map(() => assumed)])
  return [all.quantile(0.1), all.quantile(0.9)]
}

/** Newest first. */
function* rowsOf({ rows, numbers, lane, kinds }: Timings) {
  for (let age = 0; age < rows; age++) {
    const row = numbers.subarray(age * TIMING_WIDTH, (age + 1) * TIMING_WIDTH)
    const kin = Number(row[LANE] === lane) + Number(row[KINDS] === kinds)
    yield { row, weight: 2 ** (-age / HALF_LIFE_ROWS) * (1 + KIN_WEIGHT * kin) }
  }
}

/** Values with weights; a quantile is the first value up to which its share of all weight lies. */
function weighted(values: ArrayLike<number>, weights: ArrayLike<number>) {
  const order = Uint8Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => (values[a] ?? 0) - (values[b] ?? 0),
  )
  const total = order.reduce((sum, i) => sum + (weights[i] ?? 0), 0)
  return {
    quantile: (level: number): number => {
      let below = 0
      for (const i of order) {
        below += weights[i] ?? 0
        if (below >= level * total) return values[i] ?? 0
      }
      return values[order.at(-1) ?? 0] ?? 0
    },
  }
}
