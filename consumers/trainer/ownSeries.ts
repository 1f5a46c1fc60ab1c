/** Own metric series for the forecaster, hourly, over the query API of the consumers. */
import type { QueryInput, QueryOutput } from '../../schemas/queries/queries.ts'
import { ask, consumersBehind, troubleOf } from './consumersBehind.ts'

/** Gauges of capacity that the usual exporters deliver; enough to learn the shape of own days and weeks from. */
const GAUGES = [
  'node_load1',
  'node_memory_MemAvailable_bytes',
  'node_filesystem_avail_bytes',
  'container_memory_working_set_bytes',
  'process_resident_memory_bytes',
  'kube_pod_container_resource_requests',
] as const
const HOUR_MS = 3_600_000
/** Forty days: within the 1,000 points that one answer gives. */
const HOURS = 40 * 24
/** A series with fewer known hours teaches nothing of weeks. */
const HOURS_MIN = 14 * 24

export class SeriesUnavailable extends Error {
  readonly retryable = true
  constructor(reason: string) {
    super(`series: ${reason}`)
    this.name = 'SeriesUnavailable'
  }
}

/**
 * `seeds`: base URLs of consumers. Each that they know of is asked for the series of its own shards; what several answer counts
 * once. Throws SeriesUnavailable when none answers.
 */
export async function ownSeries(seeds: readonly string[], now: number): Promise<readonly Float64Array[]> {
  const to = Math.floor(now / HOUR_MS) * HOUR_MS
  const found = new Map<string, Float64Array>()
  const troubles: string[] = []
  const consumers = await consumersBehind(seeds, troubles)
  let answered = 0
  for (const consumer of consumers) {
    try {
      for (const metric of GAUGES) {
        for (const { service, labels, points } of await asked(consumer, metric, to)) {
          const hourly = hoursOf(points, to)
          if (hourly.filter((value) => !Number.isNaN(value)).length >= HOURS_MIN)
            found.set(JSON.stringify([service, labels]), hourly)
        }
      }
      answered += 1
    } catch (error) {
      troubles.push(troubleOf(consumer, error))
    }
  }
  if (answered === 0) throw new SeriesUnavailable(troubles.join('; '))
  return [...found.values()]
}

async function asked(seed: string, metric: string, to: number): Promise<QueryOutput<'query_metrics'>['series']> {
  const input: QueryInput<'query_metrics'> = {
    metric,
    matchers: [],
    from: new Date(to - HOURS * HOUR_MS).toISOString(),
    to: new Date(to).toISOString(),
    stepSeconds: 3600,
    aggregation: 'avg',
    limit: 20,
  }
  const answer = await ask(seed, 'query_metrics', input)
  return answer.series
}

/** HOURS values that end before `to`, oldest first, NaN where there is no point; the empty beginning is cut off. */
function hoursOf(points: readonly (readonly [number, number])[], to: number): Float64Array {
  const hours = new Float64Array(HOURS).fill(NaN)
  for (const [at, value] of points) {
    const index = HOURS - Math.round((to - at) / HOUR_MS)
    if (index >= 0 && index < HOURS) hours[index] = value
  }
  const first = hours.findIndex((value) => !Number.isNaN(value))
  return first < 0 ? new Float64Array(0) : hours.subarray(first)
}
