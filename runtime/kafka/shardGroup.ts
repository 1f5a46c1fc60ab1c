/**
 * The group consumer of shards: all input topics, assigned by shard, positions decided by the caller. kafkajs holds no
 * offset of its own here: every gained shard is paused until the caller sought its positions.
 */
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import { incoming } from './incoming.ts'
import type { IncomingRecord } from './port.ts'
import { shardAssignor } from './shardAssignor.ts'
import type { Claim } from './shardAssignor.ts'

const SESSION_TIMEOUT_MS = 6000
const HEARTBEAT_INTERVAL_MS = 500
// A frozen member holds up everybody for this long when another one joins.
const REBALANCE_TIMEOUT_MS = 2500
// Paused partitions are heard of once per wait: it also is the time between heartbeats of an idle member.
const MAX_WAIT_MS = 100
const CONCURRENT_BATCHES = 12
const BEGIN_ANEW_MS = 500

export { SESSION_TIMEOUT_MS }

export interface ShardBatch {
  readonly shard: number
  readonly topic: string
  /** Offset that was asked for; records before it are never in the batch. */
  readonly fetchedFrom: bigint
  readonly records: readonly IncomingRecord[]
  /** Offset after the last record, control records included. */
  readonly next: bigint
  readonly highWatermark: bigint
}

export interface ShardGroupOptions {
  readonly kafka: Kafka
  readonly groupId: string
  readonly topics: readonly string[]
  readonly shards: number
  /** What this member holds, asked at each join. */
  readonly claims: () => readonly Claim[]
  /** Synchronous: when it returns, every shard that isn't ready must be paused and every other one sought. */
  readonly onAssigned: (shards: readonly number[]) => void
  /**
   * Resolves when the batch is applied, with the next offset to fetch, or null to have it delivered again. No
   * heartbeat or rebalance may be awaited in it: the loop that beats waits for it.
   */
  readonly onBatch: (batch: ShardBatch) => Promise<bigint | null>
  /** A stretch of the log that holds control or aborted records only. */
  readonly onNothing: (stretch: Omit<ShardBatch, 'records'>) => void
  readonly onHeartbeat: () => void
  /** The consumer is gone; `restarts`: it joins again by itself. */
  readonly onCrash: (error: Error, restarts: boolean) => void
}

export interface ShardGroup {
  start(): Promise<void>
  pause(shard: number, topics: readonly string[]): void
  /** Fetches go on at these offsets. Without effect while the member is out of the group: the next onAssigned comes first. */
  proceed(shard: number, positions: ReadonlyMap<string, bigint>): void
  /** Leaves the group. */
  stop(): Promise<void>
}

export function createShardGroup(options: ShardGroupOptions): ShardGroup {
  let consumer: Consumer | null = null
  let joined = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  const begin = async (): Promise<void> => {
    const created = createConsumer(options)
    consumer = created
    const { GROUP_JOIN, CRASH, STOP } = created.events
    // Its synchronous part runs before the first fetch of the generation.
    created.on(GROUP_JOIN, ({ payload }) => {
      joined = true
      options.onAssigned(shardsOf(payload.memberAssignment, options.topics))
    })
    created.on(CRASH, ({ payload }) => {
      joined = false
      // kafkajs gives up for good where the coordinator can't be found for a moment, as on a broker that has just started.
      const beginsAnew = !payload.restart && !stopped && payload.error.name.startsWith('KafkaJS')
      options.onCrash(payload.error, payload.restart || beginsAnew)
      if (beginsAnew) timer = setTimeout(() => void begin().catch(failed), BEGIN_ANEW_MS)
    })
    created.on(STOP, () => {
      joined = false
    })
    await start(created, options)
  }
  const failed = (error: unknown): void => {
    options.onCrash(error as Error, false)
  }

  return {
    start: begin,
    pause(shard, topics) {
      if (joined) consumer?.pause(topics.map((topic) => ({ topic, partitions: [shard] })))
    },
    proceed(shard, positions) {
      if (!joined || consumer === null) return
      for (const [topic, offset] of positions) {
        consumer.seek({ topic, partition: shard, offset: offset.toString() })
      }
      consumer.resume([...positions.keys()].map((topic) => ({ topic, partitions: [shard] })))
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await consumer?.disconnect()
    },
  }
}

function createConsumer(options: ShardGroupOptions): Consumer {
  const consumer = options.kafka.consumer({
    groupId: options.groupId,
    partitionAssigners: [shardAssignor(options.shards, options.claims)],
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    maxWaitTimeInMs: MAX_WAIT_MS,
    readUncommitted: false,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 30, maxRetryTime: 1000, retries: 30 },
  })
  const { HEARTBEAT, END_BATCH_PROCESS } = consumer.events
  consumer.on(HEARTBEAT, () => {
    options.onHeartbeat()
  })
  // Batches of control or aborted records never reach eachBatch.
  consumer.on(END_BATCH_PROCESS, ({ payload }) => {
    // Null although the types say string: the stretch was cleaned away by compaction.
    const first = payload.firstOffset as string | null
    if (payload.batchSize !== 0 || first === null) return
    options.onNothing({
      shard: payload.partition,
      topic: payload.topic,
      fetchedFrom: BigInt(first),
      next: BigInt(payload.lastOffset) + 1n,
      highWatermark: BigInt(payload.highWatermark),
    })
  })
  return consumer
}

async function start(consumer: Consumer, options: ShardGroupOptions): Promise<void> {
  await consumer.connect()
  // Positions are always sought; fromBeginning only decides what kafkajs does by itself when an offset is gone.
  await consumer.subscribe({ topics: [...options.topics], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: CONCURRENT_BATCHES,
    eachBatch: (payload) => deliver(payload, options),
  })
}

async function deliver(payload: EachBatchPayload, options: ShardGroupOptions): Promise<void> {
  const { batch } = payload
  // Fetched before the last seek: what it holds is fetched again from there.
  if (payload.isStale()) return
  const next = await options.onBatch({
    shard: batch.partition,
    topic: batch.topic,
    // A property of kafkajs' class that its types leave out; the first record's offset would hide compacted ones.
    fetchedFrom: BigInt((batch as unknown as { fetchedOffset: string }).fetchedOffset),
    records: batch.messages.map((message) => incoming(batch.topic, batch.partition, message)),
    next: BigInt(batch.lastOffset()) + 1n,
    highWatermark: BigInt(batch.highWatermark),
  })
  if (next !== null && !payload.isStale()) payload.resolveOffset((next - 1n).toString())
}

/** The shards of which this member has the partition of every topic. */
function shardsOf(assignment: Readonly<Record<string, readonly number[]>>, topics: readonly string[]): number[] {
  const [first, ...others] = topics
  if (first === undefined) return []
  return [...(assignment[first] ?? [])]
    .filter((shard) => others.every((topic) => assignment[topic]?.includes(shard) === true))
    .sort((a, b) => a - b)
}
