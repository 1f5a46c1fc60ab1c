/**
 * Brings gained shards to the committed state: fence the former owners of all of them, read the committed offsets once,
 * load the snapshots that are not ahead of them, say from where each topic is replayed. The replay itself comes with the
 * fetched batches; the ledger is read beside it.
 */
import type { Codec } from '../../runtime/kafka/codec.ts'
import type { Ends, KafkaPort, Positions } from '../../runtime/kafka/port.ts'
import { TransactorUnwanted } from '../../runtime/kafka/transactorErrors.ts'
import type { EngineDoor } from '../../rust-engine/ts/door.ts'
import type { LedgerEntry } from '../../schemas/generated/events.ts'
import { INPUT_TOPICS } from '../../schemas/topics.ts'
import { SCORED, startOf } from './gap.ts'
import type { Rescore } from './handlers.ts'
import { mayPass } from './mayPass.ts'
import type { OwnedShard } from './ownedShard.ts'
import { snapshotLimit } from './snapshotLimit.ts'
import type { DropReason, PipelineTelemetry } from './telemetry.ts'

const LEDGER = 'devops.ledger'

export interface RestoreOptions {
  readonly groupId: string
  readonly kafka: Pick<KafkaPort, 'shardGroup' | 'transactor' | 'read' | 'committedOffsets' | 'endsOf'>
  readonly codec: Codec
  readonly engine: EngineDoor
  readonly snapshotFolder: string
  readonly rescore: Rescore
  readonly telemetry: PipelineTelemetry
}

type Marks = ReadonlyMap<string, ReadonlyMap<number, Ends>>

/** Shard → headline entries of the ledger that have no outcome there, by prediction id. */
export type OpenPredictions = ReadonlyMap<number, ReadonlyMap<string, LedgerEntry>>

/**
 * Fills door, transactor, positions and replay ends of each shard; one that can't be taken is lost through `lose`.
 * `predictions` is read on and resolves later.
 */
export async function restoreSet(
  set: readonly OwnedShard[],
  options: RestoreOptions,
  lose: (owned: OwnedShard, reason: DropReason, cause: Error) => void,
): Promise<{ readonly predictions: Promise<OpenPredictions> }> {
  await Promise.all(set.map((owned) => init(owned, options, lose)))
  const taken = set.filter((owned) => !owned.isLost)
  if (taken.length === 0) return { predictions: Promise.resolve(new Map()) }

  const committed = await options.kafka.committedOffsets(options.groupId, INPUT_TOPICS)
  const marks = new Map<string, ReadonlyMap<number, Ends>>()
  for (const topic of [...INPUT_TOPICS, LEDGER]) marks.set(topic, await options.kafka.endsOf(topic))
  for (const owned of taken) {
    if (owned.isLost) continue
    try {
      await restoreShard(owned, committed, marks, options)
    } catch (error) {
      // A disk or the pool that refuses one shard for now is no reason to give the other shards of the set up.
      if (!mayPass(error)) throw error
      lose(owned, 'restore_failed', error as Error)
    }
  }
  const open = taken.filter((owned) => !owned.isLost)
  return { predictions: readPredictions(open, marks, options) }
}

/** Resolving means that the former owner's transactions are over. */
async function init(
  owned: OwnedShard,
  options: RestoreOptions,
  lose: (owned: OwnedShard, reason: DropReason, cause: Error) => void,
): Promise<void> {
  try {
    const transactor = await options.kafka.transactor({
      transactionalId: `${options.groupId}-shard-${owned.shard}`,
      groupId: options.groupId,
      partition: owned.shard,
      isWanted: () => !owned.isLost,
    })
    if (owned.isLost) await transactor.close()
    else owned.transactor = transactor
  } catch (error) {
    // Not to get it now is no reason to give the other shards of the set up.
    if (!(error instanceof TransactorUnwanted)) lose(owned, 'restore_failed', error as Error)
  }
}

/** The group's commits; where it has none any more, those this process made before it lost the shard. */
function knownCommits({ shard, formerCommits }: OwnedShard, committed: Positions): Positions {
  const of = (topic: string): bigint => {
    const group = committed.get(topic)?.get(shard) ?? -1n
    return group < 0n ? (formerCommits.get(topic) ?? -1n) : group
  }
  return new Map(INPUT_TOPICS.map((topic) => [topic, new Map([[shard, of(topic)]])]))
}

/** The part of it that is one shard's and asks Kafka nothing. */
export async function restoreShard(
  owned: OwnedShard,
  committed: Positions,
  marks: Marks,
  { engine, snapshotFolder, telemetry }: Pick<RestoreOptions, 'engine' | 'snapshotFolder' | 'telemetry'>,
): Promise<void> {
  const { shard } = owned
  const ledger = marks.get(LEDGER)?.get(shard)
  const commits = knownCommits(owned, committed)
  const { offsets, uncommitted } = snapshotLimit(shard, commits, marks, LEDGER)
  const { shard: loaded, info, refused } = await engine.restoreShard(shard, snapshotFolder, offsets)
  if (refused.length > 0) telemetry.snapshotsRefused(shard, refused)
  if (info !== null && uncommitted.length > 0) telemetry.commitsTakenFromSnapshot(shard, uncommitted)
  const door = loaded ?? engine.createShard(shard)
  if (owned.isLost) {
    door.drop()
    return
  }
  owned.door = door
  owned.clock = info?.clock ?? 0
  owned.fromSnapshot = info !== null

  for (const topic of INPUT_TOPICS) {
    const mark = marks.get(topic)?.get(shard) ?? { low: 0n, high: 0n }
    const group = committed.get(topic)?.get(shard) ?? -1n
    const known = commits.get(topic)?.get(shard) ?? -1n
    const at = info === null ? null : BigInt(info.offsets[topic] ?? '0')
    // Without a commit that of the snapshot's cut is the last one known; not noted as committed, so that it is made anew.
    const start = startOf(topic, at, known < 0n ? (at ?? -1n) : known, mark)
    owned.positions.set(topic, start.from)
    owned.replayUntil.set(topic, start.replayUntil)
    owned.ends.set(topic, mark.high)
    if (group >= 0n) owned.committed.set(topic, group)
    owned.gaps.push(...start.gaps)
    for (const gap of start.gaps) telemetry.gapFound(shard, gap)
  }
  const ledgerLow = ledger?.low ?? 0n
  const ledgerAt = BigInt(info?.offsets[LEDGER] ?? '0')
  owned.ledgerNext = ledgerAt > ledgerLow ? ledgerAt : ledgerLow
  owned.lacksScores = ledgerAt < ledgerLow
}

/**
 * Gives the scores of the ledger to the shards, and holds the predictions that it does not close: those of attempts that wait for their end, and those whose
 * attempts were evicted before it. The latter find no attempt to go back to and are let go when the shard goes live.
 */
async function readPredictions(
  set: readonly OwnedShard[],
  marks: Marks,
  { kafka, codec, rescore }: RestoreOptions,
): Promise<OpenPredictions> {
  const found = new Map(set.map(({ shard }) => [shard, new Map<string, LedgerEntry>()]))
  const from = new Map(set.map(({ shard, ledgerNext }) => [shard, ledgerNext]))
  const unread = set.filter(({ shard, ledgerNext }) => (marks.get(LEDGER)?.get(shard)?.high ?? 0n) > ledgerNext)
  if (unread.length > 0) {
    const reader = await kafka.read(codec, {
      topic: LEDGER,
      partitions: unread.map(({ shard }) => shard),
      from,
      follow: false,
      onRecord: ({ partition, at }, entry) => {
        const open = found.get(partition)
        const owned = set.find(({ shard }) => shard === partition)
        if (owned?.lacksScores === true) {
          owned.lacksScores = false
          owned.door?.noteGap(SCORED, at)
        }
        if (entry === null || entry.kind === 'asked') return
        if (entry.kind === 'headline') open?.set(entry.predictionId, entry)
        else {
          open?.delete(entry.predictionId)
          if (owned !== undefined && owned.door !== null) rescore(entry, owned.door)
        }
      },
      // Nothing of ours: the prediction it may have held is missing, its attempt ends unscored and is counted so.
      onUndecodable: () => undefined,
    })
    try {
      await reader.caughtUp
    } finally {
      await reader.close()
    }
  }
  for (const owned of set) owned.ledgerNext = marks.get(LEDGER)?.get(owned.shard)?.high ?? owned.ledgerNext
  return found
}
