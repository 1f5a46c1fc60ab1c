/** Scores of probabilities against what happened, row by row and exact. All pure; the probability is that of success. */
import { logLossOf } from '../../schemas/scores/counts.ts'
import { aucOf, calibrationError, calibrationNoise, equalParts, riskiest } from '../../schemas/scores/ranked.ts'
import type { Group } from '../../schemas/scores/ranked.ts'

export interface Scored {
  readonly p: number
  readonly success: boolean
}

export interface Scores {
  readonly rows: number
  /** Mean negative log likelihood, natural logarithm. */
  readonly logLoss: number
  readonly brier: number
  /** Share of rows where the likelier outcome came. */
  readonly accuracy: number
  /** Share of (failed, succeeded) pairs ranked the right way round, ties half; null where one kind is missing. */
  readonly auc: number | null
  /** Expected calibration error over ten groups of equal count. */
  readonly ece: number
  /** What right probabilities would show as such by chance. */
  readonly eceByChance: number
  /** Share of the failures that are among the riskiest tenth of the rows; null where nothing failed. */
  readonly captured: number | null
}

const CALIBRATION_PARTS = 10
const CAPTURE_SHARE = 0.1

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Null for no rows. */
export function scoresOf(rows: readonly Scored[]): Scores | null {
  if (rows.length === 0) return null
  const groups = groupsOf(rows)
  const parts = equalParts(groups, CALIBRATION_PARTS)
  const failures = rows.filter(({ success }) => !success).length
  return {
    rows: rows.length,
    logLoss: mean(rows.map(({ p, success }) => logLossOf(p, success))),
    brier: mean(rows.map(({ p, success }) => (p - (success ? 1 : 0)) ** 2)),
    accuracy: mean(rows.map(({ p, success }) => (p >= 0.5 === success ? 1 : 0))),
    auc: aucOf(groups),
    ece: calibrationError(parts),
    eceByChance: calibrationNoise(parts),
    captured: failures === 0 ? null : riskiest(groups, CAPTURE_SHARE).caught / failures,
  }
}

/** Rows of one probability together, the riskiest first. */
function groupsOf(rows: readonly Scored[]): readonly Group[] {
  const ordered = rows.toSorted((a, b) => a.p - b.p)
  const groups: Group[] = []
  for (let from = 0, to = 0; from < ordered.length; from = to) {
    const p = ordered[from]?.p ?? 0
    let successes = 0
    while (to < ordered.length && ordered[to]?.p === p) {
      if (ordered[to]?.success === true) successes++
      to++
    }
    groups.push({ count: to - from, successes, sumP: p * (to - from) })
  }
  return groups
}

export interface PairedDifference {
  readonly rows: number
  /** Mean of a's log loss minus b's: negative where a is better. */
  readonly mean: number
  /** Standard error of that mean; Infinity for fewer than two rows. */
  readonly standardError: number
}

/** Two predictors on the same outcomes. */
export function compareLogLoss(
  rows: readonly { readonly a: number; readonly b: number; readonly success: boolean }[],
): PairedDifference {
  const differences = rows.map(({ a, b, success }) => logLossOf(a, success) - logLossOf(b, success))
  const average = differences.length === 0 ? 0 : mean(differences)
  const squares = differences.reduce((sum, value) => sum + (value - average) ** 2, 0)
  const n = differences.length
  return { rows: n, mean: average, standardError: n < 2 ? Infinity : Math.sqrt(squares / (n - 1) / n) }
}
