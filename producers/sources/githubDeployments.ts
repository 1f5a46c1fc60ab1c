/** Deployments and their statuses: all fold into the deployment by its id. */
import type { Conclusion, DeploymentEvent, DeploymentPhase } from '../../schemas/generated/events.ts'
import type { Identity } from '../../runtime/configuration/identity.ts'
import { deploymentKey, githubEvent, runKey } from './githubEvent.ts'
import type { DeploymentPayload, DeploymentStatusPayload } from './githubPayloads.ts'
import { actorOf } from './githubRuns.ts'
import { branchOf, notOfInterest, type Mapped } from './mapped.ts'
import { eventId, type Mapping } from './mapping.ts'

const STATES: Readonly<Record<string, { readonly phase: DeploymentPhase; readonly conclusion: Conclusion | null }>> = {
  pending: { phase: 'requested', conclusion: null },
  queued: { phase: 'requested', conclusion: null },
  waiting: { phase: 'requested', conclusion: null },
  in_progress: { phase: 'started', conclusion: null },
  success: { phase: 'finished', conclusion: 'success' },
  failure: { phase: 'finished', conclusion: 'failure' },
  error: { phase: 'finished', conclusion: 'error' },
  inactive: { phase: 'finished', conclusion: 'inactive' },
}

export function mapDeployment(payload: DeploymentPayload, mapping: Mapping): Mapped {
  if (payload.action !== 'created') return notOfInterest('action_tells_no_status')
  const { identity, shared } = aboutDeployment(payload, mapping)
  return githubEvent(mapping, identity, {
    ...shared,
    id: eventId('github', identity.service, shared.key, 'requested', 1, 'created'),
    occurredAt: payload.deployment.created_at,
    phase: 'requested',
  })
}

export function mapDeploymentStatus(payload: DeploymentStatusPayload, mapping: Mapping): Mapped {
  if (payload.action !== 'created') return notOfInterest('action_tells_no_status')
  const status = payload.deployment_status
  const meaning = STATES[status.state]
  if (meaning === undefined) return notOfInterest('unknown_status')
  const { identity, shared } = aboutDeployment(payload, mapping)
  return githubEvent(mapping, identity, {
    ...shared,
    id: eventId('github', identity.service, shared.key, meaning.phase, 1, status.state, status.id),
    occurredAt: status.created_at,
    ...meaning,
  })
}

type Shared = Pick<DeploymentEvent, 'subject' | 'key'> & Partial<DeploymentEvent>

function aboutDeployment(payload: DeploymentPayload, mapping: Mapping): { identity: Identity; shared: Shared } {
  const { deployment, repository, workflow, workflow_run: run } = payload
  const workflowName = workflow?.name ?? run?.name ?? null
  const identity = mapping.catalog.resolve({
    // A status may move the deployment to another environment; the original keeps its events in one service.
    environment: deployment.original_environment ?? deployment.environment,
    repository: repository.full_name,
    ...(workflowName === null ? {} : { workflow: workflowName }),
  })
  const creator = deployment.creator?.login
  const shared: Shared = {
    subject: 'deployment',
    key: deploymentKey(repository.full_name, deployment.id),
    name: deployment.task,
    workflow: run ? String(run.workflow_id) : workflow ? String(workflow.id) : null,
    repository: repository.full_name,
    branch: deployment.ref === deployment.sha ? (run?.head_branch ?? null) : branchOf(deployment.ref),
    sha: deployment.sha,
    actor: run ? actorOf(run, mapping) : creator === undefined ? null : mapping.pseudonym(creator),
    trigger: run?.event ?? null,
    links: run ? [runKey(repository.full_name, run.id)] : [],
  }
  return { identity, shared }
}
