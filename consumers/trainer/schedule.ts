/** When a model is due for a lesson, and of which kind. */
import { OUTCOMES_MAX, OUTCOMES_MIN } from './judge.ts'

export interface Schedule {
  /** learning.training.min_samples */
  readonly minSamples: number
  /** learning.training.retrain_interval, ms */
  readonly intervalMs: number
}

export interface Waiting {
  /** Live outcomes that it answered in the shadow. */
  readonly outcomes: number
  /** At the last look it was no better than who answers, or held-out rows did not show it to be. */
  readonly lost: boolean
  readonly ageMs: number
}

export interface Progress {
  readonly rows: number
  /** Rows added since the last lesson began; all of them before the first. */
  readonly newRows: number
  readonly lastTrainedAt: number | null
  /** The challenger that waits for its verdict. */
  readonly challenger: Waiting | null
}

/** A challenger that no outcome has named for so long answers nowhere, for example because no consumer can read it. */
export const UNANSWERED_MS_MAX = 24 * 3_600_000

/**
 * The first lesson with min_samples rows; a later one with as many new ones, or at the interval with OUTCOMES_MIN. Never while a
 * challenger waits: outcomes that come soon after a lesson belong to predictions made before it, so new rows tell
 * nothing of how far it has been judged, and one replaced before its verdict would never become champion.
 */
export function isDue(
  { rows, newRows, lastTrainedAt, challenger }: Progress,
  { minSamples, intervalMs }: Schedule,
  now: number,
): boolean {
  if (rows < minSamples) return false
  if (lastTrainedAt === null) return true
  if (challenger !== null && isWaiting(challenger)) return false
  const needed = now - lastTrainedAt >= intervalMs ? OUTCOMES_MIN : Math.max(minSamples, OUTCOMES_MIN)
  return newRows >= needed
}

function isWaiting({ outcomes, lost, ageMs }: Waiting): boolean {
  if (lost) return false
  return outcomes === 0 ? ageMs < UNANSWERED_MS_MAX : outcomes < OUTCOMES_MAX
}
