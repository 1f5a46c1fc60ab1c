/**
 * The plain baseline, and the answer before there is a model: the smoothed share of failures of a service.
 *
 * Prior: Beta(1, 4) on the share of failures, mean 0.20, worth five runs. Surveys of delivery put the usual share of failing
 * changes between 0 and 30 %, public CI histories between 10 and 50 %; 0.20 lies between, and five runs are soon outvoted.
 */
import type { Rolling } from './attempt.ts'
import { betaQuantile } from './beta.ts'

export interface BetaPrior {
  readonly failures: number
  readonly successes: number
}
export const BASE_PRIOR: BetaPrior = { failures: 1, successes: 4 }

/** Smoothed share of failures over the recent past (half-life 40 outcomes), 0..1 exclusive. */
export function smoothedFailure(
  past: Pick<Rolling, 'slowCount' | 'slowFailures'>,
  prior: BetaPrior = BASE_PRIOR,
): number {
  return (past.slowFailures + prior.failures) / (past.slowCount + prior.failures + prior.successes)
}

export interface BaseRate {
  /** Smoothed share of successes. */
  readonly success: number
  /** 95 % credible interval of that share. */
  readonly low: number
  readonly high: number
}

export function baseRateOf(past: Pick<Rolling, 'slowCount' | 'slowFailures'>, prior: BetaPrior = BASE_PRIOR): BaseRate {
  const failures = past.slowFailures + prior.failures
  const successes = Math.max(past.slowCount - past.slowFailures, 0) + prior.successes
  return {
    success: successes / (successes + failures),
    low: betaQuantile(0.025, successes, failures),
    high: betaQuantile(0.975, successes, failures),
  }
}
