import { EXPERT_HOURS_MIN, expertForecasts } from './forecastExperts.ts'
import type { ExpertForecasts } from './forecastExperts.ts'
import { DAY, HISTORY_HOURS_MAX, missingHours, readHistory } from './forecastHistory.ts'
import type { History } from './forecastHistory.ts'
import { CHECKED_DAYS, FORECAST_FEATURES, outlookAt } from './forecastOutlook.ts'
import type { Outlook } from './forecastOutlook.ts'
import { readForecastWeights } from './forecastWeights.ts'
import type { ForecastWeights } from './forecastWeights.ts'
import { forward } from './network.ts'
import { softplus } from './softplus.ts'
import { WeightsInvalid } from './packedWeights.ts'

const HOUR_MS = 3_600_000

/** In the unit of the series; one value for each hour ahead. */
export interface Forecast {
  /** Start of the first hour forecast. */
  readonly firstHourMs: number
  readonly p10: Float64Array
  readonly p50: Float64Array
  readonly p90: Float64Array
  readonly seasonalNaive: Float64Array
}

/** Errors of forecasts made on past days, each from what was known then. null where nothing could be judged. */
export interface Backtest {
  /** Days judged. */
  readonly windows: number
  /** Mean absolute error over the mean absolute change from day to day before the first window. */
  readonly mase: number | null
  readonly maseSeasonalNaive: number | null
  /** Share of hours within p10 … p90. */
  readonly coverage80: number | null
}

/** Asked for a forecast from too short a history. */
export class NotEnoughHistory extends Error {
  readonly retryable = false
  readonly missingHours: number
  constructor(missing: number) {
    super(`${missing} more observed hours are needed for a forecast`)
    this.name = 'NotEnoughHistory'
    this.missingHours = missing
  }
}

/** Forecasts hourly means up to 24 hours ahead: plain experts, blended, corrected and given an interval by a small network. */
export class Forecaster {
  readonly #weights: ForecastWeights

  /** `weights` as trainCapacity made them. Throws WeightsInvalid for any that this program can't serve. */
  constructor(weights: Buffer) {
    this.#weights = readForecastWeights(weights)
    if (this.#weights.features.join() !== FORECAST_FEATURES.join())
      throw new WeightsInvalid(
        `made for ${this.#weights.features.length} other features than the ${FORECAST_FEATURES.length} here`,
      )
  }

  /**
   * `hourly`: hourly means, oldest first, without the unfinished hour; NaN = gap. `firstHourMs`: when its first hour starts.
   * Throws NotEnoughHistory.
   */
  forecast(hourly: Float64Array, firstHourMs: number, steps = DAY): Forecast {
    if (!(steps >= 1 && steps <= DAY)) throw new RangeError(`steps ${steps}, possible are 1 to ${DAY}`)
    const missing = missingHours(hourly)
    if (missing > 0) throw new NotEnoughHistory(missing)
    const outlook = lookAhead(hourly)
    const [p10, p50, p90] = this.#quantiles(outlook, hourly)
    return {
      firstHourMs: firstHourMs + hourly.length * HOUR_MS,
      p10: p10.slice(0, steps),
      p50: p50.slice(0, steps),
      p90: p90.slice(0, steps),
      seasonalNaive: outlook.seasonalNaive.slice(0, steps),
    }
  }

  /** Goes back over the last `days` whole days, forecasting each from the hours before it alone; older hours than HISTORY_HOURS_MAX are not looked at. */
  backtest(whole: Float64Array, days = CHECKED_DAYS): Backtest {
    const hourly = whole.subarray(Math.max(0, whole.length - HISTORY_HOURS_MAX))
    const origins = Array.from({ length: days }, (_, i) => hourly.length - (days - i) * DAY).filter(
      (origin) => origin > 0 && missingHours(hourly.subarray(0, origin)) === 0,
    )
    const scale = origins[0] === undefined ? NaN : dailyChange(hourly.subarray(0, origins[0]))
    // The days share most of what they rest on: read and learnt once, it takes a sixth of the time.
    const history = readHistory(hourly)
    const unseen = hourly.length - history.values.length
    const outlooks = outlooksAt(
      history,
      origins.map((origin) => origin - unseen),
    )
    let judged = 0
    let missed = 0
    let naive = 0
    let within = 0
    for (const [i, outlook] of outlooks.entries()) {
      const origin = origins[i] as number
      const [p10, p50, p90] = this.#quantiles(outlook, hourly.subarray(0, origin))
      hourly.subarray(origin, origin + DAY).forEach((truth, h) => {
        if (!Number.isFinite(truth)) return
        judged++
        missed += Math.abs(truth - (p50[h] as number))
        naive += Math.abs(truth - (outlook.seasonalNaive[h] as number))
        if (truth >= (p10[h] as number) && truth <= (p90[h] as number)) within++
      })
    }
    const scaled = (sum: number): number | null => (judged > 0 && scale > 0 ? sum / judged / scale : null)
    return {
      windows: origins.length,
      mase: scaled(missed),
      maseSeasonalNaive: scaled(naive),
      coverage80: judged > 0 ? within / judged : null,
    }
  }

  #quantiles(outlook: Outlook, hourly: Float64Array): [Float64Array, Float64Array, Float64Array] {
    const quantiles = hourlyQuantiles(outlook, this.#rawOutputs(outlook))
    // What was never below zero (a load, a size, a count) does not become so.
    if (hourly.every((value) => !(value < 0)))
      for (const quantile of quantiles) for (let h = 0; h < DAY; h++) quantile[h] = Math.max(0, quantile[h] as number)
    return quantiles
  }

  #rawOutputs({ rows }: Outlook): Float32Array {
    const { center, scale, networks } = this.#weights
    const width = FORECAST_FEATURES.length
    const raw = new Float32Array(DAY * 3)
    const row = new Float32Array(width)
    for (let h = 0; h < DAY; h++) {
      for (let i = 0; i < width; i++)
        row[i] = ((rows[h * width + i] as number) - (center[i] as number)) / (scale[i] as number)
      for (const network of networks) {
        const outputs = forward(network, row)
        for (let k = 0; k < 3; k++)
          raw[h * 3 + k] = (raw[h * 3 + k] as number) + (outputs[k] as number) / networks.length
      }
    }
    return raw
  }
}

/** The 24 hours after `hourly` as the network sees them. */
export function lookAhead(hourly: Float64Array): Outlook {
  const history = readHistory(hourly)
  const origin = history.values.length
  if (origin < EXPERT_HOURS_MIN) throw new NotEnoughHistory(EXPERT_HOURS_MIN - origin)
  return outlooksAt(history, [origin])[0] as Outlook
}

/** The days from each of these origins on, from the hours before it alone. */
function outlooksAt(history: History, origins: readonly number[]): Outlook[] {
  /** Newest first. */
  const checkedBefore = (origin: number): number[] =>
    Array.from({ length: CHECKED_DAYS }, (_, day) => origin - (day + 1) * DAY).filter((day) => day >= EXPERT_HOURS_MIN)
  const wanted = [...new Set(origins.flatMap((origin) => [origin, ...checkedBefore(origin)]))].sort((a, b) => a - b)
  const spoken = expertForecasts(history, wanted)
  const at = new Map(wanted.map((origin, i) => [origin, spoken[i] as ExpertForecasts]))
  const forecastsAt = (origin: number) => at.get(origin) as ExpertForecasts
  return origins.map((origin) => {
    const checked = checkedBefore(origin).map((day) => ({ origin: day, forecasts: forecastsAt(day) }))
    return outlookAt(history, origin, forecastsAt(origin), checked)
  })
}

/** Raw outputs (three for each hour: median, distance down, distance up) as quantiles that cannot cross. */
export function hourlyQuantiles(
  { base, unit }: Outlook,
  raw: Float32Array,
): [Float64Array, Float64Array, Float64Array] {
  const p50 = base.map((value, h) => value + unit * (raw[h * 3] as number))
  const p10 = p50.map((value, h) => value - unit * softplus(raw[h * 3 + 1] as number))
  const p90 = p50.map((value, h) => value + unit * softplus(raw[h * 3 + 2] as number))
  return [p10, p50, p90]
}

/** Mean absolute change between the same hours of neighbouring days, where both are known. */
function dailyChange(hourly: Float64Array): number {
  let sum = 0
  let count = 0
  for (let t = DAY; t < hourly.length; t++) {
    const change = Math.abs((hourly[t] as number) - (hourly[t - DAY] as number))
    if (Number.isNaN(change)) continue
    sum += change
    count++
  }
  return sum / count
}
