/** How current and how whole an answer from some shards is. */
import type { ShardView } from './context.ts'
import { timeText } from './summaries.ts'

export interface Freshness {
  readonly freshThrough: string | null
  readonly complete: boolean
  readonly incompleteReason: string | null
}

/** `asked`: every shard that the answer should rest on, whether it could be read or not. */
export function freshnessOf(asked: readonly ShardView[], isInTouch: boolean): Freshness {
  const reasons: string[] = []
  const away = asked.filter(({ state }) => state !== 'live').map(({ shard }) => shard)
  if (away.length > 0) reasons.push(`being restored: ${shardList(away)}`)
  if (!isInTouch) reasons.push('this process lost touch with its group and may no longer own these shards')
  for (const { shard, gap } of asked) if (gap !== null) reasons.push(`shard ${shard}: ${gap}`)

  const times = asked.map(({ freshThrough }) => freshThrough)
  const known = times.filter((time) => time !== null)
  const fresh = known.length === times.length && known.length > 0 ? Math.min(...known) : null
  return {
    freshThrough: timeText(fresh),
    complete: reasons.length === 0,
    incompleteReason: reasons.length === 0 ? null : reasons.join('; '),
  }
}

const shardList = (shards: readonly number[]): string =>
  `${shards.length === 1 ? 'shard' : 'shards'} ${[...shards].sort((a, b) => a - b).join(', ')}`
