/** A Jenkins job, folder or multibranch project as a source: its builds. */
import * as z from 'zod'
import { jenkinsBuild } from '../../sources/jenkins.ts'
import { RANK, type Delivery, type Item, type Source } from '../delivery.ts'
import type { RestClient } from '../restClient.ts'
import { toldBy, type Told } from '../told.ts'

const BUILDS_AT_ONCE = 100
/** Folders in folders. */
const DEPTH_MAX = 5
/** A build that began longer ago is looked at again only while it runs. */
const LATELY_MS = 24 * 3_600_000

const BUILD_TREE = `number,result,building,timestamp,duration,actions[causes[_class,userId],lastBuiltRevision[SHA1,branch[name]],remoteUrls],changeSet[items[paths[editType,file]]],changeSets[items[paths[editType,file]]]`

const answer = z.object({
  fullName: z.string(),
  jobs: z.array(z.object({ url: z.string() })).nullish(),
  allBuilds: z.array(z.unknown()).nullish(),
})

type Build = Told<z.output<typeof jenkinsBuild>>

export const jenkinsHeaders = (userAndToken: string | null): Readonly<Record<string, string>> => ({
  'user-agent': 'devops-mcp-server',
  ...(userAndToken === null ? {} : { authorization: `Basic ${Buffer.from(userAndToken).toString('base64')}` }),
})

export function jenkinsAdvice(status: number): string | null {
  if (status === 401 || status === 403)
    return 'give <user>:<API token> with --token-file or JENKINS_TOKEN; the user needs to see the job'
  return status === 404 ? 'is this the address of a job, and may the user see it?' : null
}

export interface JobOptions {
  /** Address of the job. */
  readonly url: string
  readonly client: RestClient
  readonly unreadable: (what: string) => void
  readonly connectedAt: number
  readonly now: () => number
}

export class JenkinsJob implements Source {
  readonly name: string
  readonly #options: JobOptions
  /** Builds that run, by job and number: when they began. */
  readonly #open = new Map<string, number>()

  constructor(options: JobOptions) {
    this.name = options.url.replace(/\/+$/, '')
    this.#options = options
  }

  readonly history = async (since: number, found: (items: number) => void): Promise<readonly Item[]> => {
    const items: Item[] = []
    await this.#read(this.name, since, DEPTH_MAX, (job, builds) => {
      items.push(...builds.map((build) => this.#itemOf(job, build)))
      found(items.length)
    })
    return items
  }

  readonly changes = (): Promise<readonly Item[]> =>
    this.history(Math.min(this.#options.now() - LATELY_MS, ...this.#open.values()), () => undefined)

  async #read(
    url: string,
    since: number,
    depth: number,
    take: (job: string, builds: readonly Build[]) => void,
  ): Promise<void> {
    for (let from = 0; ; from += BUILDS_AT_ONCE) {
      const tree = `fullName,jobs[url],allBuilds[${BUILD_TREE}]{${from},${from + BUILDS_AT_ONCE}}`
      const { body } = await this.#options.client.get(`${url}/api/json?tree=${encodeURIComponent(tree)}`)
      const told = toldBy(answer, body)
      if (!('value' in told)) {
        this.#options.unreadable(`${url}: ${told.field} ${told.reason}`)
        return
      }
      const { fullName, jobs, allBuilds } = told.value
      // Jenkins tells its own idea of its address: only the path is to be trusted.
      for (const job of depth > 0 ? (jobs ?? []) : []) {
        const path = new URL(job.url, url).pathname.replace(/\/+$/, '')
        await this.#read(new URL(path, url).href, since, depth - 1, take)
      }
      const builds = this.#each(allBuilds ?? [], url)
      take(
        fullName,
        builds.filter(({ value }) => value.timestamp >= since),
      )
      // Newest first.
      if ((allBuilds ?? []).length < BUILDS_AT_ONCE || builds.some(({ value }) => value.timestamp < since)) return
    }
  }

  #each(raws: readonly unknown[], url: string): readonly Build[] {
    return raws.flatMap((raw) => {
      const told = toldBy(jenkinsBuild, raw)
      if ('value' in told) return [told]
      this.#options.unreadable(`${url}: ${told.field} ${told.reason}`)
      return []
    })
  }

  #itemOf(job: string, { value, raw }: Build): Item {
    const { number, building, timestamp: startedAt, duration, result } = value
    const key = `${job}/${number}`
    if (building) this.#open.set(key, startedAt)
    else this.#open.delete(key)
    const endedAt = startedAt + duration
    const backfilled = !building && endedAt < this.#options.connectedAt
    const of = (phase: 'changed' | 'started' | 'finished', at: number): Delivery => ({
      at,
      rank: RANK[phase],
      kind: 'build',
      payload: { job, phase, build: raw },
      backfilled,
    })
    const failed = result === 'FAILURE' || result === 'UNSTABLE'
    const outcome = failed || result === 'SUCCESS' ? { outcome: { subject: 'ci_run' as const, failed } } : {}
    const deliveries = [
      of('changed', startedAt),
      of('started', startedAt),
      ...(building ? [] : [{ ...of('finished', endedAt), ...outcome }]),
    ]
    return { key, startedAt, changedAt: building ? startedAt : endedAt, deliveries: () => Promise.resolve(deliveries) }
  }
}
