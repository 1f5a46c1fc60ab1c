/**
 * The narrow port to Kafka: publish a batch, subscribe with a batch handler, transact, read a topic to its end, admin.
 * kafkajs.ts is its one implementation. Values are encoded by the caller (codec.ts).
 */
export interface OutgoingRecord {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer | string | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string>>
}

export interface IncomingRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** LogAppendTime, ms. */
  readonly at: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, string>>
}

/** An idempotent producer, acks=all. After a fatal error it replaces its connection by a new producer by itself. */
export interface Publisher {
  /** Resolves when all records are acknowledged; rejects with KafkaUnavailable (retryable) or RecordTooLarge. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  close(): Promise<void>
}

/** Committed position of a group: topic → partition → next offset; −1n = none. */
export type Positions = ReadonlyMap<string, ReadonlyMap<number, bigint>>
