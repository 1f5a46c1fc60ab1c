/** The endpoints of GitHub's REST API that are read: https://docs.github.com/rest. */
import type * as z from 'zod'
import { comparedFile } from '../../sources/githubPayloads.ts'
import { SourceFailure, type RestAnswer, type RestClient } from '../restClient.ts'
import { pickedBy, toldBy, type Told } from '../told.ts'
import type { Files } from './githubDeliveries.ts'
import { restDeployment, restJob, restPull, restRun, restStatus } from './githubShapes.ts'
import type { RestDeployment, RestJob, RestPull, RestRun, RestStatus } from './githubShapes.ts'

export const GITHUB_URL = 'https://api.github.com'
/** A listing with a filter ends there, without a word. */
const LISTED_MAX = 1_000
/** More than a thousand runs within a minute are not all seen. */
const RANGE_MS_MIN = 60_000
const FILES_MAX = 1_000
const PER_PAGE = 'per_page=100'
/** Runs that have not ended are in one of these. */
const OPEN_STATUSES = ['in_progress', 'queued', 'waiting']

export const githubHeaders = (token: string | null): Readonly<Record<string, string>> => ({
  accept: 'application/vnd.github+json',
  'x-github-api-version': '2022-11-28',
  'user-agent': 'devops-mcp-server',
  ...(token === null ? {} : { authorization: `Bearer ${token}` }),
})

export function githubAdvice(status: number): string | null {
  if (status === 401) return 'the token is wrong or has expired: give another with --token-file or GITHUB_TOKEN'
  if (status === 403)
    return 'the token may not read this: it needs read access to actions, deployments, pull requests and contents'
  if (status === 404)
    return 'is the name right, and may the token read the repository? GitHub answers so for private ones too'
  return null
}

export class GithubApi {
  readonly #client: RestClient
  readonly #root: string
  readonly #unreadable: (what: string) => void

  /** `unreadable`: one object was not as the API documents it, and is left out. */
  constructor(client: RestClient, repository: string, unreadable: (what: string) => void) {
    this.#client = client
    this.#root = `/repos/${repository}`
    this.#unreadable = unreadable
  }

  /** Created within the range; one that holds more than a listing gives is halved, oldest half first. */
  async *runs(from: number, to: number): AsyncGenerator<readonly RestRun[], void> {
    const path = `${this.#root}/actions/runs?${PER_PAGE}&created=${second(from)}..${second(to)}`
    let page: RestAnswer | null = await this.#client.get(path)
    if (totalOf(page.body) > LISTED_MAX && to - from > RANGE_MS_MIN) {
      const middle = from + Math.floor((to - from) / 2)
      yield* this.runs(from, middle)
      yield* this.runs(middle, to)
      return
    }
    while (page !== null) {
      yield this.#each(restRun, listOf(page.body, 'workflow_runs'))
      page = page.next === null ? null : await this.#client.get(page.next)
    }
  }

  /** Created since the day, and whatever runs or waits, however old: a run may be started again. */
  async latelyRun(since: number): Promise<readonly RestRun[]> {
    const filters = [
      `created=%3E%3D${second(since).slice(0, 10)}`,
      ...OPEN_STATUSES.map((status) => `status=${status}`),
    ]
    const found = new Map<number, RestRun>()
    for (const filter of filters) {
      const path = `${this.#root}/actions/runs?${PER_PAGE}&${filter}`
      for (const run of await this.#all(restRun, path, 'workflow_runs', true)) found.set(run.value.id, run)
    }
    return [...found.values()]
  }

  /** Null where it has been deleted. */
  async run(id: number): Promise<RestRun | null> {
    return this.#one(await this.#unlessGone(`${this.#root}/actions/runs/${id}`, true))
  }

  async attempt(id: number, attempt: number): Promise<RestRun | null> {
    return this.#one(await this.#unlessGone(`${this.#root}/actions/runs/${id}/attempts/${attempt}`))
  }

  /** Of all attempts. */
  async jobs(run: number): Promise<readonly RestJob[]> {
    return this.#all(restJob, `${this.#root}/actions/runs/${run}/jobs?filter=all&${PER_PAGE}`, 'jobs')
  }

  /** Newest first; no endpoint filters them by time. */
  async *deployments(): AsyncGenerator<readonly RestDeployment[], void> {
    for await (const page of this.#client.pages(`${this.#root}/deployments?${PER_PAGE}`))
      yield this.#each(restDeployment, listOf(page))
  }

  async newestDeployments(): Promise<readonly RestDeployment[]> {
    const { body } = await this.#client.get(`${this.#root}/deployments?${PER_PAGE}`, { remember: true })
    return this.#each(restDeployment, listOf(body))
  }

  async statuses(deployment: number): Promise<readonly RestStatus[]> {
    return this.#all(restStatus, `${this.#root}/deployments/${deployment}/statuses?${PER_PAGE}`, undefined, true)
  }

  /** Those that changed last come first. */
  async *pulls(remember = false): AsyncGenerator<readonly RestPull[], void> {
    const path = `${this.#root}/pulls?state=all&sort=updated&direction=desc&${PER_PAGE}`
    for await (const page of this.#client.pages(path, { remember })) yield this.#each(restPull, listOf(page))
  }

  async pullFiles(number: number): Promise<Files> {
    const files: unknown[] = []
    for await (const page of this.#client.pages(`${this.#root}/pulls/${number}/files?${PER_PAGE}`)) {
      files.push(...this.#files(listOf(page)))
      if (files.length >= FILES_MAX) break
    }
    return files
  }

  /** Null where the two have nothing in common, or one is gone: branches are rewritten. */
  async comparedFiles(base: string, head: string): Promise<Files | null> {
    const answer = await this.#unlessGone(`${this.#root}/compare/${base}...${head}?per_page=1`)
    return answer === null ? null : this.#files(listOf(answer, 'files'))
  }

  /** What one commit did to its first parent. */
  async commit(sha: string): Promise<{ readonly parent: string; readonly files: Files } | null> {
    const body = await this.#unlessGone(`${this.#root}/commits/${sha}`)
    if (body === null) return null
    const [parent] = listOf(body, 'parents') as { readonly sha?: string }[]
    return { parent: parent?.sha ?? '', files: this.#files(listOf(body, 'files')) }
  }

  #one(body: unknown): RestRun | null {
    return body === null ? null : (this.#each(restRun, [body])[0] ?? null)
  }

  async #unlessGone(path: string, remember = false): Promise<unknown> {
    try {
      return (await this.#client.get(path, { remember })).body
    } catch (error) {
      if (error instanceof SourceFailure && (error.status === 404 || error.status === 422)) return null
      throw error
    }
  }

  async #all<T>(schema: z.ZodType<T>, path: string, list?: string, remember = false): Promise<readonly Told<T>[]> {
    const found: Told<T>[] = []
    for await (const page of this.#client.pages(path, { remember }))
      found.push(...this.#each(schema, listOf(page, list)))
    return found
  }

  #each<T>(schema: z.ZodType<T>, raws: readonly unknown[]): readonly Told<T>[] {
    return raws.flatMap((raw) => {
      const told = toldBy(schema, raw)
      if ('value' in told) return [told]
      this.#unreadable(`${this.#root}: ${told.field} ${told.reason}`)
      return []
    })
  }

  #files(raws: readonly unknown[]): readonly unknown[] {
    return raws.filter((raw) => comparedFile.safeParse(raw).success).map((raw) => pickedBy(comparedFile, raw))
  }
}

/** As GitHub's search takes times: without milliseconds. */
const second = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z')

function listOf(body: unknown, name?: string): readonly unknown[] {
  const list = name === undefined ? body : (body as Readonly<Record<string, unknown>> | null)?.[name]
  return Array.isArray(list) ? (list as readonly unknown[]) : []
}

const totalOf = (body: unknown): number => {
  const total = (body as { readonly total_count?: unknown } | null)?.total_count
  return typeof total === 'number' ? total : 0
}
