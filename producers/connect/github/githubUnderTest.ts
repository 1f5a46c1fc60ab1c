/** GitHub's REST API as documented, over a small repository made of the published examples. */
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { restServer, type Page, type RestServerUnderTest } from '../restServerUnderTest.ts'

type Json = Readonly<Record<string, unknown>>

const examples = JSON.parse(
  readFileSync(new URL(import.meta.resolve('@octokit/webhooks-examples/api.github.com/index.json')), 'utf8'),
) as readonly { readonly name: string; readonly examples: readonly Json[] }[]

const partOf = (event: string, part: string, index = 0): Json =>
  (examples.find(({ name }) => name === event)?.examples[index]?.[part] ?? {}) as Json

export const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z')

export interface RunOptions {
  readonly id: number
  readonly at: number
  readonly minutes?: number
  readonly conclusion?: string | null
  readonly status?: string
  readonly attempt?: number
  readonly sha?: string
  readonly event?: string
}

/** A run that began at its time and took so many minutes. */
export function restRunOf({ id, at, minutes = 5, attempt = 1, status = 'completed', ...own }: RunOptions): Json {
  const updated = at + minutes * 60_000
  return {
    ...partOf('workflow_run', 'workflow_run', 1),
    id,
    name: 'CI',
    status,
    conclusion: status === 'completed' ? (own.conclusion ?? 'success') : null,
    event: own.event ?? 'push',
    head_branch: 'main',
    head_sha: own.sha ?? `${id}`.padStart(40, 'a'),
    run_attempt: attempt,
    created_at: iso(at),
    run_started_at: iso(at),
    updated_at: iso(updated),
    pull_requests: [],
  }
}

export function restJobOf(run: Json, id: number, name = 'test'): Json {
  return {
    ...partOf('workflow_job', 'workflow_job', 2),
    id,
    run_id: run['id'],
    run_attempt: run['run_attempt'],
    name,
    workflow_name: 'CI',
    head_branch: run['head_branch'],
    head_sha: run['head_sha'],
    status: run['status'],
    conclusion: run['conclusion'],
    created_at: run['created_at'],
    started_at: iso(Date.parse(String(run['run_started_at'])) + 10_000),
    completed_at: run['status'] === 'completed' ? run['updated_at'] : null,
  }
}

export function restDeploymentOf(id: number, at: number, updatedAt = at): Json {
  return { ...partOf('deployment', 'deployment'), id, created_at: iso(at), updated_at: iso(updatedAt), ref: 'main' }
}

export function restStatusOf(id: number, state: string, at: number, runId?: number): Json {
  const link = runId === undefined ? '' : `https://github.com/acme/shop/actions/runs/${runId}/job/1`
  return { ...partOf('deployment_status', 'deployment_status'), id, state, created_at: iso(at), log_url: link }
}

export function restPullOf(number: number, at: number, mergedAt: number | null, head: string): Json {
  const pull = partOf('pull_request', 'pull_request')
  return {
    ...pull,
    number,
    state: mergedAt === null ? 'open' : 'closed',
    created_at: iso(at),
    updated_at: iso(mergedAt ?? at),
    merged_at: mergedAt === null ? null : iso(mergedAt),
    closed_at: mergedAt === null ? null : iso(mergedAt),
    merge_commit_sha: `merge-of-${number}`,
    head: { ...(pull['head'] as Json), sha: head },
  }
}

export interface GithubContent {
  runs: Json[]
  /** `<run>/<attempt>`: earlier attempts. */
  attempts: Record<string, Json>
  /** Null: the run is deleted as soon as it is listed. */
  jobs: Record<number, Json[] | null>
  deployments: Json[]
  statuses: Record<number, Json[]>
  pulls: Json[]
  files: readonly Json[]
}

export const emptyContent = (): GithubContent => ({
  runs: [],
  attempts: {},
  jobs: {},
  deployments: [],
  statuses: {},
  pulls: [],
  files: [{ filename: 'src/shop.ts', status: 'modified', additions: 12, deletions: 3, patch: '@@' }],
})

/** As many of a filtered listing as GitHub gives. */
const LISTED_MAX = 1_000

export function githubServer(t: TestContext, content: GithubContent, perPageMax = 100): Promise<RestServerUnderTest> {
  const root = '/repos/acme/shop'
  return restServer(t, (url) => {
    if (!url.pathname.startsWith(`${root}/`)) return null
    const [kind = '', first = '', second = '', third = '', fourth = ''] = url.pathname.slice(root.length + 1).split('/')
    const paged = (items: readonly Json[], name?: string): Page => pageOf(url, items, perPageMax, name)
    if (kind === 'actions' && first === 'runs') {
      if (second === '') return paged(listed(content.runs, url), 'workflow_runs')
      const run = content.runs.find(({ id }) => id === Number(second))
      if (third === '') return run === undefined ? null : { body: run }
      const jobs = content.jobs[Number(second)]
      if (third === 'jobs') return jobs === null ? null : paged(jobs ?? [], 'jobs')
      if (third === 'attempts') {
        const body = content.attempts[`${second}/${fourth}`]
        return body === undefined ? null : { body }
      }
    }
    if (kind === 'deployments' && second === 'statuses') return paged(content.statuses[Number(first)] ?? [])
    if (kind === 'deployments') return paged(byTime(content.deployments, 'created_at'))
    if (kind === 'pulls' && second === 'files') return paged(content.files)
    if (kind === 'pulls') return paged(byTime(content.pulls, 'updated_at'))
    if (kind === 'compare') return { body: { files: content.files } }
    if (kind === 'commits') return { body: { parents: [{ sha: 'parent-of-it' }], files: content.files } }
    return null
  })
}

const byTime = (items: readonly Json[], field: string): readonly Json[] =>
  items.toSorted((a, b) => Date.parse(String(b[field])) - Date.parse(String(a[field])))

/** Newest first, as the filters `created` and `status` say. */
function listed(runs: readonly Json[], { searchParams }: URL): readonly Json[] {
  const created = searchParams.get('created') ?? ''
  const [from = '', to = ''] = created.startsWith('>=') ? [created.slice(2)] : created.split('..')
  const status = searchParams.get('status')
  return byTime(runs, 'created_at').filter((run) => {
    const at = Date.parse(String(run['created_at']))
    if (from !== '' && at < Date.parse(from)) return false
    if (to !== '' && at > Date.parse(to)) return false
    return status === null || run['status'] === status
  })
}

function pageOf(url: URL, items: readonly Json[], perPageMax: number, name?: string): Page {
  const filtered = url.searchParams.has('created') || url.searchParams.has('status')
  const given = filtered ? items.slice(0, LISTED_MAX) : items
  const size = Math.min(Number(url.searchParams.get('per_page') ?? '30'), perPageMax)
  const page = Number(url.searchParams.get('page') ?? '1')
  const part = given.slice((page - 1) * size, page * size)
  const next = new URL(url)
  next.searchParams.set('page', String(page + 1))
  return {
    body: name === undefined ? part : { total_count: items.length, [name]: part },
    next: page * size < given.length ? `${next.pathname}${next.search}` : null,
  }
}
