/** The endpoints of GitLab's REST API that are read: https://docs.gitlab.com/api/rest/. */
import * as z from 'zod'
import { gitlabDeployment, gitlabJob, gitlabPipeline, type gitlabFile } from '../../sources/gitlab.ts'
import { SourceFailure, type RestClient } from '../restClient.ts'
import { toldBy, type Told } from '../told.ts'

export const GITLAB_URL = 'https://gitlab.com/api/v4'
const PER_PAGE = 'per_page=100'

const time = z.iso.datetime({ offset: true }).transform((value) => Date.parse(value))
/** Who ran it and when it ended is told of a single one only. */
const listedPipeline = z.object({ id: z.int(), status: z.string(), created_at: time, updated_at: time })
const mergeRequest = z.object({
  iid: z.int(),
  sha: z.string().nullish(),
  merge_commit_sha: z.string().nullish(),
  squash_commit_sha: z.string().nullish(),
  target_branch: z.string(),
  created_at: time,
  updated_at: time,
  merged_at: time.nullish(),
  author: z.object({ username: z.string() }).nullish(),
})
const diff = z.object({
  new_path: z.string(),
  new_file: z.boolean(),
  deleted_file: z.boolean(),
  diff: z.string().nullish(),
})

export type ListedPipeline = z.output<typeof listedPipeline>
export type MergeRequest = z.output<typeof mergeRequest>
export type Pipeline = Told<z.output<typeof gitlabPipeline>>
export type Job = Told<z.output<typeof gitlabJob>>
export type Deployment = Told<z.output<typeof gitlabDeployment>>
export type File = z.output<typeof gitlabFile>

/** A header that redirects drop: GitLab's own would be sent on. */
export const gitlabHeaders = (token: string | null): Readonly<Record<string, string>> => ({
  'user-agent': 'devops-mcp-server',
  ...(token === null ? {} : { authorization: `Bearer ${token}` }),
})

export function gitlabAdvice(status: number): string | null {
  if (status === 401) return 'the token is wrong or has expired: give another with --token-file or GITLAB_TOKEN'
  if (status === 403) return 'the token may not read this: it needs the scope read_api'
  if (status === 404)
    return 'is the path right, and may the token read the project? GitLab answers so for private ones too'
  return null
}

export class GitlabApi {
  readonly #client: RestClient
  readonly #root: string
  readonly #unreadable: (what: string) => void

  constructor(client: RestClient, project: string, unreadable: (what: string) => void) {
    this.#client = client
    this.#root = `/projects/${encodeURIComponent(project)}`
    this.#unreadable = unreadable
  }

  async *pipelines(updatedAfter: number): AsyncGenerator<readonly ListedPipeline[], void> {
    const path = `${this.#root}/pipelines?${PER_PAGE}&order_by=id&sort=asc&updated_after=${iso(updatedAfter)}`
    for await (const page of this.#pages(listedPipeline, path)) yield page.map(({ value }) => value)
  }

  async pipeline(id: number): Promise<Pipeline | null> {
    const { body } = await this.#client.get(`${this.#root}/pipelines/${id}`)
    return this.#each(gitlabPipeline, [body])[0] ?? null
  }

  async jobs(pipeline: number): Promise<readonly Job[]> {
    return (
      await Array.fromAsync(
        this.#pages(gitlabJob, `${this.#root}/pipelines/${pipeline}/jobs?include_retried=true&${PER_PAGE}`),
      )
    ).flat()
  }

  async *deployments(updatedAfter: number): AsyncGenerator<readonly Deployment[], void> {
    const order = `order_by=updated_at&sort=asc&updated_after=${iso(updatedAfter)}`
    yield* this.#pages(gitlabDeployment, `${this.#root}/deployments?${PER_PAGE}&${order}`)
  }

  async *merged(updatedAfter: number): AsyncGenerator<readonly MergeRequest[], void> {
    const path = `${this.#root}/merge_requests?state=merged&${PER_PAGE}&updated_after=${iso(updatedAfter)}`
    for await (const page of this.#pages(mergeRequest, path)) yield page.map(({ value }) => value)
  }

  async mergeRequestFiles(iid: number): Promise<readonly File[]> {
    return (await Array.fromAsync(this.#pages(diff, `${this.#root}/merge_requests/${iid}/diffs?${PER_PAGE}`)))
      .flat()
      .map(({ value }) => fileOf(value))
  }

  /** `from` null: the first parent. Null where one of them is gone. */
  async comparedFiles(from: string | null, to: string): Promise<readonly File[] | null> {
    const range = from === null ? `commits/${to}/diff?${PER_PAGE}` : `compare?from=${from}&to=${to}`
    try {
      const { body } = await this.#client.get(`${this.#root}/repository/${range}`)
      const diffs = from === null ? body : (body as { readonly diffs?: unknown } | null)?.diffs
      return this.#each(diff, listOf(diffs)).map(({ value }) => fileOf(value))
    } catch (error) {
      if (error instanceof SourceFailure && error.status === 404) return null
      throw error
    }
  }

  async *#pages<T>(schema: z.ZodType<T>, path: string): AsyncGenerator<readonly Told<T>[], void> {
    for await (const page of this.#client.pages(path)) yield this.#each(schema, listOf(page))
  }

  #each<T>(schema: z.ZodType<T>, raws: readonly unknown[]): readonly Told<T>[] {
    return raws.flatMap((raw) => {
      const told = toldBy(schema, raw)
      if ('value' in told) return [told]
      this.#unreadable(`${this.#root}: ${told.field} ${told.reason}`)
      return []
    })
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()
const listOf = (body: unknown): readonly unknown[] => (Array.isArray(body) ? (body as readonly unknown[]) : [])

/** GitLab gives the text of the diff, which stays here: only its lines are counted. */
function fileOf({ new_path: path, new_file: isNew, deleted_file: isDeleted, diff: text }: z.output<typeof diff>): File {
  const lines = (text ?? '').split('\n')
  return {
    path,
    change: isNew ? 'added' : isDeleted ? 'deleted' : 'modified',
    added: lines.filter((line) => line.startsWith('+')).length,
    deleted: lines.filter((line) => line.startsWith('-')).length,
  }
}
