/**
 * Scopes: whose past speaks about an attempt. Each is a free-text key of the engine's rolling sums, within one service and subject.
 * Outcome scopes gather failures and durations; start scopes count starts; the size scope keeps the running size of changes
 * in the place of the duration, so that a change can be ranked against its service.
 */
import type { Attempt } from './attempt.ts'
import { changeLines, sameChange } from './change.ts'

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
  'change',
  'changeTrigger',
] as const
export const START_SCOPES = ['starts', 'branchStarts', 'actorStarts', 'changeStarts'] as const
export const SIZE_SCOPE = 'size'
export const SCOPES = [...OUTCOME_SCOPES, ...START_SCOPES, SIZE_SCOPE] as const
export type Scope = (typeof SCOPES)[number]
export type OutcomeScope = (typeof OUTCOME_SCOPES)[number]
export type StartScope = (typeof START_SCOPES)[number]

/** Values inside a key are separated by `|`; a value can't forge a separator. */
const part = (value: string | null): string => (value === null ? '-' : value.replaceAll('|', '¦'))

/** The key of a whole service. */
export const serviceKey = (subject: Attempt['subject'], service: string): string => `${subject}|${part(service)}`

/** The key of each scope, in the order of SCOPES; null where the attempt has no such scope. */
export function scopeKeys(attempt: Attempt): readonly (string | null)[] {
  const own = serviceKey(attempt.subject, attempt.service)
  const work = part(attempt.workflow)
  const branch = `${work}|${part(attempt.branch)}`
  const actor = part(attempt.actor)
  const trigger = part(attempt.trigger)
  const change = sameChange(attempt)
  const kinds = attempt.change?.fileTypes ?? null
  const keys: Record<Scope, string | null> = {
    service: own,
    workflow: `${own}|workflow=${work}`,
    branch: `${own}|branch=${branch}`,
    actor: `${own}|actor=${work}|${actor}`,
    trigger: `${own}|trigger=${work}|${trigger}`,
    branchActor: `${own}|branch+actor=${branch}|${actor}`,
    branchTrigger: `${own}|branch+trigger=${branch}|${trigger}`,
    actorTrigger: `${own}|actor+trigger=${work}|${actor}|${trigger}`,
    kinds: kinds === null ? null : `${own}|kinds=${work}|${part(kinds)}`,
    change: change === null ? null : `${own}|change=${part(change)}`,
    changeTrigger: change === null ? null : `${own}|change+trigger=${work}|${trigger}|${part(change)}`,
    starts: `${own}|starts`,
    branchStarts: `${own}|starts|branch=${branch}`,
    actorStarts: `${own}|starts|actor=${actor}`,
    changeStarts: change === null ? null : `${own}|starts|change=${part(change)}`,
    size: changeLines(attempt.change) === null ? null : `${own}|size`,
  }
  return SCOPES.map((scope) => keys[scope])
}

const keysOf = (keys: readonly (string | null)[], wanted: (scope: Scope) => boolean): readonly string[] =>
  SCOPES.flatMap((scope, i) => {
    const key = keys[i]
    return key !== null && key !== undefined && wanted(scope) ? [key] : []
  })

const outcomeScopes: ReadonlySet<Scope> = new Set(OUTCOME_SCOPES)
const startScopes: ReadonlySet<Scope> = new Set(START_SCOPES)

/** Keys that gather the outcome of an attempt. */
export const outcomeKeys = (attempt: Attempt) => keysOf(scopeKeys(attempt), (scope) => outcomeScopes.has(scope))
/** Keys that count the start of an attempt. */
export const startKeys = (attempt: Attempt) => keysOf(scopeKeys(attempt), (scope) => startScopes.has(scope))
/** The key that gathers the size of a change; none when the size is unknown. */
export const sizeKeys = (attempt: Attempt) => keysOf(scopeKeys(attempt), (scope) => scope === SIZE_SCOPE)
