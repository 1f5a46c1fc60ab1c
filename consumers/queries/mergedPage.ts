/**
 * One page of a list over several shards, newest first. The cursor is the place of the last item in that order, not a
 * place in any shard: it stays good when shards move, and several owners can be asked with the same one.
 */
import type { Page } from '../../rust-engine/ts/records.ts'
import type { LiveShard } from './askedShard.ts'
import { invalidInput } from './errors.ts'

export interface Place {
  readonly at: number
  readonly key: string
}

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
  found.sort((a, b) => compare(placeOf(a), placeOf(b)))
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, nextCursor: found.length > limit && last !== undefined ? writeCursor(placeOf(last)) : null }
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
      if (after === null || compare(place, after) > 0) found.push(item)
    }
    cursor = page.cursor
  } while (cursor !== null)
  return found
}

/** Newest first, then by key. */
function compare(a: Place, b: Place): number {
  return b.at - a.at || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
}

function writeCursor({ at, key }: Place): string {
  return Buffer.from(`${at} ${key}`).toString('base64url')
}

function readCursor(text: string): Place {
  const place = /^(-?\d{1,16}) (.*)$/su.exec(Buffer.from(text, 'base64url').toString('utf8'))
  if (place?.[1] === undefined || place[2] === undefined) throw invalidInput('cursor', 'is not a cursor of this list')
  return { at: Number(place[1]), key: place[2] }
}
