/**
 * Scopes: whose past speaks about an attempt. Each is a free-text key of the engine's rolling sums, within one service and subject.
 * A scope gathers failures and durations under its key, and starts under a key beside it; the size scope keeps the running size
 * of changes in the place of the duration, so that a change can be ranked against its service.
 */
import type { Attempt } from './attempt.ts'
import { changeLines, sameChange } from './change.ts'
import { burstOf, sequenceOf } from './recent.ts'
import type { RecentStart } from './recent.ts'

export const OUTCOME_SCOPES = [
  'service',
  'workflow',
  'branch',
  'actor',
  'trigger',
  'branchActor',
  'branchTrigger',
  'actorTrigger',
  'kinds',
  'lane',
  'kindsActor',
  'sizeLane',
  'linesActor',
  'change',
  'changeTrigger',
  'changeLane',
  'sequence',
  'order',
] as const
export type OutcomeScope = (typeof OUTCOME_SCOPES)[number]

/** What rows of timings hold (timing.ts); a change of OUTCOME_SCOPES or of the row takes a new version, and rows begin anew. */
const TIMING_SET = 'timings/1'

/** Keys of an attempt; null where it has no such scope. */
export interface ScopeKeys {
  /** In the order of OUTCOME_SCOPES. */
  readonly outcomes: readonly (string | null)[]
  readonly starts: readonly (string | null)[]
  readonly size: string | null
  /** Of the timings of the workflow: those of another one say little. */
  readonly timings: string
}

/** Values inside a key are separated by `|`; a value can't forge a separator. */
const part = (value: string | null): string => (value === null ? '-' : value.replaceAll('|', '¦'))

/** The key of a whole service. */
export const serviceKey = (subject: Attempt['subject'], service: string): string => `${subject}|${part(service)}`

/** `recent`: the starts before the attempt, newest first. */
export function scopeKeys(attempt: Attempt, recent: readonly RecentStart[]): ScopeKeys {
  const own = serviceKey(attempt.subject, attempt.service)
  const work = part(attempt.workflow)
  const branch = `${work}|${part(attempt.branch)}`
  const actor = part(attempt.actor)
  const trigger = part(attempt.trigger)
  const change = sameChange(attempt)
  const kinds = attempt.change?.fileTypes ?? null
  const lane = `${branch}|${actor}|${trigger}|${String(attempt.pullRequest)}`
  const lines = changeLines(attempt.change)
  const files = attempt.change
  const sizes = `${files?.filesAdded ?? 0},${files?.filesDeleted ?? 0},${files?.filesModified ?? 0},${part(kinds)}`
  const ofChange = (key: string) => (change === null ? null : `${key}|${part(change)}`)
  const keys: Record<OutcomeScope, string | null> = {
    service: own,
    workflow: `${own}|workflow=${work}`,
    branch: `${own}|branch=${branch}`,
    actor: `${own}|actor=${work}|${actor}`,
    trigger: `${own}|trigger=${work}|${trigger}`,
    branchActor: `${own}|branch+actor=${branch}|${actor}`,
    branchTrigger: `${own}|branch+trigger=${branch}|${trigger}`,
    actorTrigger: `${own}|actor+trigger=${work}|${actor}|${trigger}`,
    kinds: kinds === null ? null : `${own}|kinds=${work}|${part(kinds)}`,
    lane: `${own}|lane=${lane}`,
    kindsActor:
      kinds === null ? null : `${own}|kinds+actor=${work}|${actor}|${String(attempt.pullRequest)}|${part(kinds)}`,
    sizeLane: lines === null ? null : `${own}|size+lane=${lane}|${sizes}`,
    linesActor:
      lines === null
        ? null
        : `${own}|lines+actor=${work}|${actor}|${files?.linesAdded ?? 0}|${files?.linesDeleted ?? 0}`,
    change: ofChange(`${own}|change=`),
    changeTrigger: ofChange(`${own}|change+trigger=${work}|${trigger}`),
    changeLane: ofChange(`${own}|change+lane=${lane}`),
    sequence: ofChange(`${own}|sequence=${lane}|${part(sequenceOf(recent))}`),
    order: ofChange(`${own}|order=${lane}|${burstOf(attempt, recent).same}`),
  }
  const outcomes = OUTCOME_SCOPES.map((scope) => keys[scope])
  const starts = outcomes.map((key) => (key === null ? null : `${key}|starts`))
  return { outcomes, starts, size: lines === null ? null : `${own}|size`, timings: `${own}|${TIMING_SET}=${work}` }
}
