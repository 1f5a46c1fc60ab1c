import type { Conclusion, DeploymentEvent } from '../../schemas/generated/events.ts'
import type { Identity } from '../../runtime/configuration/identity.ts'
import type { Mapping, TopicEvent } from './mapping.ts'

/** Why a delivery of a subscribed kind makes no event; README.md lists them. */
export type NotOfInterest =
  | 'ping'
  | 'kind_not_subscribed'
  | 'action_tells_no_status'
  | 'completed_without_conclusion'
  | 'unknown_status'
  | 'check_of_no_workflow_run'
  | 'check_of_a_mapped_workflow'
  | 'ref_deleted'
  | 'tag_changes_no_code'
  | 'push_without_commits'
  | 'pull_request_keeps_its_code'
  | 'pull_request_closed_unmerged'

export type Mapped =
  | { readonly kind: 'events'; readonly events: readonly TopicEvent[] }
  | { readonly kind: 'not_of_interest'; readonly reason: NotOfInterest }

export const notOfInterest = (reason: NotOfInterest): Mapped => ({ kind: 'not_of_interest', reason })

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

export function branchOf(ref: string | null | undefined): string | null {
  return ref === null || ref === undefined ? null : ref.replace(/^refs\/heads\//, '')
}

/** What every event from GitHub shares; the parts of its own are laid over it. */
export function githubEvent(
  mapping: Mapping,
  identity: Pick<Identity, 'service' | 'environment'>,
  own: Pick<DeploymentEvent, 'id' | 'occurredAt' | 'subject' | 'phase' | 'key'> & Partial<DeploymentEvent>,
): Mapped {
  const event: DeploymentEvent = {
    receivedAt: mapping.now,
    source: 'github',
    service: identity.service,
    environment: identity.environment,
    trace: mapping.trace,
    attempt: 1,
    conclusion: null,
    name: null,
    workflow: null,
    repository: null,
    branch: null,
    sha: null,
    actor: null,
    trigger: null,
    pullRequest: null,
    change: null,
    step: null,
    links: [],
    backfilled: false,
    ...own,
  }
  return { kind: 'events', events: [{ topic: 'devops.deployments', event }] }
}
