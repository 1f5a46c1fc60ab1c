/** Why a record did not reach Kafka. */

/** Not acknowledged in time, or not known to be: sending it again is right, and harmless. */
export class KafkaUnavailable extends Error {
  readonly retryable = true
  readonly reason: 'timeout' | 'queue_full' | 'send_failed' | 'closed'
  constructor(reason: KafkaUnavailable['reason'], detail: string, cause?: unknown) {
    super(`Kafka did not acknowledge: ${detail}`, { cause })
    this.name = 'KafkaUnavailable'
    this.reason = reason
  }
}

export class RecordTooLarge extends Error {
  readonly retryable = false
  readonly topic: string
  /** Null where the broker refused it without saying. */
  readonly bytes: number | null
  readonly bytesMax: number | null
  constructor(topic: string, bytes: number | null, bytesMax: number | null) {
    super(
      bytes === null
        ? `a record for ${topic} is larger than the broker accepts`
        : `a record of ${bytes} bytes for ${topic}, at most ${bytesMax ?? 0} are accepted`,
    )
    this.name = 'RecordTooLarge'
    this.topic = topic
    this.bytes = bytes
    this.bytesMax = bytesMax
  }
}
