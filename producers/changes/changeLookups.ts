/**
 * Asks GitHub for the size of changes that webhooks tell in part or not at all. Off the way of the webhooks: they are answered first,
 * what is found goes to Kafka as an event of its own, and what cannot be found is left out and counted.
 */
import type { ChangeSize } from '../../schemas/generated/events.ts'
import { sizeOfCompared } from '../sources/githubChanges.ts'
import { comparedFile } from '../sources/githubPayloads.ts'
import type { TopicEvent } from '../sources/mapping.ts'
import { changeEvent, lookupOf, type Lookup } from './lookup.ts'
import type { KnownChanges } from './knownChanges.ts'

const WAITING_MAX = 1_000
const PUBLISH_TRIES_MAX = 6
const RETRY_MS = 1_000

/** `known`: it was told while it waited. `dropped`: too many wait. `gone`: GitHub has no such commit. */
export type LookupResult = 'found' | 'known' | 'gone' | 'failed' | 'dropped'

export interface LookupTelemetry {
  lookedUp(result: LookupResult): void
  lookupFailed(repository: string, error: unknown): void
  lookupsWaiting(count: number): void
}

export interface LookupDeps {
  readonly known: Pick<KnownChanges, 'wholeOf'>
  /** Files of a commit against its base, or its first parent; null where there is no such commit. Throws a SourceFailure. */
  readonly filesOf: (lookup: Lookup) => Promise<readonly unknown[] | null>
  /** Rejects where Kafka does not have it. */
  readonly publish: (event: TopicEvent) => Promise<void>
  readonly telemetry: LookupTelemetry
  readonly now: () => number
  /** Rejects when the process stops. */
  readonly sleep: (ms: number) => Promise<void>
  /** The process stops. */
  readonly signal: AbortSignal
  readonly waitingMax?: number
}

export interface ChangeLookups {
  /** Never throws and never waits: the delivery was accepted already. */
  afterWebhook(events: readonly TopicEvent[], payload: unknown): void
}

export function createChangeLookups(deps: LookupDeps): ChangeLookups {
  const { known, filesOf, publish, telemetry, now, sleep, signal, waitingMax = WAITING_MAX } = deps
  /** By commit and service, the oldest first. */
  const waiting = new Map<string, Lookup>()
  let working: Promise<void> | null = null

  async function work(): Promise<void> {
    for (;;) {
      const [next] = waiting
      if (next === undefined || signal.aborted) break
      const [name, lookup] = next
      // It stays in its place while it is asked for: a repeat of the delivery asks nothing.
      const result = await resultOf(lookup)
      telemetry.lookedUp(result)
      waiting.delete(name)
      telemetry.lookupsWaiting(waiting.size)
    }
    working = null
  }

  async function resultOf(lookup: Lookup): Promise<LookupResult> {
    try {
      const size = known.wholeOf(lookup.event)
      const found = size ?? (await sizeOf(lookup))
      if (found === null) return 'gone'
      await publishPatiently(changeEvent(lookup, found, now()))
      return size === null ? 'found' : 'known'
    } catch (error) {
      if (!signal.aborted) telemetry.lookupFailed(lookup.repository, error)
      return 'failed'
    }
  }

  async function sizeOf(lookup: Lookup): Promise<ChangeSize | null> {
    const files = await filesOf(lookup)
    return files === null ? null : sizeOfCompared(files.flatMap((file) => comparedFile.safeParse(file).data ?? []))
  }

  async function publishPatiently(event: TopicEvent): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await publish(event)
        return
      } catch (error) {
        if (tries >= PUBLISH_TRIES_MAX) throw error
        await sleep(RETRY_MS * 2 ** (tries - 1))
      }
    }
  }

  return {
    afterWebhook(events, payload) {
      for (const event of events) {
        const lookup = lookupOf(event, payload)
        // A run of another service carries what is known.
        if (lookup === null || known.wholeOf(lookup.event) !== null) continue
        const name = JSON.stringify([lookup.repository, lookup.sha, lookup.event.service])
        const other = waiting.get(name)
        // A push names the commit before it, the run that it starts does not.
        if (other !== undefined && (other.base !== null || lookup.base === null)) continue
        if (other === undefined && waiting.size >= waitingMax) {
          telemetry.lookedUp('dropped')
          continue
        }
        waiting.set(name, lookup)
        telemetry.lookupsWaiting(waiting.size)
        working ??= work()
      }
    },
  }
}
