/** How far a snapshot may have gone to be of use: it is cut where all is committed, so never past the commits or the log. */
import type { Ends, Positions } from '../../runtime/kafka/port.ts'
import { INPUT_TOPICS } from '../../schemas/topics.ts'
import { isClock } from './gap.ts'

export interface SnapshotLimit {
  /** Topic → largest next offset that it may name. */
  readonly offsets: Readonly<Record<string, string>>
  /** Topics of which the group has no commit: never made, expired, or deleted. */
  readonly uncommitted: readonly string[]
}

/**
 * No commit is no commit of 0: that would refuse every snapshot and apply the log again as new. What a snapshot names was
 * committed when it was cut; only one past the end of the log belongs to another log, whatever is committed: the topic was
 * made anew, or lost its tail. The clock's topic holds no state, so its end says nothing about a snapshot.
 */
export function snapshotLimit(
  shard: number,
  committed: Positions,
  ends: ReadonlyMap<string, ReadonlyMap<number, Ends>>,
  ledger: string,
): SnapshotLimit {
  const high = (topic: string): bigint => ends.get(topic)?.get(shard)?.high ?? 0n
  const offsets: Record<string, string> = { [ledger]: String(high(ledger)) }
  const uncommitted: string[] = []
  for (const topic of INPUT_TOPICS) {
    const next = committed.get(topic)?.get(shard) ?? -1n
    if (next < 0n) uncommitted.push(topic)
    offsets[topic] = String(next < 0n || (next > high(topic) && !isClock(topic)) ? high(topic) : next)
  }
  return { offsets, uncommitted }
}
