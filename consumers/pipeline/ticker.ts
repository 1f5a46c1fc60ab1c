/** One record a second for each live shard: time passes in the log even where nothing happens. */
import type { Codec } from '../../runtime/kafka/codec.ts'
import type { Publisher } from '../../runtime/kafka/port.ts'
import type { Tick } from '../../schemas/generated/events.ts'

const TICK_MS = 1000
const TOPIC = 'devops.ticks'

export interface TickerOptions {
  readonly publisher: Publisher
  readonly codec: Pick<Codec, 'encode'>
  readonly instance: string
  readonly now: () => number
  readonly liveShards: () => readonly number[]
  readonly onFailure: (cause: Error) => void
}

/** Returns what stops it. A tick that fails is left out: the next one tells the same. */
export function startTicker({ publisher, codec, instance, now, liveShards, onFailure }: TickerOptions): () => void {
  let underWay = false
  const timer = setInterval(() => {
    const shards = liveShards()
    if (underWay || shards.length === 0) return
    const at = now()
    underWay = true
    publisher
      .publish(
        shards.map((shard) => {
          const tick: Tick = { shard, at, instance }
          return { topic: TOPIC, partition: shard, key: String(shard), value: codec.encode(TOPIC, tick) }
        }),
      )
      .catch(onFailure)
      .finally(() => {
        underWay = false
      })
  }, TICK_MS)
  return () => {
    clearInterval(timer)
  }
}
