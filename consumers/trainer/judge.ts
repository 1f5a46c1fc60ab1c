/**
 * Which model answers. A challenger becomes champion, and a champion loses its place, by outcomes later than what it learnt from:
 *
 * - promoted when on at least OUTCOMES_MIN live outcomes, which it answered in the shadow at their start, its mean log loss is lower than
 *   that of the base rate and lower than that of whoever answered (the champion, or the base rate);
 * - while nothing has a champion and fewer live outcomes exist, by the held-out rows: the last in time, never learnt from. So who brings
 *   history in gets a model at once. Live scores never mix with these;
 * - demoted when over its last live outcomes (at least OUTCOMES_MIN) its mean log loss is above that of the base rate by more than one
 *   standard error of the paired difference, so that chance alone seldom turns a good model out.
 */
import { compareLogLoss } from '../ledger/scores.ts'
import type { ScoredRow } from './scoredRow.ts'

export const OUTCOMES_MIN = 30

export interface HeldOut {
  /** Of the model on rows later than those it learnt from, and the base rate beside it. */
  readonly rows: readonly { readonly p: number; readonly baseRate: number; readonly success: boolean }[]
}

export interface Verdict {
  readonly act: boolean
  readonly reason: string
  readonly rows: number
}

const beats = (rows: readonly { a: number; b: number; success: boolean }[]) => compareLogLoss(rows).mean < 0
const no = (rows: number, reason: string): Verdict => ({ act: false, rows, reason })

/** `live`: scored rows that were not backfilled. */
export function judgeChallenger(
  version: string,
  live: readonly ScoredRow[],
  heldOut: HeldOut | null,
  hasChampion: boolean,
): Verdict {
  const shadow = live.flatMap((row) =>
    row.challengerVersion === version && row.challengerP !== null ? [{ ...row, shadowP: row.challengerP }] : [],
  )
  if (shadow.length >= OUTCOMES_MIN) {
    const rows = shadow.length
    if (!beats(shadow.map((row) => ({ a: row.shadowP, b: row.baseRate, success: row.success })))) {
      return no(rows, 'does not beat the base rate on live outcomes')
    }
    if (!beats(shadow.map((row) => ({ a: row.shadowP, b: row.pSuccess, success: row.success })))) {
      return no(rows, 'does not beat who answered on live outcomes')
    }
    return { act: true, rows, reason: 'lower log loss than base rate and champion on live outcomes' }
  }
  if (hasChampion || live.length >= OUTCOMES_MIN || heldOut === null || heldOut.rows.length < OUTCOMES_MIN) {
    return no(shadow.length, `${OUTCOMES_MIN - shadow.length} more live outcomes are needed`)
  }
  const rows = heldOut.rows.length
  return beats(heldOut.rows.map((row) => ({ a: row.p, b: row.baseRate, success: row.success })))
    ? { act: true, rows, reason: 'lower log loss than the base rate on later history' }
    : no(rows, 'does not beat the base rate on later history')
}

export function judgeChampion(version: string, live: readonly ScoredRow[]): Verdict {
  const own = live.filter((row) => row.modelVersion === version)
  if (own.length < OUTCOMES_MIN) return no(own.length, 'too few live outcomes to judge')
  const difference = compareLogLoss(own.map((row) => ({ a: row.pSuccess, b: row.baseRate, success: row.success })))
  return difference.mean > difference.standardError
    ? { act: true, rows: own.length, reason: 'higher log loss than the base rate on live outcomes' }
    : no(own.length, 'holds against the base rate')
}
