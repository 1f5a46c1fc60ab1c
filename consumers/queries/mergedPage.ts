/** One page of a list over several shards, newest first, by the order and the cursors of schemas/queries/place.ts. */
import type { Page } from '../../rust-engine/ts/records.ts'
import { comparePlaces, cursorOfPlace, placeOfCursor } from '../../schemas/queries/place.ts'
import type { Place } from '../../schemas/queries/place.ts'
import type { LiveShard } from './askedShard.ts'
import { invalidInput } from './errors.ts'

export interface ListOptions<Item> {
  /** Newest first by the time that `placeOf` tells; `before`: only items with a smaller time, null = all. */
  readonly list: (shard: LiveShard, before: number | null, limit: number, cursor: string | null) => Page<Item>
  readonly placeOf: (item: Item) => Place
  readonly limit: number
  readonly cursor: string | undefined
}

export function mergedPage<Item>(
  shards: readonly LiveShard[],
  options: ListOptions<Item>,
): { items: Item[]; nextCursor: string | null } {
  const { limit, placeOf } = options
  const after = options.cursor === undefined ? null : readCursor(options.cursor)
  const found = shards.flatMap((shard) => collect(shard, after, options))
  found.sort((a, b) => comparePlaces(placeOf(a), placeOf(b)))
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, nextCursor: found.length > limit && last !== undefined ? cursorOfPlace(placeOf(last)) : null }
}

/** At least limit + 1 items after the place where there are so many, and every one with the time of the last. */
function collect<Item>(shard: LiveShard, after: Place | null, options: ListOptions<Item>): Item[] {
  const { list, placeOf, limit } = options
  const before = after === null ? null : after.at + 1
  const found: Item[] = []
  let cursor: string | null = null
  do {
    const page: Page<Item> = list(shard, before, limit + 1, cursor)
    for (const item of page.items) {
      const place = placeOf(item)
      const enough = found.length > limit ? found[limit] : undefined
      if (enough !== undefined && place.at < placeOf(enough).at) return found
      if (after === null || comparePlaces(place, after) > 0) found.push(item)
    }
    cursor = page.cursor
  } while (cursor !== null)
  return found
}

function readCursor(text: string): Place {
  const place = placeOfCursor(text)
  if (place === null) throw invalidInput('cursor', 'is not a cursor of this list')
  return place
}
