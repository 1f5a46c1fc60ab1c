import type { SeriesInfo } from '../../rust-engine/ts/records.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { listedShards, liveShards } from './askedShard.ts'
import type { LiveShard } from './askedShard.ts'
import type { Query } from './context.ts'
import { invalidInput } from './errors.ts'
import { freshnessOf } from './freshness.ts'

const POINTS_MAX = 1000

export const queryMetrics: Query<'query_metrics'> = (input, context) => {
  const from = Date.parse(input.from)
  const to = Date.parse(input.to)
  if (from >= to) throw invalidInput('to', 'must be later than from')
  const views = listedShards(input.service, context)
  const matchers = [{ name: '__name__', op: '=' as const, value: input.metric }, ...input.matchers]
  const matching = liveShards(views).flatMap((shard) =>
    shard.door.series(input.service ?? null, matchers, input.limit + 1).map((series) => ({ shard, series })),
  )
  matching.sort((a, b) => (a.series.id < b.series.id ? -1 : 1))
  const read = reader(from, to, input.stepSeconds * 1000, input.aggregation)
  return {
    series: matching.slice(0, input.limit).map(({ shard, series }) => read(shard, series)),
    truncated: matching.length > input.limit,
    ...freshnessOf(views, context.isInTouch()),
  }
}

function reader(
  from: number,
  to: number,
  stepMs: number,
  aggregation: Parameters<LiveShard['door']['range']>[4],
): (shard: LiveShard, series: SeriesInfo) => QueryOutput<'query_metrics'>['series'][number] {
  // One more than is given away tells that there are more.
  const times = new Float64Array(POINTS_MAX + 1)
  const values = new Float64Array(POINTS_MAX + 1)
  return (shard, series) => {
    const count = shard.door.range(series.id, from, to, stepMs, aggregation, times, values)
    const points: [number, number][] = []
    for (let i = 0; i < Math.min(count, POINTS_MAX); i++) {
      const value = values[i] ?? Number.NaN
      // JSON has no NaN: a stale marker is no measurement.
      if (Number.isFinite(value)) points.push([times[i] ?? 0, value])
    }
    return { labels: { ...series.labels }, service: series.service, points, truncated: count > POINTS_MAX }
  }
}
