/** When a model is due for training. */
import { OUTCOMES_MIN } from './judge.ts'

export interface Schedule {
  /** learning.training.min_samples */
  readonly minSamples: number
  /** learning.training.retrain_interval, ms */
  readonly intervalMs: number
}

export interface Progress {
  readonly rows: number
  /** Rows added since the last training began; all of them before the first. */
  readonly newRows: number
  readonly lastTrainedAt: number | null
}

/**
 * The first time with min_samples rows; then with as many new ones, or at the interval with at least enough new rows for
 * the challenger at hand to be judged by: a challenger replaced before that would never be.
 */
export function isDue(
  { rows, newRows, lastTrainedAt }: Progress,
  { minSamples, intervalMs }: Schedule,
  now: number,
): boolean {
  if (rows < minSamples) return false
  if (lastTrainedAt === null) return true
  const needed = now - lastTrainedAt >= intervalMs ? OUTCOMES_MIN : Math.max(minSamples, OUTCOMES_MIN)
  return newRows >= needed
}
