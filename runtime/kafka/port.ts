/**
 * The narrow port to Kafka. open.ts gives the one implementation, on kafkajs, which is imported in this folder alone.
 * Values are encoded by the caller (codec.ts).
 */
import type { Registry } from 'prom-client'
import type { TopicName } from '../../schemas/topics.ts'
import type { Log } from '../telemetry/log.ts'
import type { Codec, Undecodable, ValueOf } from './codec.ts'

/** What a process may ask of Kafka; one for each process. */
export interface KafkaPort {
  /** `role`: as it appears in the broker's log. Rejects with KafkaUnavailable when no broker answers in time. */
  publisher(role: string, options: PublisherOptions): Promise<Publisher>
  shardGroup(options: ShardGroupOptions): ShardGroup
  transactor(options: TransactorOptions): Promise<Transactor>
  read<T extends TopicName>(codec: Codec, options: TopicReaderOptions<T>): Promise<TopicReader>
  /** Stable only after the former owners' producers were fenced. */
  committedOffsets(groupId: string, topics: readonly string[]): Promise<Positions>
  /** Partition → ends. */
  endsOf(topic: string): Promise<ReadonlyMap<number, Ends>>
  /** The id that Kafka gave the cluster when it was made, as the brokers say it. */
  clusterId(): Promise<string>
  /** Resolves when a broker answered. */
  probe(): Promise<void>
  /** What was opened through it is closed by its owner. */
  close(): Promise<void>
}

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

/** Committed position of a group: topic → partition → next offset; −1n = none. */
export type Positions = ReadonlyMap<string, ReadonlyMap<number, bigint>>

export interface Ends {
  /** First offset that is still there. */
  readonly low: bigint
  /** The next to be written, or the first of an open transaction: as far as read_committed goes. */
  readonly high: bigint
}

/** An idempotent producer, acks=all. After a fatal error it replaces its connection by a new producer by itself. */
export interface Publisher {
  /** Resolves when all records are acknowledged; rejects with KafkaUnavailable (retryable) or RecordTooLarge. */
  publish(records: readonly OutgoingRecord[]): Promise<void>
  close(): Promise<void>
}

export interface PublisherOptions {
  readonly log: Log
  /** For the publisher's metrics; several publishers of a process share them. */
  readonly registry?: Registry
  /** A publish that is not acknowledged by then is rejected (it may still arrive). */
  readonly publishTimeoutMs?: number
  /** Waits this long for company before a batch is sent; 0: only what waits for the batch in flight is merged. */
  readonly lingerMs?: number
}

export interface TransactorOptions {
  readonly transactionalId: string
  readonly groupId: string
  readonly partition: number
  /** Asked right before the init: one that comes late would fence the rightful owner for nothing. */
  readonly isWanted: () => boolean
}

export interface Transacted {
  /** Topic → offset after the last record that this transaction wrote to the shard's own partition of it. */
  readonly ends: ReadonlyMap<string, bigint>
}

/** Errors: TransactionAborted (send the same again), TransactorFenced and OutcomeUnknown (drop the shard, open anew). */
export interface Transactor {
  /** `offsets`: topic → next offset of the shard's partition. One call at a time. */
  transact(outputs: readonly OutgoingRecord[], offsets: ReadonlyMap<string, bigint>): Promise<Transacted>
  close(): Promise<void>
}

/** A shard that a member of the group holds. */
export interface Claim {
  readonly shard: number
  /** When the claimant got it, ms since the epoch. */
  readonly since: number
}

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

export interface TopicReaderOptions<T extends TopicName> {
  readonly topic: T
  /** All where not given. */
  readonly partitions?: readonly number[]
  /** Next offset of each partition; one that is not named, or whose offset is gone, starts at its beginning. */
  readonly from: 'beginning' | ReadonlyMap<number, bigint>
  /** false: closes itself once caught up, records after the ends are not given. */
  readonly follow: boolean
  /** In order for each partition, one call at a time; value null: a tombstone. An error ends the reader. */
  readonly onRecord: (record: IncomingRecord, value: ValueOf[T] | null) => void | Promise<void>
  /** Without it an undecodable record ends the reader. */
  readonly onUndecodable?: (record: IncomingRecord, error: Undecodable) => void
  /** The client gave up on the broker; a new one goes on where the old one stood after a second. */
  readonly onReopen?: (topic: T, cause: Error) => void
  /** A failure after `caughtUp`. */
  readonly onError?: (error: Error) => void
}

export interface TopicReader {
  /** All records up to the ends at the beginning were given; rejects when reading fails before. */
  readonly caughtUp: Promise<void>
  /** Where each partition was begun. */
  readonly starts: ReadonlyMap<number, bigint>
  close(): Promise<void>
}
