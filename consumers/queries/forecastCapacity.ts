import type { Found, SeriesInfo } from '../../rust-engine/ts/records.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { missingHours } from '../models/forecastHistory.ts'
import { askedShard } from './askedShard.ts'
import type { LiveShard } from './askedShard.ts'
import type { Query } from './context.ts'
import { freshnessOf } from './freshness.ts'
import { noSeries } from './metricNames.ts'
import { timeText } from './summaries.ts'

const HOUR_MS = 60 * 60 * 1000
const HISTORY_HOURS = 28 * 24
const NAMED_SERIES_MAX = 5

type Answer = Omit<QueryOutput<'forecast_capacity'>, 'freshThrough' | 'complete' | 'incompleteReason' | 'completeSince'>

export const forecastCapacity: Query<'forecast_capacity'> = (input, context) => {
  const view = askedShard(input.service, context)
  const firstHourMs = (Math.floor(context.now() / HOUR_MS) - HISTORY_HOURS) * HOUR_MS
  // Read from the tier of an hour.
  const fresh = freshnessOf([view], context.isInTouch(), { kinds: ['samples_1h'], from: firstHourMs })
  const matchers = Object.entries({ ...input.labels, __name__: input.metric }).map(([name, value]) => ({
    name,
    op: '=' as const,
    value,
  }))
  const matching = view.door.series(input.service, matchers, NAMED_SERIES_MAX, null)
  const [series] = matching.items
  if (series === undefined) return { ...without('no_series', noSeries(input.service, view.door)), ...fresh }
  if (matching.items.length > 1) return { ...without('ambiguous', describe(matching)), ...fresh }

  const found = { id: series.id, labels: { ...series.labels } }
  const hourly = hourlyMeans(view, series.id, firstHourMs)
  const missing = missingHours(hourly)
  if (missing > 0) {
    const detail = `${missing} more hours of samples are needed`
    return { ...without('not_enough_data', detail), series: found, ...fresh }
  }
  const forecaster = context.forecaster()
  if (forecaster === null) {
    return { ...without('not_enough_data', 'there is no capacity model yet'), series: found, ...fresh }
  }
  const hours = forecaster.forecast(hourly, firstHourMs)
  const { windows, mase, maseSeasonalNaive } = context.backtests.of(series.id, firstHourMs, forecaster.version, () =>
    forecaster.backtest(hourly),
  )
  return {
    series: found,
    status: 'ok',
    detail: betterBaseline(mase, maseSeasonalNaive),
    modelVersion: forecaster.version,
    hours: Array.from(hours.p50, (p50, i) => ({
      at: timeText(firstHourMs + (HISTORY_HOURS + i) * HOUR_MS),
      p10: hours.p10[i] ?? p50,
      p50,
      p90: hours.p90[i] ?? p50,
      seasonalNaive: hours.seasonalNaive[i] ?? p50,
    })),
    backtest: { windows, mase, maseSeasonalNaive },
    ...fresh,
  }
}

/** What to go by where the plain baseline did better on the days before; the model's figures stay as they are. */
function betterBaseline(mase: number | null, naive: number | null): string | null {
  if (mase === null || naive === null || naive >= mase) return null
  return `seasonal naive was the better forecast of this series on its last days (MASE ${naive.toFixed(2)}, model ${mase.toFixed(2)}): go by seasonalNaive, not by p50`
}

/** The running hour is left out: its mean would rest on a part of it. */
function hourlyMeans(view: LiveShard, id: string, firstHourMs: number): Float64Array {
  const times = new Float64Array(HISTORY_HOURS)
  const values = new Float64Array(HISTORY_HOURS)
  const to = firstHourMs + HISTORY_HOURS * HOUR_MS
  const count = view.door.range(id, firstHourMs, to, HOUR_MS, 'avg', times, values)
  const hourly = new Float64Array(HISTORY_HOURS).fill(Number.NaN)
  for (let i = 0; i < count; i++) {
    hourly[Math.round(((times[i] ?? 0) - firstHourMs) / HOUR_MS)] = values[i] ?? Number.NaN
  }
  return hourly
}

function without(status: Exclude<Answer['status'], 'ok'>, detail: string): Answer {
  return { series: null, status, detail, modelVersion: null, hours: [], backtest: null }
}

function describe({ items, truncated }: Found<SeriesInfo>): string {
  const named = items.map(({ labels }) => JSON.stringify(labels))
  const more = truncated ? ', …' : ''
  return `several series match, add labels: ${named.join(', ')}${more}`
}
