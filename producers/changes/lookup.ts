/** What is worth looking up after a webhook, and what becomes of the answer. Pure. */
import * as z from 'zod'
import type { ChangeSize, DeploymentEvent } from '../../schemas/generated/events.ts'
import { commitKey } from '../sources/githubEvent.ts'
import { eventId, type TopicEvent } from '../sources/mapping.ts'

export interface Lookup {
  /** `<owner>/<repository>` */
  readonly repository: string
  readonly sha: string
  /** What it is compared with; null: the first parent of the commit. */
  readonly base: string | null
  /** The event that wants to know. */
  readonly event: DeploymentEvent
}

const OPENING: ReadonlySet<DeploymentEvent['phase']> = new Set(['requested', 'changed'])
/** Neither part is `.` or `..`, which an address resolves. */
const REPOSITORY = /^(?!\.{1,2}\/)[\w.-]+\/(?!\.{1,2}$)[\w.-]+$/
const COMMIT = /^[0-9a-f]{40,64}$/
const ZEROS = /^0+$/

/** The parts of the payloads that name a base: of a push, a pull request, and the pull request that a run tests. */
const based = z.object({
  before: z.string().nullish().catch(null),
  pull_request: z
    .object({ head: z.object({ sha: z.string() }), base: z.object({ sha: z.string() }) })
    .nullish()
    .catch(null),
  workflow_run: z
    .object({
      pull_requests: z.array(z.object({ head: z.object({ sha: z.string() }), base: z.object({ sha: z.string() }) })),
    })
    .nullish()
    .catch(null),
})

/** Null where the event opens nothing, or names what is no commit: names become a part of an address. */
export function lookupOf({ topic, event }: TopicEvent, payload: unknown): Lookup | null {
  if (topic !== 'devops.deployments' || !OPENING.has(event.phase)) return null
  const { repository, sha } = event
  if (repository === null || sha === null || !REPOSITORY.test(repository) || !COMMIT.test(sha)) return null
  return { repository, sha, base: baseOf(sha, payload), event }
}

function baseOf(sha: string, payload: unknown): string | null {
  const told = based.safeParse(payload).data
  const pulls = [told?.pull_request, ...(told?.workflow_run?.pull_requests ?? [])]
  // A merge is another commit than the head of its pull request.
  const base = pulls.find((pull) => pull?.head.sha === sha)?.base.sha ?? told?.before ?? ''
  return COMMIT.test(base) && !ZEROS.test(base) ? base : null
}

/** The change as the service of the event that wanted it hears of it. Looked up again it is the same event. */
export function changeEvent({ event, repository, sha, base }: Lookup, change: ChangeSize, now: number): TopicEvent {
  const key = commitKey(repository, sha)
  return {
    topic: 'devops.deployments',
    event: {
      ...event,
      id: eventId('github', event.service, key, 'changed', 1, 'compared', base),
      receivedAt: now,
      subject: 'change',
      phase: 'changed',
      key,
      attempt: 1,
      conclusion: null,
      name: null,
      workflow: null,
      step: null,
      links: [],
      change,
    },
  }
}
