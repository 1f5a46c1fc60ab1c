/** A repository on GitHub as a source: what its history holds, and what changed of late. */
import type { Delivery, Item, Source } from '../delivery.ts'
import type { GithubApi } from './githubApi.ts'
import {
  changeOfRun,
  deliveriesOfAttempt,
  deliveriesOfDeployment,
  deliveriesOfPull,
  FINAL_STATES,
  runIdOf,
} from './githubDeliveries.ts'
import type { RestDeployment, RestPull, RestRun } from './githubShapes.ts'

const DAY_MS = 24 * 3_600_000

/** What costs a request for each run, or for each commit. */
export type Skippable = 'jobs' | 'changes'

export interface RepositoryOptions {
  /** `<owner>/<repository>` */
  readonly name: string
  readonly api: GithubApi
  readonly skip: ReadonlySet<Skippable>
  readonly connectedAt: number
  readonly now: () => number
}

export class GithubRepository implements Source {
  readonly name: string
  readonly #options: RepositoryOptions
  readonly #runs = new Map<number, RestRun>()
  readonly #openRuns = new Set<number>()
  readonly #openDeployments = new Set<number>()
  /** When a commit was first tested. */
  readonly #testedAt = new Map<string, number>()
  /** Commits of which the change is or will be told. */
  readonly #changes = new Set<string>()
  /** By branch: what it had when it was last pushed to. */
  readonly #heads = new Map<string, string>()

  constructor(options: RepositoryOptions) {
    this.name = options.name
    this.#options = options
  }

  readonly history = async (since: number, found: (items: number) => void): Promise<readonly Item[]> => {
    const { api, now } = this.#options
    // Ranges share their ends.
    const runs = new Map<number, RestRun>()
    for await (const page of api.runs(since, now())) {
      for (const run of page) runs.set(run.value.id, run)
      found(runs.size)
    }
    const deployments: RestDeployment[] = []
    for await (const page of api.deployments()) {
      deployments.push(...page.filter(({ value }) => value.created_at >= since))
      if (page.some(({ value }) => value.created_at < since)) break
    }
    found(runs.size + deployments.length)
    return this.#items([...runs.values()], deployments, await this.#pullsSince(since, false))
  }

  readonly changes = async (): Promise<readonly Item[]> => {
    const { api, now } = this.#options
    const since = now() - DAY_MS
    const runs = [...(await api.latelyRun(since))]
    const listed = new Set(runs.map(({ value }) => value.id))
    for (const id of this.#openRuns) {
      if (listed.has(id)) continue
      const run = await api.run(id)
      if (run === null) this.#openRuns.delete(id)
      else runs.push(run)
    }
    const deployments: RestDeployment[] = []
    for (const deployment of await api.newestDeployments()) deployments.push(await this.#withStatuses(deployment))
    return this.#items(runs, deployments, await this.#pullsSince(since, true))
  }

  async #pullsSince(since: number, remember: boolean): Promise<readonly RestPull[]> {
    const pulls: RestPull[] = []
    if (this.#options.skip.has('changes')) return pulls
    for await (const page of this.#options.api.pulls(remember)) {
      pulls.push(...page.filter(({ value }) => value.updated_at >= since))
      if (page.some(({ value }) => value.updated_at < since)) break
    }
    // A comment on what was merged long ago is no change of the code.
    return pulls.filter(({ value }) => (value.merged_at ?? value.closed_at ?? Infinity) >= since)
  }

  /** While one runs, its statuses are looked at each time: they are what it waits for. */
  async #withStatuses(deployment: RestDeployment): Promise<RestDeployment> {
    const { value } = deployment
    if (!this.#openDeployments.has(value.id)) return deployment
    const statuses = await this.#options.api.statuses(value.id)
    const last = Math.max(value.updated_at ?? 0, ...statuses.map((status) => status.value.created_at))
    return { ...deployment, value: { ...value, updated_at: last } }
  }

  #items(
    runs: readonly RestRun[],
    deployments: readonly RestDeployment[],
    pulls: readonly RestPull[],
  ): readonly Item[] {
    for (const run of runs) this.#note(run)
    const items = pulls.map((pull) => this.#itemOfPull(pull))
    for (const run of runs.toSorted((a, b) => a.value.created_at - b.value.created_at)) items.push(this.#itemOfRun(run))
    return [...items, ...deployments.map((deployment) => this.#itemOfDeployment(deployment))]
  }

  #note(run: RestRun): void {
    const { id, head_sha: sha, created_at: created, status } = run.value
    this.#runs.set(id, run)
    this.#testedAt.set(sha, Math.min(created, this.#testedAt.get(sha) ?? Infinity))
    if (status === 'completed') this.#openRuns.delete(id)
    else this.#openRuns.add(id)
  }

  #itemOfRun(run: RestRun): Item {
    const { id, created_at: startedAt, updated_at: changedAt } = run.value
    const change = this.#changeOf(run)
    const deliveries = async (): Promise<readonly Delivery[]> => [
      ...((await change()) ?? []),
      ...(await this.#attemptsOf(run)),
    ]
    return { key: `run/${id}`, startedAt, changedAt, deliveries }
  }

  async #attemptsOf(run: RestRun): Promise<readonly Delivery[]> {
    const { name, api, skip, connectedAt } = this.#options
    const { id, run_attempt: last } = run.value
    const jobs = skip.has('jobs') ? [] : await api.jobs(id)
    const found: Delivery[] = []
    for (let number = 1; number <= last; number += 1) {
      const attempt = number === last ? run : await api.attempt(id, number)
      if (attempt === null) continue
      const own = jobs.filter(({ value }) => value.run_attempt === number)
      found.push(...deliveriesOfAttempt(name, attempt, own, connectedAt))
    }
    return found
  }

  /** Decided in the order of the runs, asked for later. */
  #changeOf(run: RestRun): () => Promise<readonly Delivery[] | null> {
    const { name, api, skip } = this.#options
    const { head_sha: sha, event, head_branch: branch, pull_requests: pulls } = run.value
    const nothing = (): Promise<null> => Promise.resolve(null)
    const pull = pulls?.[0]
    if (skip.has('changes') || this.#changes.has(sha)) return nothing
    if (event === 'push' && typeof branch === 'string') {
      this.#changes.add(sha)
      const before = this.#heads.get(branch)
      this.#heads.set(branch, sha)
      return async () => {
        const compared = before === undefined ? null : await api.comparedFiles(before, sha)
        if (before !== undefined && compared !== null) return [changeOfRun(name, run, before, compared)]
        const commit = await api.commit(sha)
        return commit === null ? null : [changeOfRun(name, run, commit.parent, commit.files)]
      }
    }
    if (pull?.head.sha !== sha) return nothing
    this.#changes.add(sha)
    return async () => {
      const files = await api.comparedFiles(pull.base.sha, sha)
      return files === null ? null : [changeOfRun(name, run, pull.base.sha, files)]
    }
  }

  #itemOfPull(pull: RestPull): Item {
    const { name, api } = this.#options
    const { number, head, created_at: created, updated_at: changedAt, merged_at: merged } = pull.value
    this.#changes.add(head.sha)
    const startedAt = Math.min(this.#testedAt.get(head.sha) ?? created, merged ?? Infinity)
    const deliveries = async (): Promise<readonly Delivery[]> =>
      deliveriesOfPull(name, pull, await api.pullFiles(number), startedAt)
    return { key: `pull/${number}`, startedAt, changedAt, deliveries }
  }

  #itemOfDeployment(deployment: RestDeployment): Item {
    const { name, api, connectedAt } = this.#options
    const { id, created_at: startedAt, updated_at: updated } = deployment.value
    const deliveries = async (): Promise<readonly Delivery[]> => {
      const statuses = await api.statuses(id)
      if (statuses.some(({ value }) => FINAL_STATES.has(value.state))) this.#openDeployments.delete(id)
      else this.#openDeployments.add(id)
      const runId = runIdOf(statuses)
      const run = runId === null ? null : (this.#runs.get(runId) ?? (await api.run(runId)))
      return deliveriesOfDeployment(name, deployment, statuses, run, connectedAt)
    }
    return { key: `deployment/${id}`, startedAt, changedAt: updated ?? startedAt, deliveries }
  }
}
