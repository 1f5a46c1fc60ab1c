/**
 * What the conclusion of an attempt means for its prediction: `rollout_failed` is failure, error or timeout.
 * Cancelled, gated (action_required), stale, skipped and neutral runs are censored: a person or a rule ended them, or nothing was
 * really tried. `inactive` only says that a later deployment took over: no failure, and no outcome of its own.
 */
import type { Conclusion } from '../../schemas/generated/events.ts'
import type { DeploymentRecord } from '../../rust-engine/ts/records.ts'

export type OutcomeLabel = 'success' | 'failed' | 'censored'

const LABELS: Readonly<Record<Conclusion, OutcomeLabel>> = {
  success: 'success',
  failure: 'failed',
  error: 'failed',
  timeout: 'failed',
  cancelled: 'censored',
  skipped: 'censored',
  neutral: 'censored',
  action_required: 'censored',
  stale: 'censored',
  inactive: 'censored',
}

export function outcomeOf(conclusion: string | null): OutcomeLabel {
  if (conclusion === null || !Object.hasOwn(LABELS, conclusion)) return 'censored'
  return LABELS[conclusion as Conclusion]
}

/** Seconds from start to end; null where either is unknown, or no time passed between them: sources without a duration say so in that way. */
export function durationOf(record: Pick<DeploymentRecord, 'startedAt' | 'finishedAt'>): number | null {
  if (record.startedAt === null || record.finishedAt === null || record.finishedAt <= record.startedAt) return null
  return (record.finishedAt - record.startedAt) / 1000
}
