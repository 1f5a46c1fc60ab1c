/** The parts of GitHub's webhook payloads that are used; everything else in them is ignored. */
import * as z from 'zod'

const id = z.int().nonnegative()
const text = z.string().max(4096)
const time = z.iso.datetime({ offset: true }).transform((value) => Date.parse(value))
const login = z.object({ login: text })

const repository = z.object({
  full_name: z
    .string()
    .max(256)
    .regex(/^[^/\s]+\/[^/\s]+$/, 'expected owner/repository'),
})

const workflow = z.object({ id, name: text, path: text.nullish() })

export const workflowRun = z.object({
  id,
  name: text.nullish(),
  path: text.nullish(),
  head_branch: text.nullish(),
  head_sha: text,
  event: text,
  status: text.nullish(),
  conclusion: text.nullish(),
  workflow_id: id,
  run_attempt: z.int().min(1).max(1_000_000).default(1),
  run_started_at: time.nullish(),
  created_at: time,
  updated_at: time,
  actor: login.nullish(),
  triggering_actor: login.nullish(),
})

export const deployment = z.object({
  id,
  sha: text,
  ref: text,
  task: text,
  environment: text,
  original_environment: text.nullish(),
  created_at: time,
  creator: login.nullish(),
})

export const workflowRunPayload = z.object({
  action: text,
  repository,
  workflow: workflow.nullish(),
  workflow_run: workflowRun,
})

export const workflowJob = z.object({
  id,
  run_id: id,
  run_attempt: z.int().min(1).max(1_000_000).default(1),
  name: text,
  workflow_name: text.nullish(),
  head_branch: text.nullish(),
  head_sha: text,
  status: text,
  conclusion: text.nullish(),
  created_at: time.nullish(),
  started_at: time.nullish(),
  completed_at: time.nullish(),
})

export const workflowJobPayload = z.object({
  action: text,
  repository,
  workflow_job: workflowJob,
  deployment: z.object({ id }).nullish(),
})

export const checkRunPayload = z.object({
  action: text,
  repository,
  check_run: z.object({
    id,
    name: text,
    head_sha: text,
    details_url: text.nullish(),
    status: text,
    conclusion: text.nullish(),
    started_at: time.nullish(),
    completed_at: time.nullish(),
    app: z.object({ slug: text.nullish() }).nullish(),
    check_suite: z.object({ head_branch: text.nullish() }).nullish(),
  }),
})

export const deploymentPayload = z.object({
  // Older GitHub Enterprise servers leave it out; there is no other action.
  action: text.default('created'),
  repository,
  deployment,
  workflow: workflow.nullish(),
  workflow_run: workflowRun.nullish(),
})

export const deploymentStatus = z.object({ id, state: text, created_at: time })

export const deploymentStatusPayload = deploymentPayload.extend({ deployment_status: deploymentStatus })

const lines = z.int().min(0).max(0x7fffffff).nullish()

/** As the REST API lists the files of a comparison or pull request; no webhook has them, `connect` adds them. */
export const comparedFile = z.object({ filename: text, status: text, additions: lines, deletions: lines })
const comparedFiles = z.array(comparedFile).max(3000).nullish()

const fileNames = z.array(z.string()).nullish()

export const pushPayload = z.object({
  ref: text,
  before: text,
  after: text,
  deleted: z.boolean(),
  repository: repository.extend({ pushed_at: z.union([z.int().nonnegative(), time]).nullish() }),
  sender: login.nullish(),
  head_commit: z.object({ timestamp: time }).nullish(),
  commits: z.array(z.object({ added: fileNames, removed: fileNames, modified: fileNames })),
  files: comparedFiles,
})

export const pullRequest = z.object({
  number: id,
  merged: z.boolean().nullish(),
  merge_commit_sha: text.nullish(),
  updated_at: time,
  user: login.nullish(),
  head: z.object({ sha: text, ref: text }),
  base: z.object({ ref: text }),
  additions: lines,
  deletions: lines,
  changed_files: lines,
})

export const pullRequestPayload = z.object({
  action: text,
  repository,
  sender: login.nullish(),
  pull_request: pullRequest,
  files: comparedFiles,
})

export const pingPayload = z.object({ zen: text.nullish() })

export type WorkflowRunPayload = z.output<typeof workflowRunPayload>
export type WorkflowRun = WorkflowRunPayload['workflow_run']
export type WorkflowJobPayload = z.output<typeof workflowJobPayload>
export type CheckRunPayload = z.output<typeof checkRunPayload>
export type DeploymentPayload = z.output<typeof deploymentPayload>
export type DeploymentStatusPayload = z.output<typeof deploymentStatusPayload>
export type PushPayload = z.output<typeof pushPayload>
export type PullRequestPayload = z.output<typeof pullRequestPayload>
export type ComparedFile = z.output<typeof comparedFile>
