/**
 * The orders of the lists, and their cursors. A cursor holds the last place that was told in that order, not a place in any
 * shard: it stays good when shards move, and every owner can be asked with the same one.
 */
import { createHash } from 'node:crypto'

export interface Order<P> {
  /** Negative: `a` stands before `b`; 0: they are the same item. */
  readonly compare: (a: P, b: P) => number
  readonly cursorOf: (place: P) => string
  /** Null for a text that is no cursor of this order. */
  readonly placeOf: (cursor: string) => P | null
}

/** Place in a list by time: newest first, then by key. */
export interface Place {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Tells apart what has the same time; the empty one stands before all. */
  readonly key: string
}

export const BY_TIME: Order<Place> = {
  compare: (a, b) => b.at - a.at || compareTexts(a.key, b.key),
  cursorOf: ({ at, key }) => Buffer.from(`${at} ${key}`).toString('base64url'),
  placeOf(cursor) {
    const place = /^(-?\d{1,16}) (.*)$/su.exec(Buffer.from(cursor, 'base64url').toString('utf8'))
    return place?.[1] === undefined || place[2] === undefined ? null : { at: Number(place[1]), key: place[2] }
  },
}

/** Place in a list by name: the name as the engine's keys order it. */
export const BY_NAME: Order<Buffer> = {
  compare: (a, b) => Buffer.compare(a, b),
  cursorOf: (name) => name.toString('base64url'),
  placeOf(cursor) {
    const name = Buffer.from(cursor, 'base64url')
    return name.includes('/') && name.length <= NAME_BYTES_MAX ? name : null
  },
}

/** By the time that windows select by too: the start, else the request, else the first that was heard of it. */
export function placeOfDeployment(item: {
  readonly service: string
  readonly key: string
  readonly attempt: number
  readonly listedAt: string
}): Place {
  return { at: Date.parse(item.listedAt), key: bounded(`${item.key} ${item.attempt} ${item.service}`) }
}

export function placeOfIncident(item: {
  readonly service: string
  readonly key: string
  readonly startsAt: string
}): Place {
  return { at: Date.parse(item.startsAt), key: bounded(`${item.key} ${item.service}`) }
}

const NAME_BYTES_MAX = 200
const DIGEST_BYTES = 32

/** As `text_part` of the engine's keys: by bytes, a long name by its beginning and a digest. */
export function placeOfName(name: string): Buffer {
  const bytes = Buffer.from(name)
  if (bytes.length <= NAME_BYTES_MAX) return bytes
  return Buffer.concat([bytes.subarray(0, NAME_BYTES_MAX - DIGEST_BYTES), createHash('sha256').update(bytes).digest()])
}

/** As much of a prefix as orders names: behind that a digest may stand. */
const orderedPart = (prefix: string): Buffer => Buffer.from(prefix).subarray(0, NAME_BYTES_MAX - DIGEST_BYTES)

/** A place before every name with this prefix and after all smaller ones; null = the beginning. */
export function placeBefore(prefix: string): Buffer | null {
  const bytes = orderedPart(prefix)
  const last = bytes.at(-1) ?? 0
  // No UTF-8 text has a byte 255, so nothing lies between this place and the prefix.
  return last === 0 ? null : Buffer.concat([bytes.subarray(0, -1), Buffer.from([last - 1, 255])])
}

/** After every name with this prefix. */
export function isPast(place: Buffer, prefix: string): boolean {
  const bytes = orderedPart(prefix)
  return Buffer.compare(place.subarray(0, bytes.length), bytes) > 0
}

const KEY_BYTES_MAX = 300

/** A cursor must fit its field whatever a source calls its things. */
function bounded(key: string): string {
  return Buffer.byteLength(key) <= KEY_BYTES_MAX ? key : createHash('sha256').update(key).digest('hex')
}

/** By UTF-16 code units. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
