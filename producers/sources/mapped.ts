/** What a delivery becomes: the same for every source that tells of runs, deployments and changes. */
import type { DeploymentEvent } from '../../schemas/generated/events.ts'
import type { Identity } from '../../runtime/configuration/identity.ts'
import { CI_ENVIRONMENT, type Mapping, type TopicEvent } from './mapping.ts'

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

export function branchOf(ref: string | null | undefined): string | null {
  return ref === null || ref === undefined ? null : ref.replace(/^refs\/heads\//, '')
}

export interface RunIdentity extends Place {
  readonly subject: 'ci_run' | 'deployment'
}

/** By what a run and its jobs both tell, so that they land in one service: repository and name of the workflow. */
export function identityOfRun(mapping: Mapping, repository: string, workflow: string | null): RunIdentity {
  const target = mapping.catalog.deploymentEnvironment(repository, workflow)
  const { service, environment } = mapping.catalog.resolve({
    environment: target ?? CI_ENVIRONMENT,
    repository,
    ...(workflow === null ? {} : { workflow }),
  })
  return { service, environment, subject: target === null ? 'ci_run' : 'deployment' }
}

export type Place = Pick<Identity, 'service' | 'environment'>
export type OwnParts = Pick<DeploymentEvent, 'id' | 'occurredAt' | 'subject' | 'phase' | 'key'> &
  Partial<DeploymentEvent>

/** What every event of a source shares; the parts of its own are laid over it. */
export function eventFrom(
  source: 'github' | 'gitlab' | 'jenkins',
  mapping: Mapping,
  identity: Place,
  own: OwnParts,
): Mapped {
  const event: DeploymentEvent = {
    receivedAt: mapping.now,
    source,
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
