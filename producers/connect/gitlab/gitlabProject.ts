/** A project on GitLab as a source: its pipelines, deployments and merge requests. */
import { commitBefore, gitlabCommitKey, isMergeRequest } from '../../sources/gitlab.ts'
import { RANK, type Delivery, type Item, type Source } from '../delivery.ts'
import type { Deployment, File, GitlabApi, ListedPipeline, MergeRequest, Pipeline } from './gitlabApi.ts'

/** Nothing more is expected of these. */
const ENDED = new Set(['success', 'failed', 'canceled', 'skipped'])
/** Lists are asked for what changed since the last time, and some more: clocks differ. */
const OVERLAP_MS = 10 * 60_000

export type Skippable = 'jobs' | 'changes'

export interface ProjectOptions {
  /** `<group>/<project>` */
  readonly name: string
  readonly api: GitlabApi
  readonly skip: ReadonlySet<Skippable>
  readonly connectedAt: number
  readonly now: () => number
}

export class GitlabProject implements Source {
  readonly name: string
  readonly #options: ProjectOptions
  readonly #changes = new Set<string>()
  #readAt = 0

  constructor(options: ProjectOptions) {
    this.name = options.name
    this.#options = options
  }

  readonly history = async (since: number, found: (items: number) => void): Promise<readonly Item[]> => {
    const { api, skip, now } = this.#options
    this.#readAt = now()
    const items: Item[] = []
    const add = (page: readonly Item[]): void => {
      items.push(...page)
      found(items.length)
    }
    // Merge requests first: what they change need not be asked for again.
    if (!skip.has('changes'))
      for await (const page of api.merged(since)) add(page.flatMap((request) => this.#itemOfMerge(request, since)))
    for await (const page of api.pipelines(since)) add(page.map((pipeline) => this.#itemOfPipeline(pipeline)))
    for await (const page of api.deployments(since)) add(page.map((deployment) => this.#itemOfDeployment(deployment)))
    return items
  }

  readonly changes = (): Promise<readonly Item[]> => this.history(this.#readAt - OVERLAP_MS, () => undefined)

  #itemOfPipeline({ id, created_at: startedAt, updated_at: changedAt }: ListedPipeline): Item {
    const deliveries = async (): Promise<readonly Delivery[]> => {
      const { api } = this.#options
      const pipeline = await api.pipeline(id)
      return pipeline === null ? [] : [...(await this.#changeOf(pipeline)), ...(await this.#courseOf(pipeline))]
    }
    return { key: `pipeline/${id}`, startedAt, changedAt, deliveries }
  }

  async #courseOf(pipeline: Pipeline): Promise<readonly Delivery[]> {
    const { name: project, api, skip, connectedAt } = this.#options
    const {
      id,
      status,
      created_at: created,
      started_at: started,
      finished_at: finished,
      updated_at: updated,
    } = pipeline.value
    const end = ENDED.has(status) ? (finished ?? updated ?? created) : null
    const backfilled = end !== null && end < connectedAt
    const jobs = skip.has('jobs') ? [] : await api.jobs(id)
    const steps = jobs.map(({ value, raw }): Delivery => {
      const at = value.finished_at ?? value.started_at ?? value.created_at
      return { at, rank: RANK.step, kind: 'job', payload: { project, pipeline: pipeline.raw, job: raw }, backfilled }
    })
    const phases = phasesOf('pipeline', { project, pipeline: pipeline.raw }, created, started ?? null, end, backfilled)
    return [...phases.map((each) => withOutcome(each, 'ci_run', status)), ...steps]
  }

  async #changeOf({ value, raw }: Pipeline): Promise<readonly Delivery[]> {
    const { name: project, api, skip } = this.#options
    if (skip.has('changes') || this.#changes.has(value.sha) || value.tag === true) return []
    this.#changes.add(value.sha)
    const files = await api.comparedFiles(commitBefore(value.before_sha), value.sha)
    if (files === null) return []
    const { sha, ref, source, created_at: at } = value
    return [change(project, { sha, ref, user: raw['user'], mergeRequest: isMergeRequest(source), files }, at)]
  }

  #itemOfMerge(request: MergeRequest, since: number): readonly Item[] {
    const { name: project, api } = this.#options
    const { iid, merged_at: at, updated_at: changedAt, sha: head, target_branch: ref, author: user } = request
    const sha = request.merge_commit_sha ?? request.squash_commit_sha ?? head
    if (typeof at !== 'number' || at < since || typeof sha !== 'string') return []
    this.#changes.add(sha)
    const links = typeof head === 'string' && head !== sha ? [gitlabCommitKey(project, head)] : []
    const deliveries = async (): Promise<readonly Delivery[]> => [
      change(project, { sha, ref, user, mergeRequest: true, links, files: await api.mergeRequestFiles(iid) }, at),
    ]
    return [{ key: `merge_request/${iid}`, startedAt: at, changedAt: Math.max(changedAt, at), deliveries }]
  }

  #itemOfDeployment({ value, raw }: Deployment): Item {
    const { name: project, connectedAt } = this.#options
    const { id, status, created_at: created, updated_at: updated, deployable } = value
    const changedAt = updated ?? created
    const end = ENDED.has(status) ? (deployable?.finished_at ?? changedAt) : null
    const start = deployable?.started_at ?? (status === 'running' ? changedAt : null)
    const backfilled = end !== null && end < connectedAt
    const phases = phasesOf('deployment', { project, deployment: raw }, created, start, end, backfilled)
    const deliveries = (): Promise<readonly Delivery[]> =>
      Promise.resolve(phases.map((each) => withOutcome(each, 'deployment', status)))
    return { key: `deployment/${id}`, startedAt: created, changedAt, deliveries }
  }
}

function phasesOf(
  kind: string,
  payload: object,
  requestedAt: number,
  startedAt: number | null,
  endedAt: number | null,
  backfilled: boolean,
): readonly Delivery[] {
  const times = { requested: requestedAt, started: startedAt, finished: endedAt }
  return (['requested', 'started', 'finished'] as const).flatMap((phase) => {
    const at = times[phase]
    return at === null ? [] : [{ at, rank: RANK[phase], kind, payload: { ...payload, phase, at: iso(at) }, backfilled }]
  })
}

function withOutcome(delivery: Delivery, subject: 'ci_run' | 'deployment', status: string): Delivery {
  const isEnd = delivery.rank === RANK.finished && (status === 'success' || status === 'failed')
  return isEnd ? { ...delivery, outcome: { subject, failed: status === 'failed' } } : delivery
}

interface Change {
  readonly sha: string
  readonly ref: string | null | undefined
  readonly user: unknown
  readonly mergeRequest: boolean
  readonly links?: readonly string[]
  readonly files: readonly File[]
}

const change = (project: string, own: Change, at: number): Delivery => ({
  at,
  rank: RANK.changed,
  kind: 'change',
  payload: { project, at: iso(at), ...own },
  backfilled: true,
})

const iso = (ms: number): string => new Date(ms).toISOString()
