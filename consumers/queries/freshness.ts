/** How current and how whole an answer from some shards is. */
import type { DroppedKind } from '../../rust-engine/ts/records.ts'
import type { ShardView } from './context.ts'
import { timeText } from './summaries.ts'
import { later } from './timeRange.ts'

export interface Freshness {
  readonly freshThrough: string | null
  readonly complete: boolean
  readonly incompleteReason: string | null
  /** Nothing of what the answer rests on was dropped at or after this time; null: nothing was dropped. */
  readonly completeSince: string | null
}

/** What of the past an answer rests on. */
export interface History {
  readonly kinds: readonly DroppedKind[]
  /** The time that the answer should reach back to, ms; null when it makes no such claim. */
  readonly from: number | null
}

/** How far back a page of a list, newest first, reaches: to its last item when another page follows, else as far as was asked. */
export const reach = (from: number | null, nextCursor: string | null, lastItem: number | undefined): number =>
  (nextCursor === null ? undefined : lastItem) ?? from ?? Number.NEGATIVE_INFINITY

/**
 * `asked`: every shard that the answer should rest on, whether it could be read or not. `histories`: what it rests on first; of the
 * others only what is lacking counts.
 */
export function freshnessOf(
  asked: readonly ShardView[],
  isInTouch: boolean,
  ...histories: readonly History[]
): Freshness {
  const reasons: string[] = []
  const away = asked.filter(({ state }) => state !== 'live').map(({ shard }) => shard)
  if (away.length > 0) reasons.push(`being restored: ${shardList(away)}`)
  if (!isInTouch) reasons.push('this process lost touch with its group and may no longer own these shards')
  for (const { shard, gap } of asked) if (gap !== null) reasons.push(`shard ${shard}: ${gap}`)
  const dropped = histories.map(({ kinds, from }, n) => {
    const until = droppedUntil(asked, kinds)
    const lacks = until !== null && from !== null && from <= until
    return { until: n === 0 || lacks ? until : null, lacks }
  })
  const until = dropped.reduce<number | null>((latest, part) => later(latest, part.until), null)
  const since = until === null ? null : timeText(until + 1)
  if (dropped.some(({ lacks }) => lacks)) {
    reasons.push(`some of what is older than ${since} was dropped to make room or never came`)
  }

  const times = asked.map(({ freshThrough }) => freshThrough)
  const known = times.filter((time) => time !== null)
  const fresh = known.length === times.length && known.length > 0 ? Math.min(...known) : null
  return {
    freshThrough: timeText(fresh),
    complete: reasons.length === 0,
    incompleteReason: reasons.length === 0 ? null : reasons.join('; '),
    completeSince: since,
  }
}

function droppedUntil(asked: readonly ShardView[], kinds: readonly DroppedKind[]): number | null {
  if (kinds.length === 0) return null
  const all = asked.flatMap(({ door }) => door?.dropped() ?? [])
  const times = all.flatMap(({ kind, until }) => (until !== null && kinds.includes(kind) ? [until] : []))
  return times.length === 0 ? null : Math.max(...times)
}

const shardList = (shards: readonly number[]): string =>
  `${shards.length === 1 ? 'shard' : 'shards'} ${[...shards].sort((a, b) => a - b).join(', ')}`
