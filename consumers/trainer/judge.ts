/**
 * Which model answers. A challenger becomes champion, and a champion loses its place, by outcomes later than what it learnt from:
 *
 * - promoted when on live outcomes, which it answered in the shadow at their start, its log loss is lower by PROMOTION_MARGIN standard errors of
 *   the paired difference than that of the base rate, and than that of whoever answered (the champion, or the base rate);
 * - while nothing has a champion and fewer than OUTCOMES_MIN live outcomes exist, by the held-out rows against the base rate:
 *   the last in time, which what is judged has not learnt from. So who brings history in gets a model at once. Live scores never mix
 *   with these;
 * - demoted when over its last live outcomes (at least OUTCOMES_MIN) its mean log loss is above that of the base rate by DEMOTION_MARGIN
 *   standard errors of the paired difference, so that chance alone seldom turns a good model out.
 */
import { compareLogLoss } from '../ledger/scores.ts'
import type { PairedDifference } from '../ledger/scores.ts'
import type { ScoredRow } from './scoredRow.ts'

export const OUTCOMES_MIN = 30
/** A challenger that is neither better nor worse after so many makes room for one that has learnt from them. */
export const OUTCOMES_MAX = 240
/**
 * Standard errors by which a challenger must be better. With the four looks that it has (see nextLook), of independent outcomes, an equal
 * one passes in 34 % of cases, which costs nothing; one worse by a standard error of the first look in 3 %, by two in .1 %; one better by
 * a tenth of a deviation for each outcome in 81 %. A wider margin would leave better ones waiting: a lesson on a few more rows gains little.
 */
const PROMOTION_MARGIN = 1
/** Failures come in streaks, which makes the standard error too small, and a champion is looked at after each outcome. */
const DEMOTION_MARGIN = 2

export interface HeldOut {
  /** Of the model on rows later than those it learnt from, and the base rate beside it. */
  readonly rows: readonly { readonly p: number; readonly baseRate: number; readonly success: boolean }[]
}

export type Verdict = 'won' | 'lost' | 'undecided'

export interface Judgement {
  readonly verdict: Verdict
  readonly reason: string
  readonly rows: number
}

/**
 * Looks at a challenger come at OUTCOMES_MIN outcomes and each time these have doubled, not after every outcome: who is looked at
 * often enough passes any margin once.
 */
export const nextLook = (outcomes: number): number => Math.max(OUTCOMES_MIN, 2 * outcomes)

const verdictOf = (difference: PairedDifference): Verdict =>
  difference.mean < -PROMOTION_MARGIN * difference.standardError ? 'won' : difference.mean >= 0 ? 'lost' : 'undecided'

/** `shadow`: live outcomes that the challenger answered in the shadow. */
export function judgeChallenger(shadow: readonly ScoredRow[]): Judgement {
  const rows = shadow.length
  if (rows < OUTCOMES_MIN)
    return { verdict: 'undecided', rows, reason: `${OUTCOMES_MIN - rows} more outcomes are needed` }
  const against = (other: (row: ScoredRow) => number) =>
    verdictOf(compareLogLoss(shadow.map((row) => ({ a: row.challengerP ?? NaN, b: other(row), success: row.success }))))
  const verdicts = { 'the base rate': against((row) => row.baseRate), 'who answered': against((row) => row.pSuccess) }
  for (const verdict of ['lost', 'undecided'] as const) {
    const other = Object.entries(verdicts).find(([, each]) => each === verdict)
    if (other !== undefined) return { verdict, rows, reason: `${verdict} against ${other[0]} on live outcomes` }
  }
  return { verdict: 'won', rows, reason: 'lower log loss than base rate and champion on live outcomes' }
}

/** Its verdict is final: held-out rows do not become more. */
export function judgeHeldOut(heldOut: HeldOut): Judgement {
  const rows = heldOut.rows.length
  const won =
    rows >= OUTCOMES_MIN &&
    verdictOf(compareLogLoss(heldOut.rows.map(({ p, baseRate, success }) => ({ a: p, b: baseRate, success })))) ===
      'won'
  return won
    ? { verdict: 'won', rows, reason: 'lower log loss than the base rate on later history' }
    : { verdict: 'lost', rows, reason: 'not shown to be better than the base rate on later history' }
}

export function judgeChampion(version: string, live: readonly ScoredRow[]): Judgement {
  const own = live.filter((row) => row.modelVersion === version)
  const rows = own.length
  if (rows < OUTCOMES_MIN) return { verdict: 'undecided', rows, reason: 'too few live outcomes to judge' }
  const difference = compareLogLoss(own.map((row) => ({ a: row.pSuccess, b: row.baseRate, success: row.success })))
  return difference.mean > DEMOTION_MARGIN * difference.standardError
    ? { verdict: 'lost', rows, reason: 'higher log loss than the base rate on live outcomes' }
    : { verdict: 'won', rows, reason: 'holds against the base rate' }
}
