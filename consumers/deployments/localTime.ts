/** Hour and weekday of a moment in an IANA zone. */
export interface LocalTime {
  /** 0 ≤ hour < 24, with minutes as fraction */
  readonly hour: number
  /** 0 = Monday */
  readonly weekday: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The first of January 1970 was a Thursday. */
const EPOCH_WEEKDAY = 3
/** Offsets change at most once an hour; a formatter call costs some 5 µs, a look-up far less. */
const OFFSETS_MAX = 4096

const formatters = new Map<string, Intl.DateTimeFormat>()
const offsets = new Map<string, number>()

export function localTime(at: number, zone: string): LocalTime {
  const local = at + (zone === 'UTC' ? 0 : offsetOf(at, zone))
  const ofDay = ((local % DAY_MS) + DAY_MS) % DAY_MS
  const day = Math.floor(local / DAY_MS)
  return { hour: ofDay / HOUR_MS, weekday: (((day + EPOCH_WEEKDAY) % 7) + 7) % 7 }
}

/** ms that the clocks of `zone` are ahead of UTC; the same within a quarter of an hour, as all zone changes keep to one. */
function offsetOf(at: number, zone: string): number {
  const quarter = Math.floor(at / (HOUR_MS / 4))
  const key = `${zone} ${quarter}`
  const known = offsets.get(key)
  if (known !== undefined) return known
  if (offsets.size >= OFFSETS_MAX) offsets.clear()
  const offset = computeOffset(quarter * (HOUR_MS / 4), zone)
  offsets.set(key, offset)
  return offset
}

function computeOffset(at: number, zone: string): number {
  let formatter = formatters.get(zone)
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formatters.set(zone, formatter)
  }
  const parts = new Map(formatter.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) - at
}
