/**
 * One stretch of owning a shard, from its assignment to its drop: a shard that comes back is a new one. What is
 * dropped stays dropped, so that work which was under way for it finds out.
 */
import assert from 'node:assert/strict'
import type { OutgoingRecord, Transactor } from '../../runtime/kafka/port.ts'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { LedgerEntry } from '../../schemas/generated/events.ts'
import { BROUGHT } from './gap.ts'
import type { Gap } from './gap.ts'
import type { InputTopic } from './handlers.ts'

/** restoring: no state yet; replaying: rebuilding committed state; lost: dropped, waiting to be taken again. */
export const SHARD_STATES = ['restoring', 'replaying', 'live', 'lost'] as const
export type ShardState = (typeof SHARD_STATES)[number]

/** More outputs than this wait for their commit before anything else is applied. */
const PENDING_OUTPUTS_MAX = 2000

export class OwnedShard {
  readonly shard: number
  readonly since: number
  state: ShardState = 'restoring'
  /** Heartbeats that succeeded since it was lost. */
  beatsSinceLost = 0

  door: ShardDoor | null = null
  transactor: Transactor | null = null
  /** Topic → next offset to apply. */
  readonly positions = new Map<string, bigint>()
  /** Topic → next offset by the group's commits. */
  readonly committed = new Map<string, bigint>()
  /** Topic → offset at which the replay ends. */
  readonly replayUntil = new Map<string, bigint>()
  /** Topic → end of its log when last heard of. */
  readonly ends = new Map<string, bigint>()
  /** Topic → LogAppendTime of the last record applied. */
  readonly appliedAt = new Map<string, number>()
  /** Next offset of the ledger partition; everything before it is in the state. */
  ledgerNext = 0n
  /** Some of the ledger before `ledgerNext` is neither in the state nor in the log any more. */
  lacksScores = false
  /** Largest LogAppendTime seen. */
  clock = 0
  readonly gaps: Gap[] = []
  /** Those of which the state knows by now until when they reach. */
  readonly #noted = new Set<Gap>()
  replayedRecords = 0
  fromSnapshot = false
  /** Headline predictions without an outcome, by id, to be given back before going live; null while they are read. */
  predictions: ReadonlyMap<string, LedgerEntry> | null = null

  /** Applied and not yet in a transaction. */
  pending: OutgoingRecord[] = []
  #chain: Promise<unknown> = Promise.resolve()
  #room: (() => void)[] = []

  /**
   * Commits that this process knew when it lost the shard before: where an offset is gone, kafkajs commits "none" for
   * the group before anybody hears of it.
   */
  readonly formerCommits: ReadonlyMap<string, bigint>

  constructor(shard: number, since: number, formerCommits: ReadonlyMap<string, bigint> = new Map()) {
    this.shard = shard
    this.since = since
    this.formerCommits = formerCommits
  }

  knownCommits(): ReadonlyMap<string, bigint> {
    return new Map([...this.formerCommits, ...this.committed])
  }

  get isLost(): boolean {
    return this.state === 'lost'
  }

  /** Runs after everything that was asked of this shard before. */
  enqueue<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#chain.then(work)
    this.#chain = done.then(
      () => undefined,
      () => undefined,
    )
    return done
  }

  get doorOpen(): ShardDoor {
    assert.ok(this.door !== null, `shard ${this.shard} has no state in ${this.state}`)
    return this.door
  }

  position(topic: string): bigint {
    const next = this.positions.get(topic)
    assert.ok(next !== undefined, `shard ${this.shard} has no position of ${topic}`)
    return next
  }

  advance(topic: string, next: bigint): void {
    assert.ok(next >= this.position(topic), `${topic}/${this.shard} went back to ${next} from ${this.position(topic)}`)
    this.positions.set(topic, next)
  }

  /** Topics of which more is applied than committed, with the next offset. */
  uncommitted(): Map<string, bigint> {
    return new Map([...this.positions].filter(([topic, next]) => this.committed.get(topic) !== next))
  }

  /**
   * What is missing was appended before a record that follows it, `at`: up to then the state is not whole. It keeps that
   * itself, so that snapshots do too.
   */
  noteGaps(topic: InputTopic, offset: bigint, at: number): void {
    for (const gap of this.gaps) {
      if (gap.topic !== topic || offset < gap.from || this.#noted.has(gap)) continue
      this.#noted.add(gap)
      this.doorOpen.noteGap(BROUGHT[topic], at)
    }
  }

  isReplayed(topic: string): boolean {
    return this.position(topic) >= (this.replayUntil.get(topic) ?? 0n)
  }

  get isWhollyReplayed(): boolean {
    return [...this.positions.keys()].every((topic) => this.isReplayed(topic))
  }

  isAtEnd(topic: string): boolean {
    return this.position(topic) >= (this.ends.get(topic) ?? 0n)
  }

  lagRecords(): number {
    let lag = 0n
    for (const [topic, end] of this.ends) {
      const next = this.positions.get(topic) ?? 0n
      if (end > next) lag += end - next
    }
    return Number(lag)
  }

  /**
   * Everything appended before this time is applied: the clock when nothing waits, else the last applied time of the
   * topic that is furthest behind. Null before anything is known.
   */
  freshThrough(): number | null {
    if (this.state !== 'live') return null
    let fresh = this.clock
    for (const [topic, end] of this.ends) {
      if (end > (this.positions.get(topic) ?? 0n)) fresh = Math.min(fresh, this.appliedAt.get(topic) ?? 0)
    }
    return fresh === 0 ? null : fresh
  }

  async room(): Promise<void> {
    while (this.pending.length >= PENDING_OUTPUTS_MAX && !this.isLost) {
      await new Promise<void>((resolve) => this.#room.push(resolve))
    }
  }

  makeRoom(): void {
    const waiting = this.#room
    this.#room = []
    for (const resolve of waiting) resolve()
  }

  /** Gives state and producer back; a transaction in flight is fenced by the next owner's init or counts before it. */
  drop(): void {
    if (this.isLost) return
    this.state = 'lost'
    this.pending = []
    this.door?.drop()
    this.door = null
    this.makeRoom()
    // Closing cuts the connections of whatever is under way; nobody waits for its outcome any more.
    this.transactor?.close().catch(() => undefined)
    this.transactor = null
  }
}
