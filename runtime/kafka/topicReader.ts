/**
 * Reads partitions of a topic to the ends they had when reading began, then follows if wanted. Nothing is committed: who
 * reads keeps the position. Only committed records are given (read_committed).
 */
import { randomUUID } from 'node:crypto'
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import type { TopicName } from '../../schemas/topics.ts'
import { Undecodable, type Codec, type ValueOf } from './codec.ts'
import { fetchEnds } from './ends.ts'
import { incoming } from './incoming.ts'
import type { TopicReader, TopicReaderOptions } from './port.ts'

const MAX_WAIT_MS = 250
const REGISTRY_RETRY_MS = 500
const REOPEN_MS = 1_000
const LEAVE_MS_MAX = 2_000

export async function readTopic<T extends TopicName>(
  kafka: Kafka,
  codec: Codec,
  options: TopicReaderOptions<T>,
): Promise<TopicReader> {
  const ends = await fetchEnds(kafka, options.topic)
  const wanted = options.partitions ?? [...ends.keys()]
  const starts = new Map<number, bigint>()
  const goals = new Map<number, bigint>()
  for (const partition of wanted) {
    const { low, high } = ends.get(partition) ?? { low: 0n, high: 0n }
    const from = options.from === 'beginning' ? low : (options.from.get(partition) ?? low)
    starts.set(partition, from < low || from > high ? low : from)
    goals.set(partition, high)
  }
  const reader = new PartitionsReader(
    kafka,
    codec,
    options,
    starts,
    goals,
    [...ends.keys()].filter((partition) => !starts.has(partition)),
  )
  await reader.start()
  return reader
}

class PartitionsReader<T extends TopicName> implements TopicReader {
  readonly caughtUp: Promise<void>
  readonly starts: ReadonlyMap<number, bigint>
  readonly #kafka: Kafka
  readonly #codec: Codec
  readonly #options: TopicReaderOptions<T>
  readonly #goals: ReadonlyMap<number, bigint>
  readonly #positions: Map<number, bigint>
  readonly #behind: Set<number>
  readonly #unwanted: readonly number[]
  #consumer: Consumer | null = null
  #reopening: NodeJS.Timeout | undefined
  readonly #settle: { readonly resolve: () => void; readonly reject: (error: Error) => void }
  #closing: Promise<void> | null = null

  constructor(
    kafka: Kafka,
    codec: Codec,
    options: TopicReaderOptions<T>,
    starts: ReadonlyMap<number, bigint>,
    goals: ReadonlyMap<number, bigint>,
    unwanted: readonly number[],
  ) {
    this.#kafka = kafka
    this.#unwanted = unwanted
    this.#codec = codec
    this.#options = options
    this.starts = starts
    this.#positions = new Map(starts)
    this.#goals = goals
    this.#behind = new Set([...goals].filter(([p, end]) => (starts.get(p) ?? 0n) < end).map(([p]) => p))
    const settled = Promise.withResolvers<undefined>()
    this.caughtUp = settled.promise
    this.#settle = {
      resolve: () => {
        settled.resolve(undefined)
      },
      reject: (error) => {
        settled.reject(error)
      },
    }
    // Who follows may not wait for it.
    this.caughtUp.catch(() => undefined)
  }

  async start(): Promise<void> {
    if (this.#behind.size === 0) this.#settle.resolve()
    if (this.#positions.size === 0 || (this.#behind.size === 0 && !this.#options.follow)) {
      this.#closing = Promise.resolve()
      return
    }
    await this.#open()
  }

  async #open(): Promise<void> {
    const { topic } = this.#options
    const consumer = this.#kafka.consumer({
      // kafkajs reads only as a member of a group: one of its own, in which nothing is ever committed.
      groupId: `devops-reader-${randomUUID()}`,
      readUncommitted: false,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: MAX_WAIT_MS,
    })
    this.#consumer = consumer
    const { GROUP_JOIN, END_BATCH_PROCESS, CRASH } = consumer.events
    // Synchronous listener: it runs before the first fetch of each generation.
    consumer.on(GROUP_JOIN, () => {
      if (this.#unwanted.length > 0) consumer.pause([{ topic, partitions: [...this.#unwanted] }])
      for (const [partition, offset] of this.#positions) {
        consumer.seek({ topic, partition, offset: offset.toString() })
      }
    })
    // The only word of a stretch that holds nothing but control or aborted records.
    consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) this.#advance(payload.partition, BigInt(payload.lastOffset) + 1n)
    })
    consumer.on(CRASH, ({ payload }) => {
      if (!payload.restart) this.#gaveUp(consumer, payload.error)
    })
    try {
      await consumer.connect()
      if (!this.#isClosing) await consumer.subscribe({ topic, fromBeginning: true })
      if (!this.#isClosing) {
        await consumer.run({ autoCommit: false, eachBatch: (payload) => this.#batch(consumer, payload) })
      }
      // close() found a consumer that was not connected yet: nobody else will end it.
      if (this.#isClosing) await consumer.disconnect()
    } catch (error) {
      this.#gaveUp(consumer, error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** A getter, since close() may come during any await. */
  get #isClosing(): boolean {
    return this.#closing !== null
  }

  /**
   * kafkajs gives a consumer up for good where the group's coordinator can't be found for a moment, as on a broker that
   * has just started.
   */
  #gaveUp(consumer: Consumer, error: Error): void {
    if (this.#closing !== null || this.#consumer !== consumer) return
    if (!error.name.startsWith('KafkaJS')) {
      this.#fail(error)
      return
    }
    this.#consumer = null
    this.#options.onReopen?.(this.#options.topic, error)
    void consumer.disconnect().catch(() => undefined)
    this.#reopening = setTimeout(() => void this.#open(), REOPEN_MS)
  }

  async #batch(consumer: Consumer, payload: EachBatchPayload): Promise<void> {
    const { batch } = payload
    if (this.#closing !== null || this.#consumer !== consumer) return
    try {
      await this.#prepare(
        batch.messages.map(({ value }) => value),
        () => payload.heartbeat(),
      )
      for (const message of batch.messages) await this.#record(batch.partition, message)
      // Control records at the end of the batch included.
      this.#advance(batch.partition, BigInt(batch.lastOffset()) + 1n)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async #prepare(values: readonly (Buffer | null)[], heartbeat: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await this.#codec.prepare(values)
        return
      } catch (error) {
        if ((error as { retryable?: unknown }).retryable !== true || this.#closing !== null) throw error
        await new Promise((resolve) => setTimeout(resolve, REGISTRY_RETRY_MS))
        await heartbeat().catch(() => undefined)
      }
    }
  }

  async #record(partition: number, message: KafkaMessage): Promise<void> {
    const { topic, follow, onRecord, onUndecodable } = this.#options
    const record = incoming(topic, partition, message)
    // Closed by onRecord, delivered once more after a rebalance, or written after the end.
    if (this.#closing !== null || record.offset < (this.#positions.get(partition) ?? 0n)) return
    if (!follow && record.offset >= (this.#goals.get(partition) ?? 0n)) return
    let value: ValueOf[T] | null
    try {
      value = record.value === null ? null : (this.#codec.decode(topic, record.value) as ValueOf[T])
    } catch (error) {
      if (!(error instanceof Undecodable) || onUndecodable === undefined) throw error
      onUndecodable(record, error)
      return
    }
    await onRecord(record, value)
    this.#positions.set(partition, record.offset + 1n)
  }

  #advance(partition: number, next: bigint): void {
    if (next > (this.#positions.get(partition) ?? 0n)) this.#positions.set(partition, next)
    if (next < (this.#goals.get(partition) ?? 0n)) return
    this.#behind.delete(partition)
    if (this.#behind.size > 0) return
    this.#settle.resolve()
    if (!this.#options.follow) void this.close()
  }

  #fail(error: Error): void {
    if (this.#closing !== null) return
    const followed = this.#behind.size === 0
    this.#settle.reject(error)
    if (followed) this.#options.onError?.(error)
    void this.close()
  }

  close(): Promise<void> {
    clearTimeout(this.#reopening)
    this.#closing ??= this.#consumer === null ? Promise.resolve() : left(this.#consumer)
    this.#settle.reject(new Error(`reading ${this.#options.topic} was closed before its end`))
    return this.#closing
  }
}

/**
 * kafkajs may take all its retries to leave a group, or never come to an end, while it joins after a crash. Nothing is
 * committed in a reader's own group: the broker forgets it by itself.
 */
async function left(consumer: Consumer): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LEAVE_MS_MAX)
  })
  await Promise.race([consumer.disconnect().catch(() => undefined), limit])
  clearTimeout(timer)
}
