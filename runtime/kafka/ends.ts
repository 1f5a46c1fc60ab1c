/** First and next offsets of a topic's partitions. */
import type { Admin, Kafka } from 'kafkajs'
import type { Ends } from './port.ts'

const TRIES_MAX = 100
const RETRY_DELAY_MS = 100

/** kafkajs gives up at once while leaders are elected or a new topic is not known everywhere yet. */
export async function whileElecting<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      if ((error as { retriable?: unknown }).retriable !== true || tries === TRIES_MAX) throw error
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS))
    }
  }
}

/** By a connected admin. */
export async function endsOf(admin: Admin, topic: string): Promise<ReadonlyMap<number, Ends>> {
  const offsets = await whileElecting(() => admin.fetchTopicOffsets(topic))
  return new Map(offsets.map(({ partition, low, high }) => [partition, { low: BigInt(low), high: BigInt(high) }]))
}

/** By an admin of its own. */
export async function fetchEnds(kafka: Kafka, topic: string): Promise<ReadonlyMap<number, Ends>> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await endsOf(admin, topic)
  } finally {
    await admin.disconnect()
  }
}
