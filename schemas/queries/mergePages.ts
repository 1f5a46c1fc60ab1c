/** Merges pages of one list, of shards or of owners, into one: pure, so that paging can be proved over all its cases. */
import type { Order } from './place.ts'

/** A part's page, in the order of the list. */
export interface PartPage<Item, P> {
  readonly items: readonly Item[]
  /** The part has told all its items up to here; null: all to its end. May lie beyond the last item, and without any. */
  readonly knownThrough: P | null
}

export interface MergeOptions<Item, P> {
  readonly order: Order<P>
  readonly placeOf: (item: Item) => P
  readonly itemsMax: number
  readonly bytesMax?: number
}

export interface MergedPage<Item> {
  readonly items: Item[]
  /** Null at the end of the list. A page may be empty and yet have a cursor: what comes next was not looked at yet. */
  readonly nextCursor: string | null
}

/**
 * Takes the foremost items until the page is full in items or bytes, or as far as every part is known. While a shard moves
 * two owners may both give an item; it is taken once.
 */
export function mergePages<Item, P>(
  parts: readonly PartPage<Item, P>[],
  { order, placeOf, itemsMax, bytesMax = Infinity }: MergeOptions<Item, P>,
): MergedPage<Item> {
  const horizon = parts
    .flatMap(({ knownThrough }) => (knownThrough === null ? [] : [knownThrough]))
    .reduce<P | null>((best, place) => (best === null || order.compare(place, best) < 0 ? place : best), null)
  const certain = parts
    .flatMap(({ items }) => items.map((item) => ({ item, place: placeOf(item) })))
    .filter(({ place }) => horizon === null || order.compare(place, horizon) <= 0)
    .sort((a, b) => order.compare(a.place, b.place))
    .filter(({ place }, index, all) => {
      const before = all[index - 1]
      return before === undefined || order.compare(before.place, place) !== 0
    })
  const told = certain.slice(0, fitting(certain, itemsMax, bytesMax))
  const last = told.at(-1)
  const items = told.map(({ item }) => item)
  if (told.length < certain.length && last !== undefined) return { items, nextCursor: order.cursorOf(last.place) }
  return { items, nextCursor: horizon === null ? null : order.cursorOf(horizon) }
}

/** The first item always fits: a page that could hold none would stop the caller for ever. */
function fitting(entries: readonly { readonly item: unknown }[], itemsMax: number, bytesMax: number): number {
  if (bytesMax === Infinity) return itemsMax
  let bytes = 0
  const end = entries.findIndex(({ item }, index) => {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1
    return index > 0 && bytes > bytesMax
  })
  return end === -1 ? itemsMax : Math.min(end, itemsMax)
}
