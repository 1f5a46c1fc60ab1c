/**
 * Which model answers. A challenger becomes champion, and a champion loses its place, by outcomes later than what it learnt from:
 *
 * - promoted when on live outcomes, which it answered in the shadow at their start, its log loss is lower by PROMOTION_MARGIN standard errors of
 *   the paired difference than that of each plain answer (baselines.ts), and than that of whoever answered (the champion, or the base rate);
 * - while nothing has a champion and fewer than OUTCOMES_MIN live outcomes exist, by the held-out rows against the plain answers:
 *   the last in time, which what is judged has not learnt from. So who brings history in gets a model at once. Live scores never mix
 *   with these;
 * - demoted when over its last RECENT live outcomes its mean log loss is above that of the base rate by DEMOTION_MARGIN standard errors of the
 *   paired difference, at two looks in a row. The version before it comes back if on those same outcomes, which are later than what that one
 *   learnt from too, it beats the base rate as a challenger would have to; else the base rate answers.
 */
import { compareLogLoss } from '../ledger/scores.ts'
import type { PairedDifference } from '../ledger/scores.ts'
import { plainAnswers } from './baselines.ts'
import type { Baselines, PlainAnswers } from './baselines.ts'
import type { HeldOutRow } from './card.ts'
import type { ScoredRow } from './scoredRow.ts'

export const OUTCOMES_MIN = 30
/** A challenger that is neither better nor worse after so many makes room for one that has learnt from them. */
export const OUTCOMES_MAX = 240
/**
 * Standard errors by which a challenger must be better. With the four looks that it has (see lastLook), of independent outcomes, an equal
 * one passes in 34 % of cases, which costs nothing; one worse by a standard error of the first look in 3 %, by two in .1 %; one better by
 * a tenth of a deviation for each outcome in 81 %. A wider margin would leave better ones waiting: a lesson on a few more rows gains little.
 */
const PROMOTION_MARGIN = 1
/** Failures come in streaks, which makes the standard error too small, and a champion is looked at again and again. */
const DEMOTION_MARGIN = 2
/** Outcomes that tell how a champion does now: more would hide for long that it has become worse. */
export const RECENT = 240

export interface HeldOut {
  /** Of the model on rows later than those it learnt from, and the plain answers beside it. */
  readonly rows: readonly HeldOutRow[]
}

export type Verdict = 'won' | 'lost' | 'undecided'

export interface Judgement {
  readonly verdict: Verdict
  readonly reason: string
  readonly rows: number
}

/**
 * Outcomes that a challenger with so many was last looked at with, 0 before the first look. Looks come at OUTCOMES_MIN outcomes and each
 * time these have doubled, not after every outcome or at a restart: who is looked at often enough passes any margin once.
 */
export function lastLook(outcomes: number): number {
  if (outcomes < OUTCOMES_MIN) return 0
  let look = OUTCOMES_MIN
  while (2 * look <= outcomes) look *= 2
  return look
}

const verdictOf = (difference: PairedDifference): Verdict =>
  difference.mean < -PROMOTION_MARGIN * difference.standardError ? 'won' : difference.mean >= 0 ? 'lost' : 'undecided'

interface Answered {
  readonly p: number
  readonly success: boolean
  /** By name: who must be beaten. */
  readonly others: PlainAnswers
}

/** The worst verdict of all comparisons decides. */
function judgeAgainstAll(answered: readonly Answered[], on: string): Judgement {
  const rows = answered.length
  const names = Object.keys(answered[0]?.others ?? {})
  const verdicts = names.map((name) => {
    const pairs = answered.map(({ p, success, others }) => ({ a: p, b: others[name] ?? NaN, success }))
    return { name, verdict: verdictOf(compareLogLoss(pairs)) }
  })
  for (const verdict of ['lost', 'undecided'] as const) {
    const other = verdicts.find((each) => each.verdict === verdict)
    if (other !== undefined) return { verdict, rows, reason: `${verdict} against ${other.name} on ${on}` }
  }
  return { verdict: 'won', rows, reason: `lower log loss than ${names.join(', ')} on ${on}` }
}

/** `shadow`: live outcomes that the challenger answered in the shadow; `baselines`: of its card. */
export function judgeChallenger(shadow: readonly ScoredRow[], baselines: Baselines | null): Judgement {
  const rows = shadow.length
  if (rows < OUTCOMES_MIN)
    return { verdict: 'undecided', rows, reason: `${OUTCOMES_MIN - rows} more outcomes are needed` }
  const answered = shadow.map((row) => ({
    p: row.challengerP ?? NaN,
    success: row.success,
    others: { ...plainAnswers(baselines, row), who_answered: row.pSuccess },
  }))
  return judgeAgainstAll(answered, 'live outcomes')
}

/** Its verdict is final: held-out rows do not become more. */
export function judgeHeldOut(heldOut: HeldOut): Judgement {
  const rows = heldOut.rows.length
  if (rows < OUTCOMES_MIN) return { verdict: 'lost', rows, reason: 'too little later history to judge by' }
  const judged = judgeAgainstAll(
    heldOut.rows.map(({ p, success, plain }) => ({ p, success, others: plain })),
    'later history',
  )
  return judged.verdict === 'undecided' ? { ...judged, verdict: 'lost' } : judged
}

const againstBaseRate = (rows: readonly ScoredRow[], pOf: (row: ScoredRow) => number): PairedDifference =>
  compareLogLoss(rows.map((row) => ({ a: pOf(row), b: row.baseRate, success: row.success })))

/** The last RECENT up to the last look: looks come every OUTCOMES_MIN outcomes, counted from the first of all `outcomes`, which `own` ends. */
export function lookedAt(own: readonly ScoredRow[], outcomes: number, looksAgo = 0): readonly ScoredRow[] {
  const end = own.length - (outcomes % OUTCOMES_MIN) - looksAgo * OUTCOMES_MIN
  return own.slice(Math.max(end - RECENT, 0), Math.max(end, 0))
}

/**
 * `own`: live outcomes that it answered since it holds its place, in the order of time, the last of so many `outcomes`. A restart that
 * reads them again judges the same.
 */
export function judgeChampion(own: readonly ScoredRow[], outcomes = own.length): Judgement {
  const looks = [lookedAt(own, outcomes), lookedAt(own, outcomes, 1)]
  const rows = looks[0]?.length ?? 0
  if (looks.some((look) => look.length < OUTCOMES_MIN))
    return { verdict: 'undecided', rows, reason: 'too few live outcomes to judge' }
  const isWorse = looks.map((look) => {
    const { mean, standardError } = againstBaseRate(look, ({ pSuccess }) => pSuccess)
    return mean > DEMOTION_MARGIN * standardError
  })
  if (isWorse.every(Boolean))
    return { verdict: 'lost', rows, reason: `higher log loss than the base rate on its last ${rows} live outcomes` }
  return isWorse[0] === true
    ? { verdict: 'undecided', rows, reason: 'worse than the base rate at one look' }
    : { verdict: 'won', rows, reason: 'holds against the base rate' }
}

/** Whether the version before may answer again: `recent` are the outcomes that turned the champion out, `pOf` its answers to them. */
export function judgeFallBack(recent: readonly ScoredRow[], pOf: (features: Float32Array) => number): Judgement {
  const rows = recent.length
  if (rows < OUTCOMES_MIN) return { verdict: 'undecided', rows, reason: 'too few live outcomes to judge' }
  return verdictOf(againstBaseRate(recent, ({ features }) => pOf(features))) === 'won'
    ? { verdict: 'won', rows, reason: `still beats the base rate on the last ${rows} live outcomes` }
    : { verdict: 'lost', rows, reason: `does not beat the base rate on the last ${rows} live outcomes either` }
}
