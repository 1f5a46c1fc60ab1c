/** What the pipeline tells of itself: one function for each thing that happens. Per record it counts and never logs. */
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Log } from '../../runtime/telemetry/log.ts'
import type { SnapshotWritten, Upkeep } from '../../rust-engine/ts/records.ts'
import type { DeadLetterReason } from '../../schemas/generated/events.ts'
import type { Phase } from '../../schemas/outputs.ts'
import type { Gap } from './gap.ts'
import type { InputTopic } from './handlers.ts'
import { SHARD_STATES } from './ownedShard.ts'
import type { ShardState } from './ownedShard.ts'

export type DropReason =
  'revoked' | 'fenced' | 'outcome_unknown' | 'position_lost' | 'apply_failed' | 'restore_failed' | 'stopped'
export type SnapshotOutcome = 'written' | 'failed' | 'refused'

export type PipelineTelemetry = ReturnType<typeof createPipelineTelemetry>

export function createPipelineTelemetry(registry: Registry, log: Log) {
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> =>
    new Counter({ name, help, labelNames, registers })
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> =>
    new Gauge({ name, help, labelNames, registers })
  const applied = counter('devops_events_applied_total', 'Events applied to shards, without replays.', ['topic'])
  const replayed = counter('devops_events_replayed_total', 'Events applied again while a shard was restored.', [
    'topic',
  ])
  const rejected = counter('devops_events_rejected_total', 'Records that went to dead letters.', ['reason'])
  const transactions = counter('devops_shard_transactions_total', 'Transactions of shards.', ['outcome'])
  const outputs = counter('devops_shard_outputs_total', 'Records committed by shards.', ['topic'])
  const drops = counter('devops_shard_drops_total', 'Shards dropped by this process.', ['reason'])
  const gaps = counter('devops_shard_gaps_total', 'Stretches of a log that were gone when a shard was restored.', [
    'topic',
  ])
  const snapshots = counter('devops_shard_snapshots_total', 'Snapshots of shards.', ['outcome'])
  const snapshotBytes = counter('devops_shard_snapshot_bytes_total', 'Bytes written by snapshots.', [])
  const snapshotWaits = counter(
    'devops_shard_snapshot_waits_total',
    'Changes that waited for a snapshot to write what they changed.',
    [],
  )
  const snapshotWaited = counter('devops_shard_snapshot_waited_seconds_total', 'Time of those waits.', [])
  const repacked = counter(
    'devops_memory_repacked_chunks_total',
    'Chunks of samples that went into larger ones in the background.',
    [],
  )
  const upkeepSeconds = counter(
    'devops_memory_upkeep_seconds_total',
    'Time of work on the memory that was done beside the event loop.',
    [],
  )
  const upkeepRefused = counter(
    'devops_memory_upkeep_refused_total',
    'Work on the memory that found no room and is tried again.',
    [],
  )
  const commitsLost = counter(
    'devops_shard_commits_lost_total',
    'Restores of a shard from a snapshot without a commit of the group (expired or deleted).',
    [],
  )
  const states = gauge('devops_shard_state', '1 for the state in which a shard of this process is.', ['shard', 'state'])
  const lag = gauge('devops_kafka_lag_records', 'Records that a shard has still to apply, all topics.', ['shard'])
  const rebalances = counter('devops_shard_assignments_total', 'Assignments of shards to this process.', [])

  return {
    eventApplied(topic: InputTopic, phase: Phase): void {
      ;(phase === 'live' ? applied : replayed).inc({ topic })
    },
    eventRejected(reason: DeadLetterReason, phase: Phase): void {
      if (phase === 'live') rejected.inc({ reason })
    },
    shardsAssigned(shards: readonly number[], gained: readonly number[]): void {
      rebalances.inc()
      log.info({ event: 'shards_assigned', shards, gained }, 'shards assigned')
    },
    shardRestored(shard: number, fromSnapshot: boolean, replayedRecords: number, tookMs: number): void {
      log.info({ event: 'shard_restored', shard, fromSnapshot, replayedRecords, tookMs }, 'shard is live')
    },
    snapshotsRefused(shard: number, refused: readonly string[]): void {
      snapshots.inc({ outcome: 'refused' }, refused.length)
      log.warn({ event: 'snapshots_refused', shard, refused }, 'snapshot files were skipped')
    },
    commitsTakenFromSnapshot(shard: number, topics: readonly string[]): void {
      commitsLost.inc()
      log.warn(
        { event: 'commits_taken_from_snapshot', shard, topics },
        'the group has no commits of these topics any more; the snapshot says where the shard goes on',
      )
    },
    shardDropped(shard: number, reason: DropReason, cause: Error | null): void {
      drops.inc({ reason })
      const expected = reason === 'revoked' || reason === 'stopped'
      log[expected ? 'info' : 'warn']({ event: 'shard_dropped', shard, reason, err: cause }, 'shard dropped')
      for (const state of SHARD_STATES) states.remove({ shard: String(shard), state })
      lag.remove({ shard: String(shard) })
    },
    shardIs(shard: number, now: ShardState): void {
      for (const state of SHARD_STATES) states.set({ shard: String(shard), state }, state === now ? 1 : 0)
    },
    shardLag(shard: number, records: number): void {
      lag.set({ shard: String(shard) }, records)
    },
    gapFound(shard: number, gap: Gap): void {
      gaps.inc({ topic: gap.topic })
      const { topic, from, to, neverApplied } = gap
      log.error(
        { event: 'gap_found', shard, topic, from: from.toString(), to: to.toString(), neverApplied },
        'records are gone that the state of this shard needs',
      )
    },
    transactionCommitted(topics: Iterable<string>): void {
      transactions.inc({ outcome: 'committed' })
      for (const topic of topics) outputs.inc({ topic })
    },
    transactionAborted(shard: number, attempt: number, cause: Error): void {
      transactions.inc({ outcome: 'aborted' })
      log.warn({ event: 'transaction_aborted', shard, attempt, err: cause }, 'transaction is sent again')
    },
    transactionLost(): void {
      transactions.inc({ outcome: 'lost' })
    },
    snapshotWritten(shard: number, written: SnapshotWritten, tookMs: number): void {
      const { pages, writtenPages, writtenBytes, waits, waitedMs, waitedMsMax } = written
      snapshots.inc({ outcome: 'written' })
      snapshotBytes.inc(writtenBytes)
      snapshotWaits.inc(waits)
      snapshotWaited.inc(waitedMs / 1000)
      const figures = { pages, writtenPages, writtenBytes, waits, waitedMs, waitedMsMax, tookMs }
      log.debug({ event: 'snapshot_written', shard, ...figures }, 'snapshot written')
    },
    upkeepDone({ chunks, workMs, refused }: Upkeep): void {
      repacked.inc(chunks)
      upkeepSeconds.inc(workMs / 1000)
      upkeepRefused.inc(Number(refused))
    },
    upkeepFailed(shard: number, cause: Error): void {
      log.error({ event: 'upkeep_failed', shard, err: cause }, 'work on the memory came to nothing')
    },
    snapshotFailed(shard: number, cause: Error): void {
      snapshots.inc({ outcome: 'failed' })
      log.error({ event: 'snapshot_failed', shard, err: cause }, 'snapshot could not be written')
    },
    restoreFailed(shards: readonly number[], cause: Error): void {
      log.warn({ event: 'restore_failed', shards, err: cause }, 'shards could not be restored and are tried again')
    },
    schemasAwaited(shard: number, topic: InputTopic, cause: Error): void {
      log.warn({ event: 'schemas_awaited', shard, topic, err: cause }, 'records wait for the schema registry')
    },
    consumerCrashed(cause: Error, restarts: boolean): void {
      log.error({ event: 'consumer_crashed', restarts, err: cause }, 'the Kafka consumer stopped')
    },
    plainPublishFailed(what: 'ticks' | 'member' | 'asked', cause: Error): void {
      log.warn({ event: 'publish_failed', what, err: cause }, 'could not be published')
    },
  }
}
