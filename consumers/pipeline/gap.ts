/** Where a restored shard starts to read a topic, and whether what it should have read is still there. */

export interface Gap {
  readonly topic: string
  /** First offset that is missing and first one that is there. */
  readonly from: bigint
  readonly to: bigint
  /** True when the missing records were never applied; false when only their effect on a lost state is gone. */
  readonly neverApplied: boolean
}

export interface Start {
  readonly from: bigint
  /** Records before it were applied by a former owner: outputs off. */
  readonly replayUntil: bigint
  readonly gap: Gap | null
}

/**
 * `snapshot`: its next offset of the topic, null without one. `committed`: −1n = none. A tick that is gone is no gap:
 * the restored clock starts at the snapshot's.
 */
export function startOf(
  topic: string,
  snapshot: bigint | null,
  committed: bigint,
  low: bigint,
  isClock: boolean,
): Start {
  const wanted = snapshot ?? 0n
  const from = wanted > low ? wanted : low
  const replayUntil = committed > from ? committed : from
  if (low <= wanted || isClock) return { from, replayUntil, gap: null }
  return { from, replayUntil, gap: { topic, from: wanted, to: low, neverApplied: committed >= 0n && committed < low } }
}
