/** How right the live answers were lately: by windows of outcomes, beside the base rate on the same outcomes. */
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
    headline: scoresOf(rows.map(({ pSuccess, success }) => ({ p: pSuccess, success }))),
    baseRate: scoresOf(rows.map(({ baseRate, success }) => ({ p: baseRate, success }))),
    confidentCoverage: rows.length === 0 ? null : confident.length / rows.length,
    confidentAccuracy: scoresOf(own)?.accuracy ?? null,
  }
}
