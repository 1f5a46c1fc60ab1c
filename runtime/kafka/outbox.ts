/** What waits to be sent, in order, and the batches made of it. Pure: knows nothing of Kafka's client. */
import type { OutgoingRecord } from './port.ts'
import { TOPICS } from '../../schemas/topics.ts'

/** Bytes of the record batch's own header, and the most a record adds around key, value and headers. */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 32
/** Kafka's default for message.max.bytes. */
const MESSAGE_BYTES_MAX = 1_048_588
/** One request to a broker. */
const BATCH_BYTES_MAX = 8 * 1024 ** 2

export interface Job {
  readonly records: readonly OutgoingRecord[]
  readonly bytes: number
  /** Index of the first record not yet put into a batch. */
  next: number
  unacknowledged: number
  done: boolean
  readonly settle: (error: Error | null) => void
}

export interface Batch {
  readonly records: readonly { readonly record: OutgoingRecord; readonly job: Job }[]
}

export function bytesOf(record: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (record.value?.length ?? 0)
  if (record.key !== null) bytes += Buffer.byteLength(record.key)
  for (const [name, value] of Object.entries(record.headers ?? {})) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 10
  }
  return bytes
}

/** Bytes that one record batch of a topic may have, without the batch's own header. */
export function topicBytesMax(topic: string): number {
  const config: Readonly<Record<string, string>> | undefined = Object.hasOwn(TOPICS, topic)
    ? TOPICS[topic as keyof typeof TOPICS].config
    : undefined
  return Number(config?.['max.message.bytes'] ?? MESSAGE_BYTES_MAX) - BATCH_OVERHEAD_BYTES
}

/**
 * Takes the next batch off the jobs, in their order: as many records as fit into what a partition and a request may
 * hold. Jobs that are done (timed out) are dropped. The first record always fits alone.
 */
export function takeBatch(jobs: Job[]): Batch {
  const records: { record: OutgoingRecord; job: Job }[] = []
  const partitionBytes = new Map<string, number>()
  let total = 0
  for (let job = jobs[0]; job !== undefined; job = jobs[0]) {
    for (let record = job.records[job.next]; record !== undefined && !job.done; record = job.records[job.next]) {
      const partition = `${record.topic} ${record.partition}`
      const bytes = bytesOf(record)
      const inPartition = (partitionBytes.get(partition) ?? 0) + bytes
      if (records.length > 0 && (inPartition > topicBytesMax(record.topic) || total + bytes > BATCH_BYTES_MAX)) {
        return { records }
      }
      partitionBytes.set(partition, inPartition)
      total += bytes
      records.push({ record, job })
      job.next++
    }
    jobs.shift()
  }
  return { records }
}
