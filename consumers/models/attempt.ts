/** One attempt of a deployment or CI run as a model sees it at its start, and what the past of its scopes says. */
import type { ChangeSize } from '../../schemas/generated/events.ts'

export type PredictedSubject = 'deployment' | 'ci_run'

export interface Attempt {
  readonly subject: PredictedSubject
  readonly service: string
  readonly workflow: string | null
  readonly branch: string | null
  readonly actor: string | null
  readonly trigger: string | null
  readonly pullRequest: boolean | null
  readonly sha: string | null
  readonly change: ChangeSize | null
  readonly attempt: number
  /** Start, ms since the epoch. */
  readonly at: number
  /** Start in the zone of the service: hour with fraction, 0 ≤ hour < 24; weekday 0 = Monday. */
  readonly hour: number
  readonly weekday: number
}

/** Rolling fields of one scope as seen at the start; NaN where there is nothing yet. */
export interface Rolling {
  readonly count: number
  readonly failures: number
  readonly fastCount: number
  readonly fastFailures: number
  readonly slowCount: number
  readonly slowFailures: number
  readonly streak: number
  readonly sinceLastMs: number
  readonly sinceFailureMs: number
  readonly lastFailed: number
  readonly previousFailed: number
  readonly meanLogDuration: number
  readonly varLogDuration: number
  readonly medianDurationS: number
  readonly recentMedianS: number
  readonly durations: number
}

/** Where a source names its workflow alone, the name stands for it. */
export function workflowOf(run: { readonly workflow: string | null; readonly name: string | null }): string | null {
  return run.workflow ?? run.name
}
