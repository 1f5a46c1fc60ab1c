/** How right the live answers were lately: by windows of outcomes, beside the base rate on the same outcomes. */
import type { ModelScores } from '../../schemas/generated/events.ts'
import { meanInterval } from '../../schemas/scores/intervals.ts'
import type { Interval } from '../../schemas/scores/intervals.ts'
import { scoresOf } from '../ledger/scores.ts'
import type { Scores } from '../ledger/scores.ts'
import type { ScoredRow } from './scoredRow.ts'

const DAY_MS = 86_400_000
/** Outcomes of the shortest view, which any amount of traffic fills. */
const LAST = 1000

export const SCORE_WINDOWS = ['last_1000', '7d', '30d'] as const
export type ScoreWindowName = (typeof SCORE_WINDOWS)[number]

export interface LiveScores {
  readonly window: ScoreWindowName
  /** Null where the window has no outcome. */
  readonly headline: Scores | null
  readonly baseRate: Scores | null
  /** Mean probability less the share of successes, with its 95 % interval: above 0, the answers are too sure of success. */
  readonly bias: (Interval & { readonly value: number }) | null
  /** Share of answers of class confident. */
  readonly confidentCoverage: number | null
  /** Share of these whose likelier outcome came. */
  readonly confidentAccuracy: number | null
}

/** `live`: rows that were not backfilled, oldest outcome first, as many as are at hand. */
export function liveScores(live: readonly ScoredRow[], now: number): readonly LiveScores[] {
  const since = (days: number) => live.filter(({ outcomeAt }) => outcomeAt >= now - days * DAY_MS)
  const rows: Readonly<Record<ScoreWindowName, readonly ScoredRow[]>> = {
    last_1000: live.slice(-LAST),
    '7d': since(7),
    '30d': since(30),
  }
  return SCORE_WINDOWS.map((window) => ({ window, ...scoresIn(rows[window]) }))
}

function scoresIn(rows: readonly ScoredRow[]): Omit<LiveScores, 'window'> {
  const confident = rows.filter(({ answerClass }) => answerClass === 'confident')
  const own = confident.map(({ pSuccess, success }) => ({ p: pSuccess, success }))
  return {
    ...beside(rows),
    bias: biasOf(rows),
    confidentCoverage: rows.length === 0 ? null : confident.length / rows.length,
    confidentAccuracy: scoresOf(own)?.accuracy ?? null,
  }
}

const beside = (rows: readonly ScoredRow[]) => ({
  headline: scoresOf(rows.map(({ pSuccess, success }) => ({ p: pSuccess, success }))),
  baseRate: scoresOf(rows.map(({ baseRate, success }) => ({ p: baseRate, success }))),
})

/** Calibration in the large. Outcomes are taken as independent. */
function biasOf(rows: readonly ScoredRow[]): LiveScores['bias'] {
  const residuals = rows.map(({ pSuccess, success }) => pSuccess - Number(success))
  const sum = residuals.reduce((total, residual) => total + residual, 0)
  const squares = residuals.reduce((total, residual) => total + residual ** 2, 0)
  const interval = meanInterval(sum, squares, rows.length)
  return interval && { value: sum / rows.length, ...interval }
}

/** Of the last live outcomes that one version answered, oldest first; null for none. */
export function answererScores(own: readonly ScoredRow[]): ModelScores | null {
  const rows = own.slice(-LAST)
  const { headline, baseRate } = beside(rows)
  const [first, last] = [rows[0], rows.at(-1)]
  if (headline === null || baseRate === null || first === undefined || last === undefined) return null
  return {
    outcomes: rows.length,
    from: first.outcomeAt,
    to: last.outcomeAt,
    accuracy: headline.accuracy,
    logLoss: headline.logLoss,
    brier: headline.brier,
    baseRateAccuracy: baseRate.accuracy,
    baseRateLogLoss: baseRate.logLoss,
    baseRateBrier: baseRate.brier,
  }
}
