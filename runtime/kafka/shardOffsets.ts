/** Where the group stands, for the restore of shards. */
import type { Admin } from 'kafkajs'
import { whileElecting } from './ends.ts'
import type { Positions } from './port.ts'

/** Stable only after the former owners' producers were fenced. −1n = none. */
export async function committedOffsets(admin: Admin, groupId: string, topics: readonly string[]): Promise<Positions> {
  const answer = await whileElecting(() => admin.fetchOffsets({ groupId, topics: [...topics] }))
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
