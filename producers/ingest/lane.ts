/**
 * The way of a request's records into Kafka: bounded in bytes, resolved by the acknowledgement. Order, batches and time
 * limits are the publisher's.
 */
import { KafkaUnavailable, RecordTooLarge } from '../../runtime/kafka/errors.ts'
import { bytesOf } from '../../runtime/kafka/outbox.ts'
import type { OutgoingRecord, Publisher } from '../../runtime/kafka/port.ts'
import { overloaded, Refusal, tooLarge } from '../refusal.ts'

const RETRY_AWAY_SECONDS = 5

export interface LaneTelemetry {
  published(records: number, seconds: number): void
  failed(records: number, error: unknown): void
  bytesHeld(bytes: number): void
}

export class Lane {
  readonly #publisher: Publisher
  readonly #heldBytesMax: number
  readonly #telemetry: LaneTelemetry
  #heldBytes = 0

  constructor(publisher: Publisher, heldBytesMax: number, telemetry: LaneTelemetry) {
    this.#publisher = publisher
    this.#heldBytesMax = heldBytesMax
    this.#telemetry = telemetry
  }

  /** Why a body of that size is not worth reading now; null while there is room. */
  refusalOf(bytes: number): Refusal | null {
    return this.#heldBytes > 0 && this.#heldBytes + bytes > this.#heldBytesMax
      ? overloaded(`${this.#heldBytes} bytes wait for Kafka`)
      : null
  }

  /** Resolves when Kafka has all records; rejects with a Refusal that says whether it may have them all the same. */
  async publish(records: readonly OutgoingRecord[]): Promise<void> {
    if (records.length === 0) return
    const bytes = records.reduce((sum, record) => sum + bytesOf(record), 0)
    if (bytes > this.#heldBytesMax) throw tooLarge('body', `makes ${bytes} bytes, at most ${this.#heldBytesMax}`)
    if (this.#heldBytes + bytes > this.#heldBytesMax) throw overloaded(`${this.#heldBytes} bytes wait for Kafka`)
    const startedAt = performance.now()
    this.#hold(bytes)
    try {
      await this.#publisher.publish(records)
      this.#telemetry.published(records.length, (performance.now() - startedAt) / 1000)
    } catch (error) {
      // What is too large was never asked of Kafka; it is counted as refused.
      if (!(error instanceof RecordTooLarge)) this.#telemetry.failed(records.length, error)
      throw refusalOf(error)
    } finally {
      this.#hold(-bytes)
    }
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes
    this.#telemetry.bytesHeld(this.#heldBytes)
  }
}

function refusalOf(error: unknown): unknown {
  if (error instanceof RecordTooLarge) return tooLarge('body', `${error.message}; send less in one request`)
  if (!(error instanceof KafkaUnavailable)) return error
  if (error.reason === 'queue_full') return overloaded('Kafka takes less than what comes')
  if (error.reason === 'closed') {
    return new Refusal(503, 'unavailable', 'the gateway is stopping; nothing was accepted', {
      retryAfterSeconds: RETRY_AWAY_SECONDS,
    })
  }
  // Sent or not is unknown: every event has an id by which a repeat is recognised.
  return new Refusal(
    503,
    error.reason === 'timeout' ? 'unconfirmed' : 'unavailable',
    'Kafka has not acknowledged in time; the request may have been accepted, a repeat is harmless',
    { retryAfterSeconds: RETRY_AWAY_SECONDS },
  )
}
