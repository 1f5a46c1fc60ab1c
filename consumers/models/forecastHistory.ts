/** Hours ahead that one forecast covers, and the season that every baseline knows. */
export const DAY = 24
export const WEEK = 168

/** Older hours are not looked at: four weeks hold every season that is modelled. */
export const HISTORY_HOURS_MAX = 672

/** Three days: the least from which a daily season can be told from a level and be checked once. */
export const KNOWN_HOURS_MIN = 72
/** Known hours must be recent: a service that was silent for longer starts anew. */
export const KNOWN_WITHIN_HOURS = 336

/** A history without holes, oldest first. */
export interface History {
  readonly values: Float64Array
  /** 1 where the hour was observed, 0 where it was filled. */
  readonly known: Uint8Array
}

/** How many observed hours are still missing before a forecast is worth its name; 0 when there are enough. */
export function missingHours(hourly: Float64Array): number {
  let known = 0
  for (const value of hourly.subarray(Math.max(0, hourly.length - KNOWN_WITHIN_HOURS)))
    if (Number.isFinite(value)) known++
  return Math.max(0, KNOWN_HOURS_MIN - known)
}

/**
 * The last weeks of `hourly` (NaN = gap), from the first observed hour on, gaps filled from the past alone: an hour by
 * the same hour of the day before, moved by half of what the level has moved since. Nothing later than an hour is ever
 * used for it, so that a backtest on filled hours stays honest.
 */
export function readHistory(hourly: Float64Array): History {
  let first = Math.max(0, hourly.length - HISTORY_HOURS_MAX)
  while (first < hourly.length && !Number.isFinite(hourly[first])) first++
  const values = hourly.slice(first)
  const known = new Uint8Array(values.length)
  let lastKnown = 0
  for (let t = 0; t < values.length; t++) {
    const value = values[t] as number
    if (Number.isFinite(value)) {
      known[t] = 1
      lastKnown = t
    } else if (t < DAY) {
      values[t] = values[t - 1] as number
    } else {
      const moved = lastKnown >= DAY ? (values[lastKnown] as number) - (values[lastKnown - DAY] as number) : 0
      // Within a day of the last observation only: a long gap repeats its last filled day.
      values[t] = (values[t - DAY] as number) + (t - lastKnown <= DAY ? moved / 2 : 0)
    }
  }
  return { values, known }
}
