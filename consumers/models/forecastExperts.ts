import { DAY, WEEK } from './forecastHistory.ts'
import type { History } from './forecastHistory.ts'
import { RidgeSums } from './forecastRidge.ts'

/** The plain forecasters that the model weighs against each other, in the order of their forecasts. */
export const EXPERTS = ['seasonal_naive', 'moved_day', 'profile', 'weekly', 'autoregression', 'direct_ridge'] as const

/** Least hours before an origin from which every expert can speak. */
export const EXPERT_HOURS_MIN = 48

/** Forecasts of all experts for the 24 hours from one origin on: EXPERTS.length rows of 24. */
export type ExpertForecasts = readonly Float64Array[]

/** Means over the 24 and over the 6 hours before each hour; NaN where there are fewer. */
interface Levels {
  readonly day: Float64Array
  readonly quarter: Float64Array
}

/** What the experts say at each of the ascending origins; at an origin only hours before it are used. */
export function expertForecasts(history: History, origins: readonly number[]): ExpertForecasts[] {
  const { values } = history
  const levels = { day: trailingMeans(values, DAY), quarter: trailingMeans(values, 6) }
  const regressions = new Regressions(history, levels)
  return origins.map((origin) => {
    regressions.learnBefore(origin)
    const spread = spreadBefore(values, origin)
    const forecasts = [
      values.slice(origin - DAY, origin),
      movedDay(values, origin),
      profile(values, origin),
      origin >= WEEK + DAY ? weekly(values, levels, origin) : profile(values, origin),
      regressions.autoregression(origin, spread),
      regressions.direct(origin, spread),
    ]
    for (const forecast of forecasts) keepWithin(forecast, values, origin)
    return forecasts
  })
}

function trailingMeans(values: Float64Array, hours: number): Float64Array {
  const means = new Float64Array(values.length + 1).fill(NaN)
  for (let end = hours; end <= values.length; end++) {
    let sum = 0
    for (let t = end - hours; t < end; t++) sum += values[t] as number
    means[end] = sum / hours
  }
  return means
}

/** Variance of the last week. Its floor keeps a flat history solvable. */
function spreadBefore(values: Float64Array, origin: number): number {
  const from = Math.max(0, origin - WEEK)
  let sum = 0
  let squares = 0
  const base = values[from] as number
  for (let t = from; t < origin; t++) {
    const value = (values[t] as number) - base
    sum += value
    squares += value * value
  }
  const count = origin - from
  const variance = squares / count - (sum / count) ** 2
  return Math.max(variance, 1e-12 * (base * base + 1e-6))
}

/** Yesterday, moved by how the last three hours differ from the same of yesterday; the move fades. */
function movedDay(values: Float64Array, origin: number): Float64Array {
  let move = 0
  for (let t = origin - 3; t < origin; t++) move += ((values[t] as number) - (values[t - DAY] as number)) / 3
  move *= 0.8
  return Float64Array.from({ length: DAY }, (_, h) => {
    const value = (values[origin - DAY + h] as number) + move
    move *= 0.97
    return value
  })
}

/** Mean shape of the last week's days, newer ones counting more, at the level of the last day. */
function profile(values: Float64Array, origin: number): Float64Array {
  const shape = new Float64Array(DAY)
  let level = 0
  let total = 0
  for (let day = 1, weight = 1; day <= 7 && origin - day * DAY >= 0; day++, weight *= 0.85) {
    const start = origin - day * DAY
    let mean = 0
    for (let h = 0; h < DAY; h++) mean += (values[start + h] as number) / DAY
    for (let h = 0; h < DAY; h++) shape[h] = (shape[h] as number) + weight * ((values[start + h] as number) - mean)
    if (day === 1) level = mean
    total += weight
  }
  return shape.map((deviation) => level + deviation / total)
}

/** The same weekday a week ago, at the level of the last day. */
function weekly(values: Float64Array, { day }: Levels, origin: number): Float64Array {
  const move = (day[origin] as number) - (day[origin - WEEK] as number)
  return values.slice(origin - WEEK, origin - WEEK + DAY).map((value) => value + move)
}

/** A regression may run away; nothing is forecast further outside of the last two weeks' range than that range. */
function keepWithin(forecast: Float64Array, values: Float64Array, origin: number): void {
  let low = Infinity
  let high = -Infinity
  for (let t = Math.max(0, origin - 2 * WEEK); t < origin; t++) {
    low = Math.min(low, values[t] as number)
    high = Math.max(high, values[t] as number)
  }
  const range = high - low
  for (let h = 0; h < DAY; h++) forecast[h] = Math.min(high + range, Math.max(low - range, forecast[h] as number))
}

const LAGS = [1, 2, 3, DAY, DAY + 1, 2 * DAY] as const
const DIRECT_WIDTH = 7

/** Two ridge regressions of the series on itself, learned hour by hour. */
class Regressions {
  readonly #values: Float64Array
  readonly #known: Uint8Array
  readonly #levels: Levels
  /** The regression sees differences to it, so that a high level doesn't drown the rest. */
  readonly #center: number
  /** Of the size of the values: else the penalty would weigh it by the unit of the series. */
  readonly #constant: number
  readonly #lagged = new RidgeSums(LAGS.length + 1)
  readonly #ahead = Array.from({ length: DAY }, () => new RidgeSums(DIRECT_WIDTH))
  readonly #lagRow = new Float64Array(LAGS.length + 1)
  readonly #directRow = new Float64Array(DIRECT_WIDTH)
  #learned = 2 * DAY

  constructor({ values, known }: History, levels: Levels) {
    this.#values = values
    this.#known = known
    this.#levels = levels
    this.#center = levels.day[DAY] as number
    this.#constant = Math.sqrt(spreadBefore(values, 2 * DAY))
  }

  learnBefore(origin: number): void {
    for (; this.#learned < origin; this.#learned++) {
      const t = this.#learned
      if (this.#known[t] === 0) continue
      const value = this.#values[t] as number
      this.#lagged.add(this.#lags(this.#values, t), value - this.#center)
      for (let h = 0; h < DAY && t - h >= 2 * DAY; h++)
        (this.#ahead[h] as RidgeSums).add(this.#direct(t - h, h), value - (this.#values[t - DAY] as number))
    }
  }

  /** Step by step: each hour's forecast is the next one's lag. */
  autoregression(origin: number, spread: number): Float64Array {
    const weights = this.#lagged.solve(spread)
    const path = new Float64Array(origin + DAY)
    path.set(this.#values.subarray(origin - 2 * DAY, origin), origin - 2 * DAY)
    for (let t = origin; t < origin + DAY; t++) path[t] = this.#center + dot(weights, this.#lags(path, t))
    return path.slice(origin)
  }

  /** One regression for each hour ahead, on how it differs from the same hour of yesterday. */
  direct(origin: number, spread: number): Float64Array {
    return Float64Array.from({ length: DAY }, (_, h) => {
      const weights = (this.#ahead[h] as RidgeSums).solve(40 * spread)
      return (this.#values[origin + h - DAY] as number) + dot(weights, this.#direct(origin, h))
    })
  }

  #lags(values: Float64Array, t: number): Float64Array {
    const row = this.#lagRow
    for (let i = 0; i < LAGS.length; i++) row[i] = (values[t - (LAGS[i] as number)] as number) - this.#center
    row[LAGS.length] = this.#constant
    return row
  }

  #direct(t: number, h: number): Float64Array {
    const values = this.#values
    const { day, quarter } = this.#levels
    const row = this.#directRow
    const yesterday = values[t + h - DAY] as number
    const deviation = yesterday - (day[t] as number)
    row[0] = (values[t - 1] as number) - (values[t - 1 - DAY] as number)
    row[1] = (quarter[t] as number) - (quarter[t - DAY] as number)
    row[2] = (day[t] as number) - (day[t - DAY] as number)
    row[3] = yesterday - (values[t + h - 2 * DAY] as number)
    row[4] = deviation
    row[5] = t >= WEEK + DAY ? (values[t + h - WEEK] as number) - (day[t - WEEK] as number) - deviation : 0
    let older = 0
    let days = 0
    for (let back = 2; back <= 5 && t - back * DAY >= 0; back++, days++)
      older += (values[t + h - back * DAY] as number) - (day[t - (back - 1) * DAY] as number)
    row[6] = older / days - deviation
    return row
  }
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0
  for (let i = 0; i < left.length; i++) sum += (left[i] as number) * (right[i] as number)
  return sum
}
