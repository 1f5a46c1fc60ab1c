/**
 * What the conclusion of an attempt means for its prediction: `rollout_failed` is failure, error or timeout.
 * Cancelled, gated (action_required), stale, skipped and neutral runs are censored: a person or a rule ended them, or nothing was
 * really tried. `inactive` only says that a later deployment took over: no failure, and no outcome of its own.
 */
import type { CensorReason, Conclusion } from '../../schemas/generated/events.ts'
import type { DeploymentRecord } from '../../rust-engine/ts/records.ts'
import { startOf } from './attemptOf.ts'
import type { DuringMaintenance } from './maintenance.ts'

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

/** What counts of an attempt that ended: not what ran within a maintenance window. */
export function countedOutcome(record: DeploymentRecord, duringMaintenance: DuringMaintenance): OutcomeLabel {
  const label = outcomeOf(record.conclusion)
  return label !== 'censored' && ranDuring(record, duringMaintenance) ? 'censored' : label
}

/** Why an attempt whose outcome does not count is censored. */
export function censorReason(record: DeploymentRecord, duringMaintenance: DuringMaintenance): CensorReason {
  if (ranDuring(record, duringMaintenance)) return 'maintenance'
  return record.conclusion === null && record.state !== 'rolled_back' ? 'given_up' : 'no_outcome'
}

function ranDuring(record: DeploymentRecord, duringMaintenance: DuringMaintenance): boolean {
  const end = record.finishedAt ?? record.listedAt
  return duringMaintenance(record.service, Math.min(startOf(record, end), end), end)
}

/** Seconds from start to end; null where either is unknown, or no time passed between them: sources without a duration say so in that way. */
export function durationOf(record: Pick<DeploymentRecord, 'startedAt' | 'finishedAt'>): number | null {
  if (record.startedAt === null || record.finishedAt === null || record.finishedAt <= record.startedAt) return null
  return (record.finishedAt - record.startedAt) / 1000
}
