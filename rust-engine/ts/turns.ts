import { ReadsBusy } from './errors.ts'

const WAITING_MAX = 64

/** Lets some reads run at once and others wait for their turn, in their order. */
export class Turns {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  async take<T>(read: () => Promise<T>): Promise<T> {
    if (this.#free === 0) {
      if (this.#waiting.length >= WAITING_MAX) throw new ReadsBusy(this.#waiting.length)
      await new Promise<void>((go) => this.#waiting.push(go))
    } else {
      this.#free -= 1
    }
    try {
      return await read()
    } finally {
      // A turn goes from hand to hand, so that nobody overtakes who waits.
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
