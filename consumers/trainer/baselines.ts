/**
 * Plain answers that a model must beat beside the smoothed base rate: a few shares of success, learnt from the rows that the model
 * learnt from, with the same prior as the base rate.
 */
import { BASE_PRIOR } from '../models/baseRate.ts'
import { FEATURE_NAMES } from '../models/features.ts'
import type { TrainingRow } from '../models/train.ts'

export interface Baselines {
  /** Share of success of all rows. */
  readonly constant: number
  /** Of the rows before which the service's last outcome was a failure, a success, or unknown. */
  readonly lastOutcome: { readonly failed: number; readonly passed: number; readonly unknown: number }
}

/** Probabilities of success that need no model, by name. */
export type PlainAnswers = Readonly<Record<string, number>>

type Last = keyof Baselines['lastOutcome']
/** 1 failed, −1 passed, 0 unknown. */
const LAST = FEATURE_NAMES.indexOf('service.last')

const lastOf = (features: Float32Array): Last => {
  const last = features[LAST] ?? 0
  return last > 0 ? 'failed' : last < 0 ? 'passed' : 'unknown'
}

function shareOf(rows: readonly TrainingRow[]): number {
  const successes = rows.filter(({ success }) => success).length
  return (successes + BASE_PRIOR.successes) / (rows.length + BASE_PRIOR.successes + BASE_PRIOR.failures)
}

export function learnBaselines(rows: readonly TrainingRow[]): Baselines {
  const after = (last: Last) => shareOf(rows.filter(({ features }) => lastOf(features) === last))
  return {
    constant: shareOf(rows),
    lastOutcome: { failed: after('failed'), passed: after('passed'), unknown: after('unknown') },
  }
}

/** `baselines` null: of a model that came without; the base rate stands alone. */
export function plainAnswers(
  baselines: Baselines | null,
  { baseRate, features }: { readonly baseRate: number; readonly features: Float32Array },
): PlainAnswers {
  const plain = { base_rate: baseRate }
  if (baselines === null) return plain
  return { ...plain, constant: baselines.constant, last_outcome: baselines.lastOutcome[lastOf(features)] }
}
