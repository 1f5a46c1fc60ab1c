/** Services of this process by name. There are few enough of them that a page may look at all. */
import type { ServiceRecord } from '../../rust-engine/ts/records.ts'
import type { LiveShard } from './askedShard.ts'
import { invalidInput } from './errors.ts'

const READ_AT_ONCE = 500

export interface ServicePageOptions {
  readonly limit: number
  readonly cursor: string | undefined
  readonly wanted: (record: ServiceRecord) => boolean
}

export function servicePage(
  shards: readonly LiveShard[],
  { limit, cursor, wanted }: ServicePageOptions,
): { items: ServiceRecord[]; nextCursor: string | null } {
  const after = cursor === undefined ? '' : readCursor(cursor)
  const found = shards
    .flatMap((shard) => [...everyService(shard)])
    .filter((record) => record.service > after && wanted(record))
    .sort((a, b) => (a.service < b.service ? -1 : 1))
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, nextCursor: found.length > limit && last !== undefined ? writeCursor(last.service) : null }
}

function* everyService({ door }: LiveShard): Generator<ServiceRecord> {
  let cursor: string | null = null
  do {
    const page = door.services(READ_AT_ONCE, cursor)
    yield* page.items
    cursor = page.cursor
  } while (cursor !== null)
}

const writeCursor = (service: string): string => Buffer.from(service).toString('base64url')

function readCursor(text: string): string {
  const service = Buffer.from(text, 'base64url').toString('utf8')
  if (!service.includes('/')) throw invalidInput('cursor', 'is not a cursor of this list')
  return service
}
