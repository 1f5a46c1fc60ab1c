/** Files as GitHub's REST API, `gh api` or `gh run list --json` give them, as items of a history. */
import { createReadStream } from 'node:fs'
import type * as z from 'zod'
import type { Delivery, Item } from '../connect/delivery.ts'
import {
  deliveriesOfAttempt,
  deliveriesOfDeployment,
  deliveriesOfPull,
  runIdOf,
} from '../connect/github/githubDeliveries.ts'
import {
  restDeployment,
  restJob,
  restPull,
  restRun,
  restStatus,
  type RestDeployment,
  type RestJob,
  type RestPull,
  type RestRun,
  type RestStatus,
} from '../connect/github/githubShapes.ts'
import { toldBy, type Told } from '../connect/told.ts'
import type { Findings } from './findings.ts'
import { isGhRun, restRunOfGh } from './ghRun.ts'
import { jsonElements } from './jsonElements.ts'

type Json = Readonly<Record<string, unknown>>

/** What a file says, with where it says it. */
interface Placed<T> {
  readonly told: T
  readonly repository: string
  readonly where: string
}

/** Lists of the API come in pages: an object that has one of these. */
const PAGES = ['workflow_runs', 'jobs', 'deployments', 'items'] as const

export interface GithubFiles {
  readonly items: readonly Item[]
  /** Where the file says what a delivery is made of. */
  readonly whereOf: (delivery: Delivery) => string
}

export async function readGithubFiles(files: readonly string[], findings: Findings): Promise<GithubFiles> {
  const content = new Content(findings)
  for (const file of files) {
    for await (const { line, text } of jsonElements(createReadStream(file))) {
      const where = `${file}:${line}`
      try {
        content.add(JSON.parse(text), where, '')
      } catch (error) {
        findings.add(where, '', `is no JSON: ${error instanceof Error ? error.message.slice(0, 120) : ''}`)
      }
    }
  }
  return content.history()
}

class Content {
  readonly #findings: Findings
  readonly #runs = new Map<string, Placed<RestRun>>()
  readonly #runOfId = new Map<string, RestRun>()
  readonly #jobs = new Map<string, Placed<RestJob>[]>()
  readonly #deployments: Placed<RestDeployment>[] = []
  readonly #statuses = new Map<string, Placed<RestStatus>[]>()
  readonly #pulls: Placed<RestPull>[] = []
  readonly #whereOf = new WeakMap<object, string>()

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /** `path`: within the value that stands at `where`. */
  add(value: unknown, where: string, path: string): void {
    const list = Array.isArray(value) ? { '': value as readonly unknown[] } : pageOf(value)
    for (const [name, elements] of Object.entries(list ?? {}))
      for (const [index, element] of elements.entries())
        this.add(element, where, [path, name, String(index)].filter((part) => part !== '').join('.'))
    if (list === null) this.#addOne(value, where, path)
  }

  #addOne(value: unknown, where: string, path: string): void {
    const found = (field: string, reason: string): void => {
      this.#findings.add(where, [path, field].filter((part) => part !== '').join('.'), reason)
    }
    if (typeof value !== 'object' || value === null) {
      found('', 'is no object')
      return
    }
    const raw = value as Json
    const repository = repositoryOf(raw)
    if (repository === null) {
      found('url', 'names no repository')
      return
    }
    const take = <T>(schema: z.ZodType<T>, of: unknown, keep: (placed: Placed<Told<T>>) => void): void => {
      const told = toldBy(schema, of)
      if ('value' in told) keep({ told, repository, where })
      else found(told.field, told.reason)
    }
    if (isGhRun(raw) || 'workflow_id' in raw)
      take(restRun, isGhRun(raw) ? restRunOfGh(raw) : raw, (run) => {
        const { id, run_attempt: attempt } = run.told.value
        this.#runs.set(keyOf(repository, id, attempt), run)
        this.#runOfId.set(keyOf(repository, id), run.told)
      })
    else if ('run_id' in raw)
      take(restJob, raw, (job) => {
        listAt(this.#jobs, keyOf(repository, job.told.value.run_id, job.told.value.run_attempt)).push(job)
      })
    else if ('deployment_url' in raw)
      take(restStatus, raw, (status) => {
        const id = Number(/\/(\d+)$/.exec(String(raw['deployment_url']))?.[1])
        listAt(this.#statuses, keyOf(repository, id)).push(status)
      })
    else if ('statuses_url' in raw && 'task' in raw)
      take(restDeployment, raw, (deployment) => this.#deployments.push(deployment))
    else if ('merge_commit_sha' in raw) take(restPull, raw, (pull) => this.#pulls.push(pull))
    else found('', 'is no workflow run, job, deployment, deployment status or pull request')
  }

  history(): GithubFiles {
    const items = [
      ...[...this.#runs].map(([key, run]) => this.#itemOfRun(key, run)),
      ...this.#deployments.map((deployment) => this.#itemOfDeployment(deployment)),
      ...this.#pulls.map((pull) => this.#itemOfPull(pull)),
    ]
    // What is left belongs to nothing that a file tells of.
    for (const job of [...this.#jobs.values()].flat())
      this.#findings.add(job.where, 'run_id', `there is no run ${job.told.value.run_id} in the files`)
    for (const status of [...this.#statuses.values()].flat())
      this.#findings.add(status.where, 'deployment_url', 'there is no such deployment in the files')
    return { items, whereOf: ({ payload }) => this.#whereOf.get(payload) ?? '' }
  }

  #itemOfRun(key: string, { told, repository, where }: Placed<RestRun>): Item {
    const jobs = this.#jobs.get(key) ?? []
    this.#jobs.delete(key)
    return this.#item(where, `run/${key}`, () =>
      deliveriesOfAttempt(
        repository,
        told,
        jobs.map((job) => job.told),
        Infinity,
      ),
    )
  }

  #itemOfDeployment({ told, repository, where }: Placed<RestDeployment>): Item {
    const key = keyOf(repository, told.value.id)
    const statuses = (this.#statuses.get(key) ?? []).map((status) => status.told)
    this.#statuses.delete(key)
    const runId = runIdOf(statuses)
    const run = runId === null ? null : (this.#runOfId.get(keyOf(repository, runId)) ?? null)
    return this.#item(where, `deployment/${told.value.id}`, () =>
      deliveriesOfDeployment(repository, told, statuses, run, Infinity),
    )
  }

  #itemOfPull({ told, repository, where }: Placed<RestPull>): Item {
    const at = Math.min(told.value.created_at, told.value.merged_at ?? Infinity)
    return this.#item(where, `pull/${told.value.number}`, () => deliveriesOfPull(repository, told, null, at))
  }

  /** All of it is history, also what was still running when the file was written. */
  #item(where: string, key: string, deliveriesOf: () => readonly Delivery[]): Item {
    const times = deliveriesOf().map(({ at }) => at)
    const deliveries = (): Promise<readonly Delivery[]> => {
      const made = deliveriesOf().map((delivery) => ({ ...delivery, backfilled: true }))
      for (const { payload } of made) this.#whereOf.set(payload, where)
      return Promise.resolve(made)
    }
    return { key, startedAt: Math.min(...times), changedAt: Math.max(...times), deliveries }
  }
}

const keyOf = (...parts: readonly (string | number)[]): string => parts.join('/')

function listAt<T>(lists: Map<string, T[]>, key: string): T[] {
  const list = lists.get(key) ?? []
  lists.set(key, list)
  return list
}

function pageOf(value: unknown): Record<string, readonly unknown[]> | null {
  if (typeof value !== 'object' || value === null) return null
  const name = PAGES.find((each) => Array.isArray((value as Json)[each]))
  return name === undefined ? null : { [name]: (value as Json)[name] as readonly unknown[] }
}

/** From the address that every object of the API has; `gh` gives that of the page for people. */
function repositoryOf(raw: Json): string | null {
  const url = typeof raw['url'] === 'string' ? raw['url'] : ''
  return (
    /\/repos\/([^/]+\/[^/]+)\//.exec(url)?.[1] ??
    /^https?:\/\/[^/]+\/([^/]+\/[^/]+)\/actions\/runs\//.exec(url)?.[1] ??
    null
  )
}
