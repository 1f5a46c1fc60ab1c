/** Objects of GitHub's REST API as the deliveries that its webhooks would have made of them. Pure. */
import { RANK, type Delivery, type Outcome } from '../delivery.ts'
import type { RestDeployment, RestJob, RestPull, RestRun, RestStatus } from './githubShapes.ts'

const FAILED = new Set(['failure', 'timed_out', 'startup_failure', 'error'])
/** States of a deployment after which nothing more is expected. */
export const FINAL_STATES: ReadonlySet<string> = new Set(['success', 'failure', 'error', 'inactive'])
const WITH_STEPS = new Set(['in_progress', 'completed'])

/** Files as the REST API lists them; only what githubPayloads.ts names. */
export type Files = readonly unknown[]

const iso = (ms: number): string => new Date(ms).toISOString()

function outcomeOf(subject: Outcome['subject'], word: string | null | undefined): { outcome?: Outcome } {
  if (word === 'success') return { outcome: { subject, failed: false } }
  return word !== null && word !== undefined && FAILED.has(word) ? { outcome: { subject, failed: true } } : {}
}

/** One attempt of a run with its jobs. `connectedAt`: what had ended before is history. */
export function deliveriesOfAttempt(
  repository: string,
  run: RestRun,
  jobs: readonly RestJob[],
  connectedAt: number,
): readonly Delivery[] {
  const { status, conclusion, run_started_at: began, created_at: created, updated_at: updated } = run.value
  const ended = status === 'completed'
  const requestedAt = began ?? created
  const backfilled = ended && updated < connectedAt
  const of = (action: string, updatedAt: number): object => ({
    action,
    repository: { full_name: repository },
    workflow_run: { ...run.raw, updated_at: iso(updatedAt) },
  })
  const kind = 'workflow_run'
  const startedAt = ended || status === 'in_progress' ? firstStart(jobs, requestedAt, updated) : null
  return [
    { at: requestedAt, rank: RANK.requested, kind, payload: of('requested', updated), backfilled },
    ...(startedAt === null
      ? []
      : [{ at: startedAt, rank: RANK.started, kind, payload: of('in_progress', startedAt), backfilled }]),
    ...jobs.flatMap((job) => deliveriesOfJob(repository, job, backfilled)),
    ...(ended
      ? [
          {
            at: updated,
            rank: RANK.finished,
            kind,
            payload: of('completed', updated),
            backfilled,
            ...outcomeOf('ci_run', conclusion),
          },
        ]
      : []),
  ]
}

/** A run starts with its first job; where none is known, when it was asked for. Never after it ended. */
function firstStart(jobs: readonly RestJob[], requestedAt: number, updated: number): number {
  const starts = jobs.flatMap(({ value }) => (WITH_STEPS.has(value.status) ? [value.started_at ?? []] : [])).flat()
  return starts.length === 0 ? requestedAt : Math.min(updated, Math.max(requestedAt, Math.min(...starts)))
}

function deliveriesOfJob(repository: string, job: RestJob, backfilled: boolean): readonly Delivery[] {
  const { status, created_at: created, started_at: started, completed_at: completed } = job.value
  const at = (status === 'completed' ? completed : status === 'in_progress' ? started : created) ?? started
  if (at === null || at === undefined) return []
  const payload = { action: status, repository: { full_name: repository }, workflow_job: job.raw }
  return [{ at, rank: RANK.step, kind: 'workflow_job', payload, backfilled }]
}

/** `run`: the one that made the deployment, if it is known. `statuses`: in any order. */
export function deliveriesOfDeployment(
  repository: string,
  deployment: RestDeployment,
  statuses: readonly RestStatus[],
  run: RestRun | null,
  connectedAt: number,
): readonly Delivery[] {
  const name = run?.value.name
  const shared = {
    action: 'created',
    repository: { full_name: repository },
    deployment: deployment.raw,
    workflow: typeof name === 'string' ? { id: run?.value.workflow_id, name } : null,
    workflow_run: run?.raw ?? null,
  }
  const sorted = statuses.toSorted((a, b) => a.value.created_at - b.value.created_at || a.value.id - b.value.id)
  const end = sorted.find(({ value }) => FINAL_STATES.has(value.state))
  const backfilled = end !== undefined && end.value.created_at < connectedAt
  return [
    {
      at: deployment.value.created_at,
      rank: RANK.requested,
      kind: 'deployment',
      payload: shared,
      backfilled,
    },
    ...sorted.map((status) => ({
      at: status.value.created_at,
      rank: FINAL_STATES.has(status.value.state) ? RANK.finished : RANK.started,
      kind: 'deployment_status',
      payload: { ...shared, deployment_status: status.raw },
      backfilled,
      ...(status === end ? outcomeOf('deployment', status.value.state) : {}),
    })),
  ]
}

/** `headAt`: when its last commit was first seen. `files`: null where nobody asked for them. */
export function deliveriesOfPull(
  repository: string,
  pull: RestPull,
  files: Files | null,
  headAt: number,
): readonly Delivery[] {
  const { merged_at: mergedAt, merge_commit_sha: mergeCommit } = pull.value
  const of = (action: string, at: number, merged: boolean): Delivery => ({
    at,
    rank: RANK.changed,
    kind: 'pull_request',
    payload: {
      action,
      repository: { full_name: repository },
      pull_request: { ...pull.raw, merged, updated_at: iso(at) },
      files,
    },
    backfilled: true,
  })
  const isMerged = typeof mergedAt === 'number' && typeof mergeCommit === 'string'
  return [of('synchronize', headAt, false), ...(isMerged ? [of('closed', mergedAt, true)] : [])]
}

/** The change that a run is the first to test, from what its branch had before. */
export function changeOfRun(repository: string, { value, raw }: RestRun, before: string, files: Files): Delivery {
  const at = value.created_at
  const pull = value.pull_requests?.[0]
  const common = { repository: { full_name: repository, pushed_at: iso(at) }, files }
  const payload =
    pull === undefined
      ? {
          ...common,
          ref: `refs/heads/${value.head_branch ?? ''}`,
          before,
          after: value.head_sha,
          deleted: false,
          commits: [],
          sender: raw['actor'],
        }
      : {
          ...common,
          action: 'synchronize',
          sender: raw['actor'],
          pull_request: {
            number: pull.number,
            updated_at: iso(at),
            head: { sha: value.head_sha, ref: pull.head.ref },
            base: { ref: pull.base.ref },
          },
        }
  const kind = pull === undefined ? 'push' : 'pull_request'
  return { at, rank: RANK.changed, kind, payload, backfilled: true }
}

/** The run that a status of a deployment links to. */
export function runIdOf(statuses: readonly RestStatus[]): number | null {
  for (const { value } of statuses) {
    const id = /\/actions\/runs\/(\d+)/.exec(`${value.log_url ?? ''} ${value.target_url ?? ''}`)?.[1]
    if (id !== undefined) return Number(id)
  }
  return null
}
