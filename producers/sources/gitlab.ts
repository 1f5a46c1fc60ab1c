/** GitLab pipelines, jobs, deployments and changes, as its REST API tells them. */
import * as z from 'zod'
import type { Conclusion, DeploymentPhase, StepState } from '../../schemas/generated/events.ts'
import { parsePayload } from '../jsonBody.ts'
import { sizeOfFiles, type FileChange } from '../../schemas/changes/changedFiles.ts'
import { eventFrom, identityOfRun, notOfInterest, type Mapped } from './mapped.ts'
import { CI_ENVIRONMENT, eventId, type Mapping } from './mapping.ts'

const id = z.int().nonnegative()
const text = z.string().max(4096)
const time = z.iso.datetime({ offset: true }).transform((value) => Date.parse(value))
const user = z.object({ username: text }).nullish()
const count = z.int().min(0).max(0x7fffffff)

export const gitlabPipeline = z.object({
  id,
  status: text,
  source: text.nullish(),
  ref: text.nullish(),
  sha: text,
  before_sha: text.nullish(),
  name: text.nullish(),
  tag: z.boolean().nullish(),
  created_at: time,
  updated_at: time.nullish(),
  started_at: time.nullish(),
  finished_at: time.nullish(),
  user,
})

export const gitlabJob = z.object({
  id,
  name: text,
  status: text,
  created_at: time,
  started_at: time.nullish(),
  finished_at: time.nullish(),
})

export const gitlabDeployment = z.object({
  id,
  status: text,
  ref: text.nullish(),
  sha: text,
  created_at: time,
  updated_at: time.nullish(),
  user,
  environment: z.object({ name: text }),
  deployable: z
    .object({
      started_at: time.nullish(),
      finished_at: time.nullish(),
      pipeline: z.object({ id }).nullish(),
    })
    .nullish(),
})

/** A file of a comparison, its lines counted by whoever read the diff. */
export const gitlabFile = z.object({
  path: text,
  change: z.enum(['added', 'deleted', 'modified']),
  added: count,
  deleted: count,
})

const project = text.regex(/^[^/\s]+(\/[^/\s]+)+$/, 'expected group/project')
const phase = z.enum(['requested', 'started', 'finished'])

const pipelinePayload = z.object({ project, phase, at: time, pipeline: gitlabPipeline })
const jobPayload = z.object({ project, pipeline: gitlabPipeline, job: gitlabJob })
const deploymentPayload = z.object({ project, phase, at: time, deployment: gitlabDeployment })
const changePayload = z.object({
  project,
  sha: text,
  ref: text.nullish(),
  at: time,
  user,
  mergeRequest: z.boolean(),
  links: z.array(text).max(8).default([]),
  files: z.array(gitlabFile).max(3000),
})

const CONCLUSIONS: Readonly<Record<string, Conclusion>> = {
  success: 'success',
  failed: 'failure',
  canceled: 'cancelled',
  skipped: 'skipped',
}

const STEP_STATES: Readonly<Record<string, StepState>> = {
  created: 'queued',
  preparing: 'queued',
  pending: 'queued',
  scheduled: 'waiting',
  manual: 'waiting',
  waiting_for_resource: 'waiting',
  running: 'in_progress',
  ...Object.fromEntries(Object.keys(CONCLUSIONS).map((status) => [status, 'completed' as const])),
}

const ZEROS = /^0+$/
export const pipelineKey = (of: string, pipeline: number): string => `gitlab:${of}/pipeline/${pipeline}`
export const gitlabCommitKey = (of: string, sha: string): string => `gitlab:${of}/commit/${sha}`
export const isMergeRequest = (source: string | null | undefined): boolean => source === 'merge_request_event'
/** The commit before a push, where there was one. */
export const commitBefore = (sha: string | null | undefined): string | null =>
  typeof sha !== 'string' || ZEROS.test(sha) ? null : sha

/** Throws a Refusal when the payload lacks what its kind must have. */
export function mapGitlab(kind: string, payload: unknown, mapping: Mapping): Mapped {
  switch (kind) {
    case 'pipeline':
      return mapPipeline(parsePayload(pipelinePayload, payload), mapping)
    case 'job':
      return mapJob(parsePayload(jobPayload, payload), mapping)
    case 'deployment':
      return mapDeployment(parsePayload(deploymentPayload, payload), mapping)
    case 'change':
      return mapChange(parsePayload(changePayload, payload), mapping)
    default:
      return notOfInterest('kind_not_subscribed')
  }
}

/** Null where the phase has none; undefined where it needs one and the status is none that this version knows. */
function conclusionIn(of: DeploymentPhase, status: string): Conclusion | null | undefined {
  return of === 'finished' ? CONCLUSIONS[status] : null
}

function mapPipeline(payload: z.output<typeof pipelinePayload>, mapping: Mapping): Mapped {
  const { pipeline } = payload
  const conclusion = conclusionIn(payload.phase, pipeline.status)
  if (conclusion === undefined) return notOfInterest('unknown_status')
  const { subject, ...place } = identityOfRun(mapping, payload.project, pipeline.name ?? null)
  const key = pipelineKey(payload.project, pipeline.id)
  return eventFrom('gitlab', mapping, place, {
    id: eventId('gitlab', place.service, key, payload.phase, 1, conclusion),
    occurredAt: payload.at,
    subject,
    phase: payload.phase,
    key,
    conclusion,
    name: pipeline.name ?? null,
    repository: payload.project,
    branch: pipeline.ref ?? null,
    sha: pipeline.sha,
    actor: pipeline.user ? mapping.pseudonym(pipeline.user.username) : null,
    trigger: pipeline.source ?? null,
    pullRequest: isMergeRequest(pipeline.source),
  })
}

function mapJob({ project: of, pipeline, job }: z.output<typeof jobPayload>, mapping: Mapping): Mapped {
  const state = STEP_STATES[job.status]
  if (state === undefined) return notOfInterest('unknown_status')
  const conclusion = CONCLUSIONS[job.status] ?? null
  const { subject, ...place } = identityOfRun(mapping, of, pipeline.name ?? null)
  const key = pipelineKey(of, pipeline.id)
  const stepKey = `gitlab:${of}/job/${job.id}`
  return eventFrom('gitlab', mapping, place, {
    id: eventId('gitlab', place.service, key, 'step', 1, 'job', stepKey, state, conclusion),
    occurredAt: job.finished_at ?? job.started_at ?? job.created_at,
    subject,
    phase: 'step',
    key,
    conclusion,
    repository: of,
    branch: pipeline.ref ?? null,
    sha: pipeline.sha,
    step: { key: stepKey, name: job.name, kind: 'job', state },
  })
}

function mapDeployment(payload: z.output<typeof deploymentPayload>, mapping: Mapping): Mapped {
  const { deployment, project: of } = payload
  const conclusion = conclusionIn(payload.phase, deployment.status)
  if (conclusion === undefined) return notOfInterest('unknown_status')
  const place = mapping.catalog.resolve({ environment: deployment.environment.name, repository: of })
  const key = `gitlab:${of}/deployment/${deployment.id}`
  const pipeline = deployment.deployable?.pipeline?.id
  return eventFrom('gitlab', mapping, place, {
    id: eventId('gitlab', place.service, key, payload.phase, 1, conclusion),
    occurredAt: payload.at,
    subject: 'deployment',
    phase: payload.phase,
    key,
    conclusion,
    name: 'deploy',
    repository: of,
    branch: deployment.ref ?? null,
    sha: deployment.sha,
    actor: deployment.user ? mapping.pseudonym(deployment.user.username) : null,
    links: pipeline === undefined ? [] : [pipelineKey(of, pipeline)],
  })
}

function mapChange(payload: z.output<typeof changePayload>, mapping: Mapping): Mapped {
  const { project: of, sha, files } = payload
  const place = mapping.catalog.resolve({ environment: CI_ENVIRONMENT, repository: of })
  const key = gitlabCommitKey(of, sha)
  const changes = new Map<string, FileChange>(files.map((file) => [file.path, file.change]))
  const sum = (side: 'added' | 'deleted'): number => files.reduce((total, file) => total + file[side], 0)
  return eventFrom('gitlab', mapping, place, {
    id: eventId('gitlab', place.service, key, 'changed', 1, payload.mergeRequest ? 'merge_request' : 'push'),
    occurredAt: payload.at,
    subject: 'change',
    phase: 'changed',
    key,
    repository: of,
    branch: payload.ref ?? null,
    sha,
    actor: payload.user ? mapping.pseudonym(payload.user.username) : null,
    trigger: payload.mergeRequest ? 'merge_request_event' : 'push',
    pullRequest: payload.mergeRequest,
    change: { ...sizeOfFiles(changes), linesAdded: sum('added'), linesDeleted: sum('deleted') },
    links: payload.links,
  })
}
