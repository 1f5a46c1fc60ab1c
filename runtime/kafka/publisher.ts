/**
 * An idempotent producer with acks=all. What is published while a batch is on its way goes out with the next one.
 *
 * One batch is in flight at a time, and a producer is never used again after a failed send: kafkajs takes the sequence
 * numbers of a failed request back, also those of partitions the broker did append to. The next records would get the
 * same numbers and the broker would take them for repeats: acknowledged, and lost.
 */
import { Partitioners, type Kafka, type Producer, type TopicMessages } from 'kafkajs'
import { KafkaUnavailable, RecordTooLarge } from './errors.ts'
import { bytesOf, takeBatch, topicBytesMax, type Batch, type Job } from './outbox.ts'
import type { OutgoingRecord, Publisher, PublisherOptions } from './port.ts'
import { createPublisherTelemetry, type PublisherTelemetry } from './telemetry.ts'
import { unanswered, unansweredText } from './unanswered.ts'

const ACKS_ALL = -1
const RECONNECT_DELAY_MS = 100
const RECONNECT_DELAY_MS_MAX = 2_000
const PUBLISH_TIMEOUT_MS = 10_000
const QUEUED_BYTES_MAX = 128 * 1024 ** 2

/** Connects first: rejects with KafkaUnavailable when no broker answers within the time limit. */
export async function createPublisher(kafka: Kafka, options: PublisherOptions): Promise<Publisher> {
  const publisher = new QueueingPublisher(kafka, options)
  await publisher.connect()
  return publisher
}

function topicMessages(batch: Batch): TopicMessages[] {
  const byTopic = new Map<string, TopicMessages['messages']>()
  for (const { record } of batch.records) {
    const { topic, partition, key, value, headers } = record
    const message = { partition, key, value, ...(headers === undefined ? {} : { headers: { ...headers } }) }
    const messages = byTopic.get(topic)
    if (messages === undefined) byTopic.set(topic, [message])
    else messages.push(message)
  }
  return [...byTopic].map(([topic, messages]) => ({ topic, messages }))
}

const isTooLarge = (error: unknown): boolean => (error as { type?: unknown }).type === 'MESSAGE_TOO_LARGE'

async function withTimeout<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new KafkaUnavailable('timeout', `${what} took longer than ${ms} ms`))
        }, ms)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}

class QueueingPublisher implements Publisher {
  readonly #kafka: Kafka
  readonly #telemetry: PublisherTelemetry
  readonly #timeoutMs: number
  readonly #lingerMs: number
  readonly #jobs: Job[] = []
  #queuedBytes = 0
  #producer: Producer | null = null
  #sending: Promise<void> | null = null
  #closed = false

  constructor(kafka: Kafka, options: PublisherOptions) {
    this.#kafka = kafka
    this.#telemetry = createPublisherTelemetry(options.registry ?? null, options.log)
    this.#timeoutMs = options.publishTimeoutMs ?? PUBLISH_TIMEOUT_MS
    this.#lingerMs = options.lingerMs ?? 0
  }

  async connect(): Promise<Producer> {
    if (this.#producer !== null) return this.#producer
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      // Retries end before the time limit does, so that an abandoned send does not live on for long.
      retry: { initialRetryTime: 30, maxRetryTime: 1_000, retries: retriesWithin(this.#timeoutMs) },
    })
    try {
      await withTimeout(producer.connect(), this.#timeoutMs, 'connecting')
    } catch (error) {
      void producer.disconnect().catch(() => undefined)
      throw error instanceof KafkaUnavailable
        ? error
        : new KafkaUnavailable('send_failed', `no broker answers (${messageOf(error)})`, error)
    }
    this.#producer = producer
    return producer
  }

  publish(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#closed) return Promise.reject(new KafkaUnavailable('closed', 'the publisher is closed'))
    if (records.length === 0) return Promise.resolve()
    let bytes = 0
    for (const record of records) {
      const own = bytesOf(record)
      const bytesMax = topicBytesMax(record.topic)
      if (own > bytesMax) return Promise.reject(new RecordTooLarge(record.topic, own, bytesMax))
      bytes += own
    }
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > QUEUED_BYTES_MAX) {
      return Promise.reject(new KafkaUnavailable('queue_full', `${this.#queuedBytes} bytes are waiting already`))
    }
    return new Promise((resolve, reject) => {
      this.#jobs.push(this.#job(records, bytes, resolve, reject))
      this.#start()
    })
  }

  #start(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null
      // Published after the loop saw an empty queue.
      if (this.#jobs.length > 0) this.#start()
    })
  }

  #job(records: readonly OutgoingRecord[], bytes: number, resolve: () => void, reject: (error: Error) => void): Job {
    this.#queuedBytes += bytes
    const job: Job = {
      records,
      bytes,
      next: 0,
      unacknowledged: records.length,
      done: false,
      settle: (error) => {
        if (job.done) return
        job.done = true
        clearTimeout(timer)
        this.#queuedBytes -= bytes
        if (error === null) resolve()
        else {
          this.#telemetry.publishRejected(error instanceof KafkaUnavailable ? error.reason : 'record_too_large')
          reject(error)
        }
      },
    }
    const timer = setTimeout(() => {
      job.settle(new KafkaUnavailable('timeout', `no acknowledgement within ${this.#timeoutMs} ms`))
    }, this.#timeoutMs)
    return job
  }

  async #sendAll(): Promise<void> {
    let delayMs = RECONNECT_DELAY_MS
    while (this.#jobs.length > 0) {
      await new Promise((resolve) => (this.#lingerMs > 0 ? setTimeout(resolve, this.#lingerMs) : setImmediate(resolve)))
      let producer: Producer
      try {
        producer = await this.connect()
        delayMs = RECONNECT_DELAY_MS
      } catch (error) {
        this.#telemetry.kafkaUnreachable(error)
        // Who waits is told by its own time limit.
        await new Promise((resolve) => setTimeout(resolve, delayMs))
        delayMs = Math.min(delayMs * 2, RECONNECT_DELAY_MS_MAX)
        dropDone(this.#jobs)
        continue
      }
      const batch = takeBatch(this.#jobs)
      if (batch.records.length > 0) await this.#send(producer, batch)
    }
  }

  async #send(producer: Producer, batch: Batch): Promise<void> {
    const started = performance.now()
    const sent = producer.sendBatch({ acks: ACKS_ALL, timeout: this.#timeoutMs, topicMessages: topicMessages(batch) })
    try {
      const answers = await withTimeout(sent, this.#timeoutMs, 'sending')
      const missing = new Set(
        unanswered(
          batch.records.map(({ record }) => record),
          answers,
        ),
      )
      this.#telemetry.batchAcknowledged(batch.records.length - missing.size, (performance.now() - started) / 1000)
      if (missing.size > 0) this.#refuse(producer, sent, batch, missing)
      for (const { record, job } of batch.records) {
        if (!missing.has(record) && --job.unacknowledged === 0) job.settle(null)
      }
    } catch (error) {
      this.#replace(producer, sent, error)
      const jobs = new Set(batch.records.map(({ job }) => job))
      if (isTooLarge(error) && jobs.size > 1) await this.#sendApart(jobs, batch)
      else for (const job of jobs) job.settle(this.#reasonFor(error, batch))
    }
  }

  /** Another producer asks for the topic's partitions anew; what was answered for is acknowledged all the same. */
  #refuse(producer: Producer, sent: Promise<unknown>, batch: Batch, missing: ReadonlySet<OutgoingRecord>): void {
    const error = new KafkaUnavailable('send_failed', unansweredText([...missing]))
    this.#replace(producer, sent, error)
    for (const { record, job } of batch.records) if (missing.has(record)) job.settle(error)
  }

  /** The broker takes less than the topic's settings say: only the one that is too large is refused for it. */
  async #sendApart(jobs: ReadonlySet<Job>, batch: Batch): Promise<void> {
    for (const job of jobs) {
      if (job.done) continue
      try {
        await this.#send(await this.connect(), { records: batch.records.filter((each) => each.job === job) })
      } catch (error) {
        job.settle(this.#reasonFor(error, batch))
      }
    }
  }

  #reasonFor(error: unknown, batch: Batch): Error {
    if (isTooLarge(error)) return new RecordTooLarge(batch.records[0]?.record.topic ?? '', null, null)
    if (error instanceof KafkaUnavailable) return error
    return new KafkaUnavailable('send_failed', messageOf(error), error)
  }

  #replace(producer: Producer, sent: Promise<unknown>, error: unknown): void {
    this.#producer = null
    this.#telemetry.producerReplaced(error)
    const disconnect = (): Promise<void> => producer.disconnect().catch(() => undefined)
    // An abandoned send connects again for its retries: disconnect once more when it is over.
    void disconnect().then(() => sent.then(disconnect, disconnect))
  }

  async close(): Promise<void> {
    this.#closed = true
    while (this.#sending !== null) await this.#sending
    await this.#producer?.disconnect()
    this.#producer = null
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function dropDone(jobs: Job[]): void {
  const open = jobs.filter((job) => !job.done)
  jobs.splice(0, jobs.length, ...open)
}

/** How many retries, the waits between them doubling from 30 ms up to a second, end within `ms`. */
function retriesWithin(ms: number): number {
  let waited = 0
  let retries = 0
  for (let wait = 30; waited + wait < ms; wait = Math.min(wait * 2, 1_000)) {
    waited += wait
    retries++
  }
  return Math.max(retries, 1)
}
