/** One page of a list over several shards, newest first. */
import { timeOfCursor } from '../../rust-engine/ts/cursor.ts'
import type { Page } from '../../rust-engine/ts/records.ts'
import { mergePages } from '../../schemas/queries/mergePages.ts'
import type { MergedPage, PartPage } from '../../schemas/queries/mergePages.ts'
import { BY_TIME } from '../../schemas/queries/place.ts'
import type { Place } from '../../schemas/queries/place.ts'
import type { LiveShard } from './askedShard.ts'
import { placeOfCursor } from './placeOfCursor.ts'
import { later } from './timeRange.ts'

export interface ListOptions<Item> {
  /** Newest first by the time that `placeOf` tells; `before`: only items with a smaller time, null = all. */
  readonly list: (shard: LiveShard, before: number | null, limit: number, cursor: string | null) => Page<Item>
  readonly placeOf: (item: Item) => Place
  readonly limit: number
  readonly cursor: string | undefined
}

export interface TimePage<Item> extends MergedPage<Item> {
  /** As known at a time: from when on all of it is exact; null when it is. */
  readonly exactFrom: number | null
}

export function mergedPage<Item>(shards: readonly LiveShard[], options: ListOptions<Item>): TimePage<Item> {
  const { limit, placeOf, cursor } = options
  const after = placeOfCursor(BY_TIME, cursor)
  const parts = shards.map((shard) => pageOf(shard, after, options))
  const exactFrom = parts.reduce<number | null>((latest, part) => later(latest, part.exactFrom), null)
  return { ...mergePages(parts, { order: BY_TIME, placeOf, itemsMax: limit }), exactFrom }
}

interface TimePart<Item> extends PartPage<Item, Place> {
  readonly exactFrom: number | null
}

/**
 * More than `limit` items after the place, or what a bounded look finds. Only times tell how far that went: the engine orders
 * by its own keys what has the same time, so a millisecond is looked at whole.
 */
function pageOf<Item>(shard: LiveShard, after: Place | null, options: ListOptions<Item>): TimePart<Item> {
  const { list, placeOf, limit } = options
  const before = after === null ? null : after.at + 1
  const items: Item[] = []
  let cursor: string | null = null
  let exactFrom: number | null = null
  for (;;) {
    const page: Page<Item> = list(shard, before, limit + 1, cursor)
    items.push(...page.items.filter((item) => after === null || BY_TIME.compare(placeOf(item), after) > 0))
    cursor = page.cursor
    exactFrom = later(exactFrom, page.exactFrom)
    if (cursor === null) return { items, knownThrough: null, exactFrom }
    const at = timeOfCursor(cursor)
    const last = items[limit]
    const isEnough = last === undefined ? page.items.length <= limit : at < placeOf(last).at
    if (isEnough && (after === null || at < after.at)) return { items, knownThrough: { at, key: '' }, exactFrom }
  }
}
