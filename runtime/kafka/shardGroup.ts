/**
 * The group consumer of shards: all input topics, assigned by shard, positions decided by the caller. kafkajs holds no
 * offset of its own here: every gained shard is paused until the caller sought its positions.
 */
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'
import { incoming } from './incoming.ts'
import type { ShardGroup, ShardGroupOptions } from './port.ts'
import { SESSION_TIMEOUT_MS } from './session.ts'
import { shardAssignor } from './shardAssignor.ts'

const HEARTBEAT_INTERVAL_MS = 500
// A frozen member holds up everybody for this long when another one joins.
const REBALANCE_TIMEOUT_MS = 2500
// Paused partitions are heard of once per wait: it also is the time between heartbeats of an idle member.
const MAX_WAIT_MS = 100
const CONCURRENT_BATCHES = 12
// Back-off of a new consumer while no broker answers.
const BEGIN_ANEW_MS = 500
const BEGIN_ANEW_MS_MAX = 5000

export function createShardGroup(kafka: Kafka, options: ShardGroupOptions): ShardGroup {
  let consumer: Consumer | null = null
  let joined = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let delayMs = BEGIN_ANEW_MS
  const isCurrent = (of: Consumer): boolean => consumer === of && !stopped

  const begin = async (): Promise<void> => {
    const created = createConsumer(kafka, options)
    consumer = created
    const { GROUP_JOIN, CRASH, STOP } = created.events
    // Its synchronous part runs before the first fetch of the generation.
    created.on(GROUP_JOIN, ({ payload }) => {
      joined = true
      delayMs = BEGIN_ANEW_MS
      options.onAssigned(shardsOf(payload.memberAssignment, options.topics))
    })
    created.on(CRASH, ({ payload }) => {
      if (consumer !== created) return
      joined = false
      if (payload.restart) options.onCrash(payload.error, true)
      else gaveUp(created, payload.error)
    })
    created.on(STOP, () => {
      if (consumer === created) joined = false
    })
    try {
      await start(created, options, () => isCurrent(created))
    } catch (error) {
      gaveUp(created, error as Error)
    }
  }

  /**
   * kafkajs gives up for good where the coordinator can't be found for a moment, as on a broker that has just started,
   * and does not connect at all where no broker answers. The state is still here: another consumer joins with its claims.
   */
  const gaveUp = (of: Consumer, error: Error): void => {
    if (!isCurrent(of)) return
    consumer = null
    joined = false
    void of.disconnect().catch(() => undefined)
    const beginsAnew = error.name.startsWith('KafkaJS')
    options.onCrash(error, beginsAnew)
    if (!beginsAnew) return
    timer = setTimeout(() => void begin(), delayMs)
    delayMs = Math.min(2 * delayMs, BEGIN_ANEW_MS_MAX)
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

function createConsumer(kafka: Kafka, options: ShardGroupOptions): Consumer {
  const consumer = kafka.consumer({
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
    if (payload.batchSize !== 0) return
    // Null although the types say string: of what was fetched all is cleaned away by compaction. Then the last offset is
    // the one that was asked for, and kafkajs goes on after it.
    const first = payload.firstOffset as string | null
    options.onNothing({
      shard: payload.partition,
      topic: payload.topic,
      fetchedFrom: BigInt(first ?? payload.lastOffset),
      next: BigInt(payload.lastOffset) + 1n,
      highWatermark: BigInt(payload.highWatermark),
    })
  })
  return consumer
}

async function start(consumer: Consumer, options: ShardGroupOptions, isWanted: () => boolean): Promise<void> {
  await consumer.connect()
  // Positions are always sought; fromBeginning only decides what kafkajs does by itself when an offset is gone.
  if (isWanted()) await consumer.subscribe({ topics: [...options.topics], fromBeginning: true })
  if (isWanted()) {
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_BATCHES,
      eachBatch: (payload) => deliver(payload, options),
    })
  }
  // Stopped before it was connected: nobody else will end it.
  if (!isWanted()) await consumer.disconnect()
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
