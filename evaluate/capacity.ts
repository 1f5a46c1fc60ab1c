import { writeFileSync } from 'node:fs'

import { Forecaster } from '../consumers/models/forecaster.ts'
import { CAPACITY_TRAINING, trainCapacity } from '../consumers/trainer/capacity.ts'
import type { CapacityCard } from '../consumers/trainer/capacity.ts'
import { readHourlySeries } from './capacitySeries.ts'

const HOURS_AHEAD = 24
const HOUR_SECONDS = 3600
const WINDOWS_MAX = 9
const LEARN_SHARE = 0.7

export interface CapacityTask {
  readonly history: readonly string[]
  readonly replay: readonly string[]
  readonly out: string
  readonly seed: number
}

/**
 * Writes 24-hour forecasts of every series of `history` and `replay` (CSV files or folders; parts of one series share a base
 * name) as JSON Lines. The model learns from the hours before each series' first origin; each forecast is made by the
 * serving code from the hours before its origin alone. The TF.js backend must be chosen already.
 */
export function evaluateCapacity(task: CapacityTask, training = CAPACITY_TRAINING): CapacityCard {
  const series = readHourlySeries([...task.history, ...task.replay])
  const known = series.map(({ hourly }) => hourly.slice(0, originsOf(hourly.length)[0] ?? hourly.length))
  const { weights, card } = trainCapacity({ seed: task.seed, series: known }, training)
  const forecaster = new Forecaster(weights)
  const lines = series.flatMap(({ name, hourly }) =>
    originsOf(hourly.length).map((origin) => {
      const { p10, p50, p90 } = forecaster.forecast(hourly.slice(0, origin), 0)
      const row = { series: name, origin: origin * HOUR_SECONDS, horizon: HOURS_AHEAD }
      return JSON.stringify({ ...row, mean: [...p50], p10: [...p10], p90: [...p90] })
    }),
  )
  writeFileSync(task.out, lines.map((line) => `${line}\n`).join(''))
  return card
}

/** First hours of the judged windows: whole days that end with the series, after its first 70 %, at most nine. */
export function originsOf(hours: number): readonly number[] {
  const windows = Math.min(WINDOWS_MAX, Math.floor((hours - Math.floor(LEARN_SHARE * hours + 1e-9)) / HOURS_AHEAD))
  return Array.from({ length: windows }, (_, i) => hours - HOURS_AHEAD * (windows - i))
}
