/** Reads the history of sources once, in the order in which it happened, then what changes. The same for every provider. */
import { inBatches } from './batches.ts'
import type { Delivery, Item, Source } from './delivery.ts'
import type { GatewayDoor } from './gatewayDoor.ts'
import { inEventOrder } from './inEventOrder.ts'
import { createProgress } from './progress.ts'
import { SourceFailure } from './restClient.ts'
import type { ResumeFile } from './resumeFile.ts'
import { Tally } from './tally.ts'

const ITEMS_AT_ONCE = 4
const SAVE_EVERY_MS = 1_000
/** Refusals told one by one; the rest is counted. */
const REFUSALS_SAID_MAX = 20
/** Of what changed of late: enough to know what is new in a poll. */
const SEEN_MAX = 50_000

export interface FollowOptions {
  readonly provider: string
  readonly sources: readonly Source[]
  /** Where the history begins, ms. */
  readonly since: number
  readonly door: Pick<GatewayDoor, 'deliver'>
  readonly resumeOf: (source: Source) => Pick<ResumeFile, 'read' | 'write'>
  readonly deliveriesPerRequest: number
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly say: (line: string) => void
}

interface Unread extends Item {
  readonly source: Source
}

export class Follower {
  readonly #options: FollowOptions
  /** When an item was last sent, by its own time of change. */
  readonly #seen = new Map<string, number>()
  readonly tally = new Tally()

  constructor(options: FollowOptions) {
    this.#options = options
  }

  /** All since the beginning, or since where an earlier run ended. */
  async backfill(): Promise<void> {
    const { sources, since, now, say } = this.#options
    const beganAt = now()
    const items: Unread[] = []
    for (const source of sources) {
      const done = this.#throughOf(source)
      const found = (count: number): void => {
        say(`${source.name}: ${count} found`)
      }
      const all = await source.history(since, found)
      const fresh = all.filter(({ changedAt }) => changedAt >= done)
      const known = all.length - fresh.length
      say(`${source.name}: ${all.length} found${known === 0 ? '' : `, ${known} of them were sent before`}`)
      items.push(...fresh.map((item) => ({ ...item, source })))
    }
    await this.#send(items, (through) => {
      this.#save(through)
    })
    this.#save(beganAt)
  }

  /** Until `sleep` rejects. */
  async poll(everyMs: number): Promise<never> {
    const { sources, now, sleep, say } = this.#options
    for (;;) {
      await sleep(everyMs)
      const beganAt = now()
      const items: Unread[] = []
      for (const source of sources) {
        const changed = (await source.changes()).filter((item) => this.#isNew(source, item))
        items.push(...changed.map((item) => ({ ...item, source })))
      }
      const before = this.tally.events
      await this.#send(items, () => undefined)
      this.#save(beganAt)
      if (items.length > 0) say(`${items.length} changed, ${this.tally.events - before} events sent`)
    }
  }

  #throughOf(source: Source): number {
    const { since, resumeOf } = this.#options
    const resume = resumeOf(source).read()
    // Asked for an earlier beginning than last time: what lies before has not been sent.
    return resume === null || resume.since > since ? since : Math.max(resume.through, since)
  }

  #save(through: number): void {
    const { sources, since, resumeOf } = this.#options
    for (const source of sources) {
      const file = resumeOf(source)
      const last = file.read()
      // What an earlier run sent with an earlier beginning stays sent.
      const both = last !== null && last.since <= since
      file.write(both ? { since: last.since, through: Math.max(last.through, through) } : { since, through })
    }
  }

  async #send(items: readonly Unread[], sentThrough: (at: number) => void): Promise<void> {
    const { provider, door, deliveriesPerRequest, now, say } = this.#options
    const progress = createProgress('read and sent', items.length, now, say)
    let savedAt = now()
    const failed = (item: Item, error: unknown): void => {
      // Deleted since it was listed. Anything else ends the run, which goes on from here when started again.
      if (!(error instanceof SourceFailure) || (error.status !== 404 && error.status !== 410)) throw error
      say(`${item.key} is gone: ${error.message}`)
    }
    for await (const merged of inEventOrder(items, ITEMS_AT_ONCE, failed)) {
      for (const batch of inBatches(merged.deliveries, deliveriesPerRequest)) {
        const answer = await door.deliver(provider, batch)
        this.tally.add(batch, answer)
        this.#tellRefused(batch, answer.refused)
        const at = batch.at(-1)?.at
        if (at === undefined || now() - savedAt < SAVE_EVERY_MS) continue
        savedAt = now()
        sentThrough(at)
      }
      progress.done(merged.items)
    }
    for (const { source, key, changedAt } of items) this.#remember(`${source.name} ${key}`, changedAt)
  }

  #tellRefused(batch: readonly Delivery[], refused: readonly { index: number; field: string; reason: string }[]): void {
    const room = REFUSALS_SAID_MAX - (this.tally.refused - refused.length)
    for (const { index, field, reason } of refused.slice(0, Math.max(0, room)))
      this.#options.say(`refused: ${batch[index]?.kind ?? ''} ${field}: ${reason}`)
  }

  #isNew(source: Source, { key, changedAt }: Item): boolean {
    return changedAt > (this.#seen.get(`${source.name} ${key}`) ?? -Infinity)
  }

  #remember(key: string, changedAt: number): void {
    this.#seen.delete(key)
    this.#seen.set(key, changedAt)
    const oldest = this.#seen.keys().next()
    if (this.#seen.size > SEEN_MAX && oldest.done !== true) this.#seen.delete(oldest.value)
  }
}
