import { EXPERT_HOURS_MIN, expertForecasts } from '../models/forecastExperts.ts'
import { DAY, missingHours, readHistory } from '../models/forecastHistory.ts'
import { CHECKED_DAYS, FORECAST_FEATURES, outlookAt } from '../models/forecastOutlook.ts'

/** Hours ahead of past origins: what the network saw, and what came. */
export interface Samples {
  /** FORECAST_FEATURES.length values for each sample. */
  readonly rows: Float32Array
  /** Truth beyond the base, in units of the series. */
  readonly targets: Float32Array
}

/** A truth further off than this many ordinary daily changes teaches no more than one just there. */
const TARGET_MAX = 12

/** Goes through the series by days, its first origin `phase` hours late; gaps are not learnt from. */
export function samplesOf(series: Float64Array, phase = 0): Samples {
  const history = readHistory(series)
  const { values, known } = history
  const origins: number[] = []
  for (let t = EXPERT_HOURS_MIN + phase; t + DAY <= values.length; t += DAY) origins.push(t)
  const forecasts = expertForecasts(history, origins)
  const offset = series.length - values.length

  const rows: Float32Array[] = []
  const targets: number[] = []
  for (let i = 1; i < origins.length; i++) {
    const origin = origins[i] as number
    if (missingHours(series.subarray(0, offset + origin)) > 0) continue
    const checked = []
    for (let back = 1; back <= Math.min(CHECKED_DAYS, i); back++)
      checked.push({ origin: origins[i - back] as number, forecasts: forecasts[i - back] ?? [] })
    const { base, unit, rows: seen } = outlookAt(history, origin, forecasts[i] ?? [], checked)
    for (let h = 0; h < DAY; h++) {
      if (known[origin + h] === 0) continue
      rows.push(seen.subarray(h * FORECAST_FEATURES.length, (h + 1) * FORECAST_FEATURES.length))
      const target = ((values[origin + h] as number) - (base[h] as number)) / unit
      targets.push(Math.max(-TARGET_MAX, Math.min(TARGET_MAX, target)))
    }
  }
  return { rows: joined(rows), targets: Float32Array.from(targets) }
}

export function joinSamples(parts: readonly Samples[]): Samples {
  return { rows: joined(parts.map(({ rows }) => rows)), targets: joined(parts.map(({ targets }) => targets)) }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Standardises `rows` in place; gives what was taken off each column and what it was divided by. */
export function standardise(rows: Float32Array, width: number): { center: Float32Array; scale: Float32Array } {
  const count = rows.length / width
  const center = new Float32Array(width)
  const scale = new Float32Array(width)
  for (let column = 0; column < width; column++) {
    let sum = 0
    let squares = 0
    for (let at = column; at < rows.length; at += width) {
      const value = rows[at] as number
      sum += value
      squares += value * value
    }
    const mean = sum / count
    // A column that never varied says nothing yet; a wide floor keeps it quiet when it does.
    const deviation = Math.max(Math.sqrt(Math.max(squares / count - mean * mean, 0)), 0.01)
    center[column] = mean
    scale[column] = deviation
    for (let at = column; at < rows.length; at += width) rows[at] = ((rows[at] as number) - mean) / deviation
  }
  return { center, scale }
}
