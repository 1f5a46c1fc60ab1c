/** The bytes of bodies that are being read or worked on: taken before the first of them, given back with the answer. */
import { overloaded, type Refusal } from '../refusal.ts'

export class BodyRoom {
  readonly #bytesMax: number
  readonly #bodyBytesMax: number
  #bytes = 0

  constructor(bytesMax: number, bodyBytesMax: number) {
    this.#bytesMax = bytesMax
    this.#bodyBytesMax = bodyBytesMax
  }

  /**
   * `announced`: the content-length; null where there is none, and the body may become as large as one can be. Held until
   * `response` closes, which it does whether it was sent or its connection was lost. One body alone always has room.
   */
  take(announced: number | null, response: { once(event: 'close', act: () => void): unknown }): Refusal | null {
    const bytes = Math.min(announced ?? this.#bodyBytesMax, this.#bodyBytesMax)
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
      return overloaded(`${this.#bytes} bytes of other requests are being read`)
    }
    this.#bytes += bytes
    response.once('close', () => {
      this.#bytes -= bytes
    })
    return null
  }
}
