/**
 * The order of the lists, and their cursors. A cursor holds the place of the last item in that order, not a place in any
 * shard: it stays good when shards move, and every owner can be asked with the same one.
 */

/** Place in a list by time: newest first, then by a text that no two items of one time share. */
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

/** Sources count each on their own: the same key may come from several services. */
export function placeOfDeployment(item: {
  readonly key: string
  readonly service: string
  readonly attempt: number
  readonly listedAt: string
}): Place {
  return { at: Date.parse(item.listedAt), key: `${item.key} ${item.attempt} ${item.service}` }
}

export function placeOfIncident(item: {
  readonly key: string
  readonly service: string
  readonly startsAt: string
}): Place {
  return { at: Date.parse(item.startsAt), key: `${item.key} ${item.service}` }
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
