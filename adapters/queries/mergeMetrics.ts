/** Series of one name may lie with several owners when no service is asked for. */
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import type { Freshness } from './freshness.ts'

type Metrics = QueryOutput<'query_metrics'>

export function joinMetrics(parts: readonly Metrics[], seriesMax: number, freshness: Freshness): Metrics {
  const series = parts
    .flatMap((part) => part.series)
    .sort((a, b) => (a.service === b.service ? 0 : a.service < b.service ? -1 : 1))
  return {
    series: series.slice(0, seriesMax),
    truncated: series.length > seriesMax || parts.some((part) => part.truncated),
    detail: series.length === 0 ? (parts[0]?.detail ?? null) : null,
    ...freshness,
  }
}
