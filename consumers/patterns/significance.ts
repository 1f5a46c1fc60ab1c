/** Exact and stratified tests of 2 × 2 tables, intervals of their difference, and what many tests at once cost. */
import { shareInterval } from '../../schemas/scores/intervals.ts'

/** Runs and failures where the factor is met (inside) and where it is not (outside), of one stratum. */
export interface Table {
  readonly inside: number
  readonly insideFailed: number
  readonly outside: number
  readonly outsideFailed: number
}

const LOG_FACTORIALS = [0, 0]
function logFactorial(n: number): number {
  for (let i = LOG_FACTORIALS.length; i <= n; i++) LOG_FACTORIALS.push((LOG_FACTORIALS[i - 1] as number) + Math.log(i))
  return LOG_FACTORIALS[n] as number
}

/** Two-sided exact p (Fisher 1922): the tables with these margins that are no likelier than the one seen. */
export function fisher({ inside, insideFailed, outside, outsideFailed }: Table): number {
  const failed = insideFailed + outsideFailed
  const all = inside + outside
  const fixed =
    logFactorial(inside) + logFactorial(outside) + logFactorial(failed) + logFactorial(all - failed) - logFactorial(all)
  const logP = (x: number): number =>
    fixed - logFactorial(x) - logFactorial(inside - x) - logFactorial(failed - x) - logFactorial(outside - failed + x)
  // A little room, so that tables as likely as the one seen are not lost to rounding.
  const seen = logP(insideFailed) + 1e-7
  let p = 0
  for (let x = Math.max(0, failed - outside); x <= Math.min(inside, failed); x++) {
    const log = logP(x)
    if (log <= seen) p += Math.exp(log)
  }
  return Math.min(1, p)
}

/** Two-sided p over strata (Mantel and Haenszel 1959, without a correction for continuity). */
export function mantelHaenszel(tables: readonly Table[]): number {
  let excess = 0
  let variance = 0
  for (const { inside, insideFailed, outside, outsideFailed } of tables) {
    const n = inside + outside
    const failed = insideFailed + outsideFailed
    if (inside === 0 || outside === 0 || n < 2) continue
    excess += insideFailed - (inside * failed) / n
    variance += (inside * outside * failed * (n - failed)) / (n * n * (n - 1))
  }
  return variance === 0 ? 1 : 2 * normalUpper(Math.abs(excess) / Math.sqrt(variance))
}

/** One stratum exactly, several by Mantel and Haenszel. */
export function pOf(tables: readonly Table[]): number {
  const [first, second] = tables
  return first !== undefined && second === undefined ? fisher(first) : mantelHaenszel(tables)
}

export interface Effect {
  /** Share of failures inside less that outside, −1..1. */
  readonly effect: number
  /** 95 % interval. */
  readonly low: number
  readonly high: number
}

/**
 * One stratum: the difference with the hybrid score interval (Newcombe 1998, method 10). Several: the Mantel–Haenszel risk
 * difference with the variance of Greenland and Robins (1985). Null where no stratum has both groups.
 */
export function effectOf(tables: readonly Table[]): Effect | null {
  const both = tables.filter(({ inside, outside }) => inside > 0 && outside > 0)
  const [first] = both
  if (first === undefined) return null
  return tables.length === 1 ? newcombe(first) : pooledDifference(both)
}

function newcombe({ inside, insideFailed, outside, outsideFailed }: Table): Effect | null {
  const [p1, p2] = [insideFailed / inside, outsideFailed / outside]
  const first = shareInterval(insideFailed, inside)
  const second = shareInterval(outsideFailed, outside)
  if (first === null || second === null) return null
  const effect = p1 - p2
  return {
    effect,
    low: effect - Math.hypot(p1 - first.low, second.high - p2),
    high: effect + Math.hypot(first.high - p1, p2 - second.low),
  }
}

const Z95 = 1.959964

function pooledDifference(tables: readonly Table[]): Effect {
  let weights = 0
  let sum = 0
  let variance = 0
  for (const { inside, insideFailed, outside, outsideFailed } of tables) {
    const weight = (inside * outside) / (inside + outside)
    const [p1, p2] = [insideFailed / inside, outsideFailed / outside]
    weights += weight
    sum += weight * (p1 - p2)
    variance += weight * weight * ((p1 * (1 - p1)) / inside + (p2 * (1 - p2)) / outside)
  }
  const effect = sum / weights
  const half = (Z95 * Math.sqrt(variance)) / weights
  return { effect, low: Math.max(-1, effect - half), high: Math.min(1, effect + half) }
}

/** The smallest false-discovery rate at which each counts (Benjamini and Hochberg 1995). */
export function benjaminiHochberg(ps: readonly number[]): readonly number[] {
  const order = ps.map((_, i) => i).sort((a, b) => (ps[b] as number) - (ps[a] as number))
  const adjusted = ps.map(() => 1)
  let lowest = 1
  order.forEach((i, after) => {
    lowest = Math.min(lowest, ((ps[i] as number) * ps.length) / (ps.length - after))
    adjusted[i] = lowest
  })
  return adjusted
}

/** P(Z > z) of the standard normal: 1 − Φ by the complementary error function (Numerical Recipes, erfcc; relative error < 1.2e-7). */
export function normalUpper(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + 0.5 * x)
  const terms = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ]
  const upper = (t * Math.exp(-x * x + terms.reduceRight((sum, term) => sum * t + term, 0))) / 2
  return z >= 0 ? upper : 1 - upper
}
