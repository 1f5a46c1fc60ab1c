import { EXPERTS } from './forecastExperts.ts'
import type { ExpertForecasts } from './forecastExperts.ts'
import { DAY, WEEK } from './forecastHistory.ts'
import type { History } from './forecastHistory.ts'

/** Days before an origin on which the experts are checked; their errors decide what they weigh. */
export const CHECKED_DAYS = 7

/** What the residual network sees of one hour ahead, in order. Changing this list makes a new model format. */
export const FORECAST_FEATURES = [
  ...EXPERTS.map((expert) => `${expert} beyond base`),
  ...EXPERTS.map((expert) => `${expert} error against base`),
  'base beyond its mean',
  'base change to the hour before',
  'hours ahead',
  'soon',
  'error of the base a day ago, same hour',
  'error of the base over the day ago',
  'error of the base over the last quarter of a day',
  'error of the base in the last hour',
  'usual error of the base',
  'usual error of the base, same hour',
  'spread of the experts',
  'change of the level since yesterday',
  'change of the level since a week ago',
  'days of history',
  'share of filled hours',
  'weekly season known',
] as const

/** One origin as the network sees it. */
export interface Outlook {
  /** Mean of the experts, weighted by how they did lately. */
  readonly base: Float64Array
  readonly seasonalNaive: Float64Array
  /** Size of an ordinary daily change: what features and outputs are counted in. */
  readonly unit: number
  /** 24 rows of FORECAST_FEATURES.length. */
  readonly rows: Float32Array
}

/** Experts' forecasts at a day that has passed. */
export interface Checked {
  readonly origin: number
  readonly forecasts: ExpertForecasts
}

/** `checked`: the days before `origin`, newest first, at least one. Uses nothing from `origin` on. */
export function outlookAt(
  history: History,
  origin: number,
  now: ExpertForecasts,
  checked: readonly Checked[],
): Outlook {
  const unit = ordinaryChange(history.values, origin)
  const errors = EXPERTS.map((_, expert) =>
    recentError(history, checked, (forecasts) => forecasts[expert] as Float64Array),
  )
  const weights = weightsOf(errors, unit)
  const blend = (forecasts: ExpertForecasts): Float64Array =>
    Float64Array.from({ length: DAY }, (_, h) =>
      forecasts.reduce((sum, forecast, expert) => sum + (weights[expert] as number) * (forecast[h] as number), 0),
    )
  const base = blend(now)
  const past = checked.map(({ origin: day, forecasts }) => ({ day, missed: missesOf(history, day, blend(forecasts)) }))
  const rows = featureRows({ history, origin, now, base, unit, errors, past })
  return { base, seasonalNaive: now[0] as Float64Array, unit, rows }
}

/** Mean change from one day to the next over two weeks; single leaps count as five ordinary ones. */
function ordinaryChange(values: Float64Array, origin: number): number {
  const changes: number[] = []
  for (let t = Math.max(DAY, origin - 2 * WEEK); t < origin; t++)
    changes.push(Math.abs((values[t] as number) - (values[t - DAY] as number)))
  const median = changes.toSorted((a, b) => a - b)[changes.length >> 1] as number
  const limit = median > 0 ? 5 * median : Infinity
  const mean = changes.reduce((sum, change) => sum + Math.min(change, limit), 0) / changes.length
  return Math.max(mean, 1e-9 * Math.abs(values[origin - 1] as number), 1e-12)
}

/** Mean absolute error over the checked days, newer ones counting more; filled hours don't count. */
function recentError(
  history: History,
  checked: readonly Checked[],
  pick: (f: ExpertForecasts) => Float64Array,
): number {
  let sum = 0
  let total = 0
  checked.forEach(({ origin, forecasts }, back) => {
    const weight = 0.8 ** back
    for (const miss of missesOf(history, origin, pick(forecasts))) {
      if (Number.isNaN(miss)) continue
      sum += weight * Math.abs(miss)
      total += weight
    }
  })
  return total === 0 ? NaN : sum / total
}

/** Truth minus forecast for the 24 hours from a past origin; NaN where the truth is not known. */
function missesOf({ values, known }: History, origin: number, forecast: Float64Array): Float64Array {
  return forecast.map((value, h) => (known[origin + h] === 1 ? (values[origin + h] as number) - value : NaN))
}

/** Inverse to the error; seasonal naive has no say, being part of the others. */
function weightsOf(errors: readonly number[], unit: number): readonly number[] {
  const raw = errors.map((error, expert) => (expert === 0 ? 0 : 1 / (Number.isNaN(error) ? unit : error + 0.05 * unit)))
  const total = raw.reduce((sum, weight) => sum + weight, 0)
  return raw.map((weight) => weight / total)
}

interface Seen {
  readonly history: History
  readonly origin: number
  readonly now: ExpertForecasts
  readonly base: Float64Array
  readonly unit: number
  readonly errors: readonly number[]
  readonly past: readonly { readonly day: number; readonly missed: Float64Array }[]
}

function featureRows({ history, origin, now, base, unit, errors, past }: Seen): Float32Array {
  const { values, known } = history
  const level = (end: number): number => meanOf(values.subarray(Math.max(0, end - DAY), end))
  const misses = past.map(({ missed }) => missed)
  const yesterday = misses[0] ?? new Float64Array(DAY)
  const usual = Math.max(orZero(meanAbsolute(misses.flatMap((missed) => [...missed]))), 0.05 * unit)
  const weekly = origin >= WEEK + DAY
  const lastWeek = known.subarray(Math.max(0, origin - WEEK), origin)
  const filled = 1 - lastWeek.reduce((sum, one) => sum + one, 0) / lastWeek.length
  const mean = meanOf(base)
  const ofExperts = errors.map((error) => Math.log((orElse(error, usual) + 0.05 * unit) / usual))
  const ofYesterday = [yesterday, yesterday.subarray(DAY - 6), yesterday.subarray(DAY - 1)].map(
    (hours) => orZero(meanOf(hours)) / unit,
  )
  const ofHistory = [
    (level(origin) - level(origin - DAY)) / unit,
    weekly ? (level(origin) - level(origin - WEEK)) / unit : 0,
    Math.log(origin / WEEK),
    filled,
    weekly ? 1 : 0,
  ]

  const rows = new Float32Array(DAY * FORECAST_FEATURES.length)
  for (let h = 0; h < DAY; h++) {
    const beyond = now.map((forecast) => ((forecast[h] as number) - (base[h] as number)) / unit)
    const before = h === 0 ? (values[origin - 1] as number) : (base[h - 1] as number)
    const row = [
      ...beyond,
      ...ofExperts,
      ((base[h] as number) - mean) / unit,
      ((base[h] as number) - before) / unit,
      h / DAY,
      Math.exp(-h / 3),
      orZero(yesterday[h] as number) / unit,
      ...ofYesterday,
      Math.log(usual / unit),
      Math.log((orElse(meanAbsolute(misses.map((missed) => missed[h] as number)), usual) + 0.1 * usual) / usual),
      Math.sqrt(meanOf(beyond.map((value) => value * value))),
      ...ofHistory,
    ]
    // A feature far outside says no more than one just outside, and must not carry the network away.
    for (const [i, value] of row.entries()) rows[h * FORECAST_FEATURES.length + i] = Math.max(-8, Math.min(8, value))
  }
  return rows
}

const orElse = (value: number, other: number): number => (Number.isNaN(value) ? other : value)
const orZero = (value: number): number => orElse(value, 0)

/** Means over what is known: NaN is left out, and is the mean of nothing. Plain loops, since every forecast makes hundreds. */
function meanOf(values: ArrayLike<number>): number {
  let sum = 0
  let count = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (Number.isNaN(value)) continue
    sum += value
    count++
  }
  return sum / count
}

function meanAbsolute(values: ArrayLike<number>): number {
  let sum = 0
  let count = 0
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i] as number)
    if (Number.isNaN(size)) continue
    sum += size
    count++
  }
  return sum / count
}
