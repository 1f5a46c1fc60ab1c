/** What a service used in the full hour before each of its runs, over the query API of the consumer that has it. */
import type { QueryInput } from '../../schemas/queries/queries.ts'
import type { SubjectRow } from '../patterns/patternSet.ts'
import { ask } from './consumersBehind.ts'

type Aggregation = NonNullable<QueryInput<'query_metrics'>['aggregation']>

/** Names as the usual exporters have them; the first that a service has is taken. */
const RESOURCES: Readonly<Record<string, readonly (readonly [metric: string, aggregation: Aggregation])[]>> = {
  cpu_cores: [
    ['container_cpu_usage_seconds_total', 'rate'],
    ['process_cpu_seconds_total', 'rate'],
  ],
  memory_bytes: [
    ['container_memory_working_set_bytes', 'avg'],
    ['process_resident_memory_bytes', 'avg'],
  ],
}
const HOUR_MS = 3_600_000
/** Forty days: within the 1,000 points that one answer gives. */
const HOURS = 40 * 24
const SERIES_MAX = 20

/** `rows` of one service, with the mean over its series; null before the window and where nothing was measured. Rejects as `ask`. */
export async function withResources(
  consumer: string,
  service: string,
  rows: readonly SubjectRow[],
  now: number,
): Promise<readonly SubjectRow[]> {
  const used = new Map<string, ReadonlyMap<number, number>>()
  for (const [field, metrics] of Object.entries(RESOURCES)) {
    used.set(field, await hoursOf(consumer, service, metrics, now))
  }
  return rows.map((row) => {
    const before = Math.floor(row.startedAt / HOUR_MS) - 1
    const known = [...used].map(([field, hours]) => [field, hours.get(before) ?? null] as const)
    return { ...row, attributes: { ...row.attributes, ...Object.fromEntries(known) } }
  })
}

/** Means by hours since the epoch. */
async function hoursOf(
  consumer: string,
  service: string,
  metrics: (typeof RESOURCES)[string],
  now: number,
): Promise<ReadonlyMap<number, number>> {
  const to = Math.floor(now / HOUR_MS) * HOUR_MS
  for (const [metric, aggregation] of metrics) {
    const { series } = await ask(consumer, 'query_metrics', {
      service,
      metric,
      matchers: [],
      from: new Date(to - HOURS * HOUR_MS).toISOString(),
      to: new Date(to).toISOString(),
      stepSeconds: HOUR_MS / 1000,
      aggregation,
      limit: SERIES_MAX,
    })
    if (series.length === 0) continue
    const values = Map.groupBy(
      series.flatMap(({ points }) => points),
      ([at]) => Math.floor(at / HOUR_MS),
    )
    return new Map([...values].map(([hour, points]) => [hour, meanOf(points.map(([, value]) => value))]))
  }
  return new Map()
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
