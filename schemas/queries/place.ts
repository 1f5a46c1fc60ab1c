/**
 * The order of the lists, and their cursors. A cursor holds the place of the last item in that order, not a place in any
 * shard: it stays good when shards move, and every owner can be asked with the same one.
 */

/** Place in a list by time: newest first, then by key. */
export interface Place {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly key: string
}

/** Negative: `a` stands before `b`. */
export function comparePlaces(a: Place, b: Place): number {
  return b.at - a.at || compareNames(a.key, b.key)
}

/** By UTF-16 code units, as `<` does. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** By startedAt, else requestedAt; known by its end alone, it counts as oldest. */
export function placeOfDeployment(item: {
  readonly key: string
  readonly attempt: number
  readonly startedAt: string | null
  readonly requestedAt: string | null
}): Place {
  const at = item.startedAt ?? item.requestedAt
  return { at: at === null ? 0 : Date.parse(at), key: `${item.key} ${item.attempt}` }
}

export function placeOfIncident(item: { readonly key: string; readonly startsAt: string }): Place {
  return { at: Date.parse(item.startsAt), key: item.key }
}

export function cursorOfPlace({ at, key }: Place): string {
  return Buffer.from(`${at} ${key}`).toString('base64url')
}

/** Null for a text that is no cursor of a list by time. */
export function placeOfCursor(text: string): Place | null {
  const place = /^(-?\d{1,16}) (.*)$/su.exec(Buffer.from(text, 'base64url').toString('utf8'))
  return place?.[1] === undefined || place[2] === undefined ? null : { at: Number(place[1]), key: place[2] }
}

/** Cursor of a list of services, which are ordered by name. */
export function cursorOfName(service: string): string {
  return Buffer.from(service).toString('base64url')
}
