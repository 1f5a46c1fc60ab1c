/** Merges the owners' pages into one: pure, so that paging can be proved over all its cases. */

/** An owner's page, in the order of its list. */
export interface OwnerPage<Item> {
  readonly items: readonly Item[]
  /** Not null: there are items after these. */
  readonly nextCursor: string | null
}

export interface ListOrder<Item> {
  /** Negative: `a` stands before `b`; 0: they are the same item. */
  readonly compare: (a: Item, b: Item) => number
  /** Cursor of the page that begins after the item, good at every owner. */
  readonly cursorAfter: (item: Item) => string
}

/**
 * Takes the foremost item again and again until the page is full in items or bytes, or until a page with more behind it
 * runs dry: what comes next is not known then. While a shard moves two owners may both give an item; it is taken once.
 */
export function mergeLists<Item>(
  pages: readonly OwnerPage<Item>[],
  order: ListOrder<Item>,
  limits: { readonly itemsMax: number; readonly bytesMax: number },
): OwnerPage<Item> {
  const horizon = foremost(
    pages.map((page) => (page.nextCursor === null ? undefined : page.items.at(-1))),
    order,
  )
  const known = pages
    .flatMap((page) => page.items)
    .sort(order.compare)
    .filter((item, index, all) => index === 0 || order.compare(all[index - 1] ?? item, item) !== 0)
  const certain = known.filter((item) => horizon === undefined || order.compare(item, horizon) <= 0)
  const items = fitting(certain.slice(0, limits.itemsMax), limits.bytesMax)
  const last = items.at(-1)
  const more = items.length < known.length || horizon !== undefined
  return { items, nextCursor: more && last !== undefined ? order.cursorAfter(last) : null }
}

function foremost<Item>(items: readonly (Item | undefined)[], order: ListOrder<Item>): Item | undefined {
  return items.reduce<Item | undefined>(
    (best, item) => (best === undefined || (item !== undefined && order.compare(item, best) < 0) ? item : best),
    undefined,
  )
}

/** The first item always fits: a page without items would stop the caller for ever. */
function fitting<Item>(items: readonly Item[], bytesMax: number): readonly Item[] {
  let bytes = 0
  const end = items.findIndex((item, index) => {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1
    return bytes > bytesMax && index > 0
  })
  return end === -1 ? items : items.slice(0, end)
}
