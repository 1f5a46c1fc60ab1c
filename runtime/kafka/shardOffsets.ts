/** Where the group stands and how far the logs reach, for the restore of shards. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import type { Positions } from './port.ts'

const RETRIES_MAX = 40
const RETRY_DELAY_MS = 50

export interface Watermarks {
  readonly low: bigint
  readonly high: bigint
}

/** Stable only after the former owners' producers were fenced. −1n = none. */
export async function committedOffsets(admin: Admin, groupId: string, topics: readonly string[]): Promise<Positions> {
  const answer = await retried(() => admin.fetchOffsets({ groupId, topics: [...topics] }))
  return new Map(
    answer.map(({ topic, partitions }) => [
      topic,
      new Map(
        partitions.map(({ partition, offset }): [number, bigint] => {
          const committed = BigInt(offset)
          return [partition, committed < 0n ? -1n : committed]
        }),
      ),
    ]),
  )
}

/** First kept and end offset of each partition. */
export async function watermarks(
  admin: Admin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<number, Watermarks>>> {
  const found = new Map<string, ReadonlyMap<number, Watermarks>>()
  for (const topic of topics) {
    const answer = await retried(() => admin.fetchTopicOffsets(topic))
    found.set(
      topic,
      new Map(answer.map(({ partition, low, high }) => [partition, { low: BigInt(low), high: BigInt(high) }])),
    )
  }
  return found
}

/** kafkajs doesn't retry these by itself while leaders or the coordinator move. */
async function retried<T>(ask: () => Promise<T>): Promise<T> {
  for (let retry = 0; ; retry++) {
    try {
      return await ask()
    } catch (error) {
      if (retry === RETRIES_MAX || !(error instanceof Error) || !('retriable' in error) || error.retriable !== true) {
        throw error
      }
      await sleep(RETRY_DELAY_MS)
    }
  }
}
