/**
 * The bytes of bodies whose sender is known only by a signature over the whole: anybody can begin one. They count as they
 * arrive, not as they are announced, and where there is no room left the one that has been arriving longest gives way.
 * Who holds a body back holds nothing but his own place; a delivery that comes in one go is never the oldest for long.
 */
import { Transform, type Readable } from 'node:stream'
import { overloaded, type Refusal } from '../refusal.ts'

interface Arriving {
  bytes: number
  readonly turnAway: (refusal: Refusal) => void
}

export class UnsignedRoom {
  readonly #bytesMax: number
  #bytes = 0
  /** In the order in which they began. */
  readonly #arriving = new Set<Arriving>()

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The body as it passes; it ends with a Refusal where it has to give way. Its bytes are held until `response` closes. */
  admit(body: Readable, response: { once(event: 'close', act: () => void): unknown }): Readable {
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, next) => {
        next(this.#grow(own, chunk.length), chunk)
      },
      flush: (next) => {
        this.#arriving.delete(own)
        next()
      },
    })
    const own: Arriving = {
      bytes: 0,
      turnAway: (refusal) => {
        counted.destroy(refusal)
      },
    }
    this.#arriving.add(own)
    response.once('close', () => {
      this.#leave(own)
    })
    // What still comes of a body that gave way is read and forgotten, so that its sender can hear the answer.
    counted.once('close', () => {
      body.unpipe(counted)
      body.resume()
    })
    body.once('error', (error) => counted.destroy(error))
    return body.pipe(counted)
  }

  #grow(own: Arriving, bytes: number): Refusal | null {
    while (this.#bytes > own.bytes && this.#bytes + bytes > this.#bytesMax) {
      const refusal = overloaded(`${this.#bytes} bytes of other requests are being read`)
      const oldest = [...this.#arriving].find((each) => each === own || each.bytes > 0)
      if (oldest === undefined || oldest === own) return refusal
      this.#leave(oldest)
      oldest.turnAway(refusal)
    }
    this.#bytes += bytes
    own.bytes += bytes
    return null
  }

  #leave(own: Arriving): void {
    this.#arriving.delete(own)
    this.#bytes -= own.bytes
    own.bytes = 0
  }
}
