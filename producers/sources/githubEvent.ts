import type { Conclusion } from '../../schemas/generated/events.ts'
import { eventFrom, type Mapped, type OwnParts, type Place } from './mapped.ts'
import type { Mapping } from './mapping.ts'

export const runKey = (repository: string, run: number): string => `github:${repository}/run/${run}`
export const deploymentKey = (repository: string, id: number): string => `github:${repository}/deployment/${id}`
export const commitKey = (repository: string, sha: string): string => `github:${repository}/commit/${sha}`
/** A check run of a workflow's job has the job's id: one step, whichever of the two tells of it. */
export const jobKey = (repository: string, job: number): string => `github:${repository}/job/${job}`

const CONCLUSIONS: Readonly<Record<string, Conclusion>> = {
  success: 'success',
  failure: 'failure',
  startup_failure: 'failure',
  error: 'error',
  timed_out: 'timeout',
  cancelled: 'cancelled',
  skipped: 'skipped',
  neutral: 'neutral',
  action_required: 'action_required',
  stale: 'stale',
}

/** Null for none and for a word this version does not know. */
export function conclusionOf(word: string | null | undefined): Conclusion | null {
  return word === null || word === undefined ? null : (CONCLUSIONS[word] ?? null)
}

export const githubEvent = (mapping: Mapping, place: Place, own: OwnParts): Mapped =>
  eventFrom('github', mapping, place, own)
