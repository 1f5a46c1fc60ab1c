/** Is the broker there? Asked every few seconds, so that /readyz needs no traffic to know. */
export interface BrokerWatchOptions {
  readonly probe: () => Promise<void>
  readonly everyMs: number
  /** Ready while the last answer is no older than this. */
  readonly freshMs: number
  readonly now: () => number
  readonly reached: () => void
  readonly lost: (error: unknown) => void
}

export class BrokerWatch {
  readonly #options: BrokerWatchOptions
  #lastReachedAt: number | null = null
  #reachable: boolean | null = null
  #timer: NodeJS.Timeout | null = null
  #probing: Promise<void> | null = null
  #closed = false

  constructor(options: BrokerWatchOptions) {
    this.#options = options
  }

  /** Resolves after the first probe, whatever came of it. */
  async start(): Promise<void> {
    await this.#round()
  }

  get fresh(): boolean {
    return this.#lastReachedAt !== null && this.#options.now() - this.#lastReachedAt <= this.#options.freshMs
  }

  get lastReachedAt(): number | null {
    return this.#lastReachedAt
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#probing
  }

  async #round(): Promise<void> {
    this.#probing = this.#ask()
    await this.#probing
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#round(), this.#options.everyMs)
  }

  async #ask(): Promise<void> {
    const { probe, now, reached, lost } = this.#options
    try {
      await probe()
      this.#lastReachedAt = now()
      if (this.#reachable !== true) reached()
      this.#reachable = true
    } catch (error) {
      if (this.#reachable !== false) lost(error)
      this.#reachable = false
    }
  }
}
