/**
 * The shards of this process: takes what the group assigns, applies what the log brings, commits what that gives, and
 * lets go of what it may no longer own. Nothing here awaits the group's own loop from inside a batch.
 */
import { setImmediate } from 'node:timers/promises'
import type { ShardBatch, ShardGroup } from '../../runtime/kafka/port.ts'
import { SESSION_TIMEOUT_MS } from '../../runtime/kafka/session.ts'
import type { Output } from '../../schemas/outputs.ts'
import { INPUT_TOPICS, SHARDS } from '../../schemas/topics.ts'
import { applyRecord } from './applyRecord.ts'
import { startCleanUp } from './cleanUp.ts'
import { createCommitter } from './committer.ts'
import type { Committer } from './committer.ts'
import type { Handlers, InputTopic, Reattach } from './handlers.ts'
import { mayPass } from './mayPass.ts'
import { OwnedShard } from './ownedShard.ts'
import { preparation } from './preparation.ts'
import { restoreSet } from './restore.ts'
import type { RestoreOptions } from './restore.ts'
import { SnapshotRounds } from './snapshotRounds.ts'
import type { DropReason, PipelineTelemetry } from './telemetry.ts'
import { startUpkeep } from './upkeep.ts'

/** Two: the second one was surely sent after the fence, so the group still counts on this member. */
const BEATS_BEFORE_RETAKE = 2
const COMMIT_INTERVAL_MS = 1000
const RECORDS_BETWEEN_YIELDS = 256

export interface PipelineOptions extends RestoreOptions {
  /** Unique for each process; part of the snapshots' names. */
  readonly instance: string
  readonly handlers: Handlers
  readonly reattach: Reattach
  readonly snapshotIntervalMs: number
  readonly telemetry: PipelineTelemetry
  readonly now: () => number
  /** A live event: from the gateway's acceptance to the state, ms. */
  readonly onVisible: (topic: InputTopic, tookMs: number) => void
  /** The set of shards, or what one of them is, changed. */
  readonly onChange: () => void
  /** The consumer will not come back by itself. */
  readonly onFatal: (cause: Error) => void
}

export class Pipeline {
  readonly #options: PipelineOptions
  readonly #group: ShardGroup
  readonly #committer: Committer
  readonly #snapshots: SnapshotRounds
  readonly #owned = new Map<number, OwnedShard>()
  #restores: Promise<void> = Promise.resolve()
  #timers: NodeJS.Timeout[] = []
  #stopCleanUp: () => void = () => undefined
  #endUpkeep: () => Promise<void> = () => Promise.resolve()
  #stopping = false
  #lastHeartbeatAt = 0
  /** The group has told this process its shards, which may be none. */
  hasJoined = false

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#committer = createCommitter(options.telemetry, (owned, reason, cause) => {
      this.#lose(owned, reason, cause)
    })
    this.#snapshots = new SnapshotRounds(options, this.#committer, () => this.#live())
    this.#group = options.kafka.shardGroup({
      groupId: options.groupId,
      topics: INPUT_TOPICS,
      shards: SHARDS,
      claims: () => this.shards().filter((owned) => !owned.isLost),
      onAssigned: (shards) => {
        this.#assigned(shards)
      },
      onBatch: (batch) => this.#batch(batch),
      onNothing: (stretch) => {
        this.#nothing(stretch)
      },
      onHeartbeat: () => {
        this.#heartbeat()
      },
      onCrash: (error, restarts) => {
        options.telemetry.consumerCrashed(error, restarts)
        if (!restarts && !this.#stopping) options.onFatal(error)
      },
    })
  }

  async start(): Promise<void> {
    await this.#group.start()
    const every = (ms: number, work: (owned: OwnedShard) => void): NodeJS.Timeout =>
      setInterval(() => {
        for (const owned of this.#owned.values()) if (owned.state === 'live') work(owned)
      }, ms)
    this.#timers.push(
      every(COMMIT_INTERVAL_MS, (owned) => {
        this.#committer.kick(owned)
        this.#options.telemetry.shardLag(owned.shard, owned.lagRecords())
      }),
    )
    this.#snapshots.start()
    const { engine, onFatal } = this.#options
    // An engine that fails at this is broken.
    this.#stopCleanUp = startCleanUp({ clean: (budgetMs) => engine.clean(budgetMs), onFailure: onFatal })
    this.#endUpkeep = startUpkeep({ live: () => this.#live(), telemetry: this.#options.telemetry })
  }

  #live(): readonly OwnedShard[] {
    return this.shards().filter((owned) => owned.state === 'live')
  }

  /** Finishes what is applied, cuts snapshots, leaves the group. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const timer of this.#timers) clearInterval(timer)
    this.#stopCleanUp()
    await this.#endUpkeep()
    const live = this.#live()
    for (const owned of live) this.#group.pause(owned.shard, INPUT_TOPICS)
    await Promise.all(live.map((owned) => this.#committer.drain(owned)))
    await this.#snapshots.finish(live)
    await this.#group.stop()
    for (const owned of this.#owned.values()) this.#drop(owned, 'stopped', null)
    this.#owned.clear()
  }

  shards(): readonly OwnedShard[] {
    return [...this.#owned.values()]
  }

  shard(shard: number): OwnedShard | null {
    return this.#owned.get(shard) ?? null
  }

  /** False: another process may own these shards by now and this one not know it. */
  isInTouch(): boolean {
    return this.#options.now() - this.#lastHeartbeatAt < SESSION_TIMEOUT_MS
  }

  /** Synchronous part of a join: nothing is fetched before it returns. */
  #assigned(shards: readonly number[]): void {
    const { now, telemetry, onChange } = this.#options
    this.#lastHeartbeatAt = now()
    this.hasJoined = true
    for (const owned of this.shards()) {
      if (shards.includes(owned.shard)) continue
      this.#drop(owned, 'revoked', null)
      this.#owned.delete(owned.shard)
    }
    const gained: OwnedShard[] = []
    for (const shard of shards) {
      const held = this.#owned.get(shard)
      if (held === undefined || held.isLost) gained.push(this.#take(shard))
    }
    for (const owned of this.#owned.values()) this.#align(owned)
    telemetry.shardsAssigned(
      shards,
      gained.map(({ shard }) => shard),
    )
    this.#restore(gained)
    onChange()
  }

  #take(shard: number): OwnedShard {
    const owned = new OwnedShard(shard, this.#options.now(), this.#owned.get(shard)?.knownCommits())
    this.#owned.set(shard, owned)
    this.#options.telemetry.shardIs(shard, owned.state)
    return owned
  }

  /** Makes the consumer fetch exactly what the shard can use next. */
  #align(owned: OwnedShard): void {
    const wanted =
      owned.state === 'live'
        ? [...owned.positions]
        : owned.state === 'replaying'
          ? [...owned.positions].filter(([topic]) => !owned.isReplayed(topic))
          : []
    const paused = INPUT_TOPICS.filter((topic) => !wanted.some(([other]) => other === topic))
    if (paused.length > 0) this.#group.pause(owned.shard, paused)
    if (wanted.length > 0) this.#group.proceed(owned.shard, new Map(wanted))
  }

  /** One set after the other: a shard's former restore must have ended before its next one loads state. */
  #restore(set: readonly OwnedShard[]): void {
    if (set.length === 0) return
    this.#restores = this.#restores.then(async () => {
      const current = set.filter((owned) => !owned.isLost)
      try {
        const { predictions } = await restoreSet(current, this.#options, (owned, reason, cause) => {
          this.#lose(owned, reason, cause)
        })
        const ledgerRead = predictions.then((open) => {
          for (const owned of current) owned.predictions = open.get(owned.shard) ?? new Map()
        })
        for (const owned of current) this.#replay(owned)
        ledgerRead.then(
          () => {
            for (const owned of current) this.#goLiveIfReady(owned)
          },
          (error: unknown) => {
            this.#restoreFailed(current, error as Error)
          },
        )
      } catch (error) {
        this.#restoreFailed(current, error as Error)
      }
    })
  }

  #restoreFailed(set: readonly OwnedShard[], cause: Error): void {
    if (!mayPass(cause)) {
      this.#options.onFatal(cause)
      return
    }
    const failed = set.filter((owned) => !owned.isLost)
    if (failed.length === 0) return
    this.#options.telemetry.restoreFailed(
      failed.map(({ shard }) => shard),
      cause,
    )
    for (const owned of failed) this.#lose(owned, 'restore_failed', null)
  }

  #replay(owned: OwnedShard): void {
    if (owned.isLost) return
    owned.state = 'replaying'
    this.#options.telemetry.shardIs(owned.shard, owned.state)
    this.#align(owned)
  }

  #goLiveIfReady(owned: OwnedShard): void {
    if (owned.state !== 'replaying' || owned.predictions === null || !owned.isWhollyReplayed) return
    const { telemetry, reattach, now, onChange } = this.#options
    for (const entry of owned.predictions.values()) reattach(entry, owned.doorOpen)
    // Where nothing follows a gap, what is missing was there before the shard was taken.
    for (const topic of INPUT_TOPICS)
      if (owned.isAtEnd(topic)) owned.noteGaps(topic, owned.position(topic), owned.since)
    owned.predictions = new Map()
    owned.state = 'live'
    telemetry.shardIs(owned.shard, owned.state)
    telemetry.shardRestored(owned.shard, owned.fromSnapshot, owned.replayedRecords, now() - owned.since)
    this.#align(owned)
    onChange()
  }

  #batch(batch: ShardBatch): Promise<bigint | null> {
    const owned = this.#owned.get(batch.shard)
    if (owned === undefined) return Promise.resolve(null)
    return owned
      .enqueue(() => this.#apply(owned, batch))
      .catch((error: unknown) => {
        this.#applyFailed(owned, error as Error)
        return null
      })
  }

  /**
   * A record is several calls of the engine: after an error in the midst of them the state is that of no log. Nothing of
   * it may be committed or applied on, so what may pass costs a restore. Anything else is our own bug.
   */
  #applyFailed(owned: OwnedShard, cause: Error): void {
    if (mayPass(cause)) this.#lose(owned, 'apply_failed', cause)
    else this.#options.onFatal(cause)
  }

  async #apply(owned: OwnedShard, batch: ShardBatch): Promise<bigint | null> {
    if (!this.#isFetched(owned, batch)) return null
    await owned.room()
    const topic = batch.topic as InputTopic
    const { codec, telemetry } = this.#options
    const missing = await preparation(
      codec,
      batch.records.map((record) => record.value),
    )
    if (missing !== null) {
      telemetry.schemasAwaited(owned.shard, topic, missing)
      return null
    }
    let applied = 0
    for (const record of batch.records) {
      // Asked anew: the shard may have been lost while this function waited.
      if (!this.#isFetched(owned, batch)) return null
      if (record.offset < owned.position(topic)) continue
      const phase = owned.state === 'live' ? 'live' : 'replay'
      if (phase === 'replay' && owned.isReplayed(topic)) break
      this.#applyOne(owned, topic, record, phase)
      if (++applied % RECORDS_BETWEEN_YIELDS === 0) await setImmediate()
    }
    if (!this.#isFetched(owned, batch)) return null
    owned.ends.set(topic, batch.highWatermark)
    // Control records at the end of the batch; not when the replay stopped before the end of it.
    if (owned.state === 'live' || !owned.isReplayed(topic)) this.#advance(owned, topic, batch.next)
    else this.#advance(owned, topic, owned.position(topic))
    if (owned.pending.length > 0) this.#committer.kick(owned)
    return owned.position(topic)
  }

  #applyOne(
    owned: OwnedShard,
    topic: InputTopic,
    record: ShardBatch['records'][number],
    phase: 'live' | 'replay',
  ): void {
    const { codec, handlers, telemetry, now, onVisible } = this.#options
    const { outputs, rejected, receivedAt } = applyRecord(codec, handlers, topic, record, owned.doorOpen, phase)
    if (rejected === null) telemetry.eventApplied(topic, phase)
    else telemetry.eventRejected(rejected, phase)
    if (phase === 'live') {
      owned.pending.push(...outputs.map((output) => this.#encode(output)))
      if (receivedAt !== null) onVisible(topic, now() - receivedAt)
    } else owned.replayedRecords++
    owned.noteGaps(topic, record.offset, record.at)
    owned.clock = Math.max(owned.clock, record.at)
    owned.appliedAt.set(topic, record.at)
    owned.advance(topic, record.offset + 1n)
  }

  #encode(output: Output): OwnedShard['pending'][number] {
    const { topic, partition, key, value } = output
    return { topic, partition, key, value: this.#options.codec.encode(topic, value) }
  }

  #advance(owned: OwnedShard, topic: string, next: bigint): void {
    if (next > owned.position(topic)) owned.advance(topic, next)
    if (owned.state !== 'replaying') return
    if (owned.isReplayed(topic)) this.#group.pause(owned.shard, [topic])
    this.#goLiveIfReady(owned)
  }

  #nothing({ shard, topic, fetchedFrom, next, highWatermark }: Omit<ShardBatch, 'records'>): void {
    const owned = this.#owned.get(shard)
    if (owned === undefined) return
    const apply = (): void => {
      // A stretch further on belongs to a fetch from before the last seek.
      if (!takesPart(owned) || fetchedFrom > owned.position(topic)) return
      if (this.#isPastEnd(owned, topic, highWatermark)) return
      owned.ends.set(topic, highWatermark)
      this.#advance(owned, topic, next)
    }
    owned.enqueue(apply).catch((error: unknown) => {
      this.#applyFailed(owned, error as Error)
    })
  }

  /** Whether a batch continues what is applied. One that starts further on means that kafkajs skipped what was gone. */
  #isFetched(owned: OwnedShard, batch: ShardBatch): boolean {
    if (this.#stopping || !takesPart(owned)) return false
    const next = owned.position(batch.topic)
    if (batch.fetchedFrom <= next) return !this.#isPastEnd(owned, batch.topic, batch.highWatermark)
    const cause = new Error(`${batch.topic}/${batch.shard} was fetched from ${batch.fetchedFrom}, ${next} is next`)
    this.#lose(owned, 'position_lost', cause)
    return false
  }

  /** A log that ends before what is applied of it is another one, or lost its tail: the restore says which part is gone. */
  #isPastEnd(owned: OwnedShard, topic: string, end: bigint): boolean {
    const next = owned.position(topic)
    if (next <= end) return false
    this.#lose(owned, 'position_lost', new Error(`${topic}/${owned.shard} ends at ${end}, ${next} is next`))
    return true
  }

  #heartbeat(): void {
    this.#lastHeartbeatAt = this.#options.now()
    const retaken: OwnedShard[] = []
    for (const owned of this.shards()) {
      if (!owned.isLost || this.#stopping) continue
      owned.beatsSinceLost++
      if (owned.beatsSinceLost >= BEATS_BEFORE_RETAKE) retaken.push(this.#take(owned.shard))
    }
    this.#restore(retaken)
  }

  /** Lets go of a shard that the group still counts as ours; the heartbeats bring it back. */
  #lose(owned: OwnedShard, reason: DropReason, cause: Error | null): void {
    if (owned.isLost) return
    this.#drop(owned, reason, cause)
    this.#options.telemetry.shardIs(owned.shard, owned.state)
    this.#align(owned)
    this.#options.onChange()
  }

  #drop(owned: OwnedShard, reason: DropReason, cause: Error | null): void {
    if (owned.isLost) return
    owned.drop()
    this.#options.telemetry.shardDropped(owned.shard, reason, cause)
  }
}

const takesPart = ({ state }: OwnedShard): boolean => state === 'replaying' || state === 'live'
