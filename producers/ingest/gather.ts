/**
 * Holds records back for a while so that many go out in one send, since a send costs far more than what is in it. A
 * sender that waits for our answer before it sends more is not held up: when all of the last send's senders came back at
 * once, the next send leaves as soon as that many wait.
 */
import type { OutgoingRecord, Publisher } from '../../runtime/kafka/port.ts'

/** A sender that comes back this soon after its answer had more to send all along. */
const AT_ONCE_MS = 10

interface Waiting {
  readonly records: readonly OutgoingRecord[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Gather implements Publisher {
  readonly #publisher: Publisher
  readonly #lingerMs: number
  readonly #now: () => number
  #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | null = null
  /** How many the last acknowledged send carried, when it was acknowledged, and how many came at once after that. */
  #last: { readonly carried: number; at: number; back: number } = { carried: 0, at: -Infinity, back: 0 }
  #closed = false

  constructor(publisher: Publisher, lingerMs: number, now: () => number = () => performance.now()) {
    this.#publisher = publisher
    this.#lingerMs = lingerMs
    this.#now = now
  }

  publish(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#closed) return this.#publisher.publish(records)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, resolve, reject })
      if (this.#now() - this.#last.at <= AT_ONCE_MS) this.#last.back += 1
      const allBack = this.#last.carried > 0 && this.#last.back >= this.#last.carried
      if (allBack && this.#waiting.length >= this.#last.carried) this.#send()
      else
        this.#timer ??= setTimeout(() => {
          this.#send()
        }, this.#lingerMs)
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#send()
    await this.#publisher.close()
  }

  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const batch = this.#waiting
    this.#waiting = []
    const round = { carried: batch.length, at: -Infinity, back: 0 }
    const told = (): void => {
      round.at = this.#now()
      this.#last = round
    }
    // One call each, in one turn: the publisher sends them together, and refuses one without the others.
    for (const { records, resolve, reject } of batch) {
      void this.#publisher.publish(records).finally(told).then(resolve, reject)
    }
  }
}
