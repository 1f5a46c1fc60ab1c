/** Workflow runs, their jobs and checks: all fold into the run by its id. */
import type { Conclusion, DeploymentPhase, StepState } from '../../schemas/generated/events.ts'
import { conclusionOf, deploymentKey, githubEvent, jobKey, runKey } from './githubEvent.ts'
import type { CheckRunPayload, WorkflowJobPayload, WorkflowRun, WorkflowRunPayload } from './githubPayloads.ts'
import { identityOfRun, notOfInterest, type Mapped, type RunIdentity } from './mapped.ts'
import { eventId, type Mapping } from './mapping.ts'

const RUN_PHASES: Readonly<Record<string, DeploymentPhase>> = {
  requested: 'requested',
  in_progress: 'started',
  completed: 'finished',
}

const STEP_STATES: Readonly<Record<string, StepState>> = {
  queued: 'queued',
  requested: 'queued',
  in_progress: 'in_progress',
  waiting: 'waiting',
  pending: 'waiting',
  completed: 'completed',
}

const PULL_REQUEST_TRIGGERS = new Set(['pull_request', 'pull_request_target'])

export function mapWorkflowRun(payload: WorkflowRunPayload, mapping: Mapping): Mapped {
  const { action, repository, workflow_run: run } = payload
  const phase = RUN_PHASES[action]
  if (phase === undefined) return notOfInterest('action_tells_no_status')
  const conclusion = phase === 'finished' ? conclusionOf(run.conclusion) : null
  if (phase === 'finished' && conclusion === null) {
    return notOfInterest(run.conclusion ? 'unknown_status' : 'completed_without_conclusion')
  }
  const name = payload.workflow?.name ?? run.name ?? null
  const key = runKey(repository.full_name, run.id)
  const identity = identityOfRun(mapping, repository.full_name, name)
  return githubEvent(mapping, identity, {
    id: eventId('github', identity.service, key, phase, run.run_attempt, conclusion),
    occurredAt: phase === 'requested' ? (run.run_started_at ?? run.created_at) : run.updated_at,
    subject: identity.subject,
    phase,
    key,
    attempt: run.run_attempt,
    conclusion,
    name,
    workflow: String(run.workflow_id),
    repository: repository.full_name,
    branch: run.head_branch ?? null,
    sha: run.head_sha,
    actor: actorOf(run, mapping),
    trigger: run.event,
    pullRequest: PULL_REQUEST_TRIGGERS.has(run.event),
  })
}

export function mapWorkflowJob(payload: WorkflowJobPayload, mapping: Mapping): Mapped {
  const { repository, workflow_job: job } = payload
  const workflow = job.workflow_name ?? null
  const occurredAt =
    job.status === 'completed' ? job.completed_at : job.status === 'in_progress' ? job.started_at : job.created_at
  return mapStep(mapping, {
    kind: 'job',
    ...job,
    repository: repository.full_name,
    runId: job.run_id,
    attempt: job.run_attempt,
    workflow,
    branch: job.head_branch ?? null,
    occurredAt: occurredAt ?? job.started_at ?? mapping.now,
    links: payload.deployment ? [deploymentKey(repository.full_name, payload.deployment.id)] : [],
    identity: identityOfRun(mapping, repository.full_name, workflow),
  })
}

export function mapCheckRun(payload: CheckRunPayload, mapping: Mapping): Mapped {
  const { action, repository, check_run: check } = payload
  if (action !== 'created' && action !== 'completed') return notOfInterest('action_tells_no_status')
  const runId = runIdOf(check.details_url, check.app?.slug, repository.full_name)
  if (runId === null) return notOfInterest('check_of_no_workflow_run')
  // A check does not name its workflow; workflow_job tells the same step and does.
  if (mapping.catalog.workflowDecides(repository.full_name)) return notOfInterest('check_of_a_mapped_workflow')
  return mapStep(mapping, {
    kind: 'check',
    ...check,
    repository: repository.full_name,
    runId,
    // A check names no attempt. Of a re-run it is late for attempt 1 and changes nothing; workflow_job tells the same.
    attempt: 1,
    workflow: null,
    branch: check.check_suite?.head_branch ?? null,
    occurredAt: check.completed_at ?? check.started_at ?? mapping.now,
    links: [],
    identity: identityOfRun(mapping, repository.full_name, null),
  })
}

interface StepOfRun {
  readonly kind: 'job' | 'check'
  readonly id: number
  readonly name: string
  readonly status: string
  readonly conclusion?: string | null | undefined
  readonly head_sha: string
  readonly repository: string
  readonly runId: number
  readonly attempt: number
  readonly workflow: string | null
  readonly branch: string | null
  readonly occurredAt: number
  readonly links: readonly string[]
  readonly identity: RunIdentity
}

function mapStep(mapping: Mapping, of: StepOfRun): Mapped {
  const state = STEP_STATES[of.status]
  if (state === undefined) return notOfInterest('unknown_status')
  const conclusion: Conclusion | null = state === 'completed' ? conclusionOf(of.conclusion) : null
  if (state === 'completed' && conclusion === null) {
    return notOfInterest(of.conclusion ? 'unknown_status' : 'completed_without_conclusion')
  }
  const key = runKey(of.repository, of.runId)
  const stepKey = jobKey(of.repository, of.id)
  return githubEvent(mapping, of.identity, {
    id: eventId('github', of.identity.service, key, 'step', of.attempt, of.kind, stepKey, state, conclusion),
    occurredAt: of.occurredAt,
    subject: of.identity.subject,
    phase: 'step',
    key,
    attempt: of.attempt,
    conclusion,
    name: of.workflow,
    repository: of.repository,
    branch: of.branch,
    sha: of.head_sha,
    step: { key: stepKey, name: of.name, kind: of.kind, state },
    links: of.links,
  })
}

export function actorOf(run: WorkflowRun, mapping: Mapping): string | null {
  const person = run.triggering_actor?.login ?? run.actor?.login
  return person === undefined ? null : mapping.pseudonym(person)
}

/** Any app may write any details_url, so only those of GitHub's own runner into the same repository count. */
function runIdOf(url: string | null | undefined, app: string | null | undefined, repository: string): number | null {
  if (app !== 'github-actions' || !url || !URL.canParse(url)) return null
  const [owner, name, actions, runs, run] = new URL(url).pathname.slice(1).split('/')
  if (`${owner ?? ''}/${name ?? ''}` !== repository || actions !== 'actions' || runs !== 'runs') return null
  const id = Number(run)
  return run !== undefined && /^\d+$/.test(run) && Number.isSafeInteger(id) ? id : null
}
