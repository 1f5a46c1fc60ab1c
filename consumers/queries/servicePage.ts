/** Services of this process by name, from each shard's own list by name. */
import { cursorAfterName } from '../../rust-engine/ts/cursor.ts'
import type { Page, ServiceRecord } from '../../rust-engine/ts/records.ts'
import { mergePages } from '../../schemas/queries/mergePages.ts'
import type { MergedPage, PartPage } from '../../schemas/queries/mergePages.ts'
import { BY_NAME, isPast, placeBefore, placeOfName } from '../../schemas/queries/place.ts'
import type { LiveShard } from './askedShard.ts'
import { placeOfCursor } from './placeOfCursor.ts'

/** Services of a shard looked at for one page: a filter that fits few of them must not keep everybody waiting. */
const LOOKED_AT_MAX = 2_000
const READ_AT_ONCE_MAX = 200

export interface ServicePageOptions {
  readonly limit: number
  readonly cursor: string | undefined
  /** Where to look: names that begin otherwise are passed over, those that `wanted` refuses one by one. */
  readonly prefix: string
  readonly wanted: (record: ServiceRecord) => boolean
}

export function servicePage(shards: readonly LiveShard[], options: ServicePageOptions): MergedPage<ServiceRecord> {
  const { limit, prefix, cursor } = options
  const after = placeOfCursor(BY_NAME, cursor)
  const begin = placeBefore(prefix)
  const from = after === null || (begin !== null && BY_NAME.compare(begin, after) > 0) ? begin : after
  const parts = shards.map((shard) => pageOf(shard, from, options))
  return mergePages(parts, { order: BY_NAME, placeOf: ({ service }) => placeOfName(service), itemsMax: limit })
}

function pageOf(
  { door }: LiveShard,
  after: Buffer | null,
  { limit, prefix, wanted }: ServicePageOptions,
): PartPage<ServiceRecord, Buffer> {
  const items: ServiceRecord[] = []
  let cursor = after === null ? null : cursorAfterName(after)
  let last = after
  for (let lookedAt = 0; lookedAt < LOOKED_AT_MAX && items.length <= limit;) {
    const page: Page<ServiceRecord> = door.services(Math.min(limit + 1, READ_AT_ONCE_MAX), cursor)
    items.push(...page.items.filter(wanted))
    cursor = page.cursor
    last = placeOfName(page.items.at(-1)?.service ?? '')
    if (cursor === null || isPast(last, prefix)) return { items, knownThrough: null }
    lookedAt += page.items.length
  }
  return { items, knownThrough: last }
}
