import { ReadsBusy, RecordInvalid, ShardGone } from '../../rust-engine/ts/errors.ts'
import type { Found, RangesRead, SeriesInfo } from '../../rust-engine/ts/records.ts'
import type { QueryInput, QueryOutput } from '../../schemas/queries/queries.ts'
import { listedShards, liveShards } from './askedShard.ts'
import type { LiveShard } from './askedShard.ts'
import type { Query } from './context.ts'
import { busy, invalidInput, restoring } from './errors.ts'
import { noSeries } from './metricNames.ts'
import { freshnessOf } from './freshness.ts'
import type { Freshness, History } from './freshness.ts'
import { timeText } from './summaries.ts'
import { later } from './timeRange.ts'

const POINTS_MAX = 1000
/** Samples, or buckets where a tier answers: twenty series of a week at 15 s are within this. */
const SAMPLES_READ_MAX = 1_000_000

export const queryMetrics: Query<'query_metrics'> = (asked, context) => {
  if (Date.parse(asked.from) >= Date.parse(asked.to)) throw invalidInput('to', 'must be later than from')
  const input = { ...asked, from: beginOf(asked) }
  const views = listedShards(input.service, context)
  const shards = liveShards(views)
  const found = shards.map((shard) => ({ shard, ...seriesOf(shard, input) }))
  const matching = found.flatMap(({ shard, items }) => items.map((series) => ({ shard, series })))
  matching.sort((a, b) => (a.series.id < b.series.id ? -1 : 1))
  const detail = matching.length === 0 ? noneOf(input.service, shards) : null
  const truncated = matching.length > input.limit || found.some((ofShard) => ofShard.truncated)
  const answered = read(matching.slice(0, input.limit), input).then(({ series, ...how }) => {
    // Samples may have been dropped while they were read.
    const freshness = freshnessOf(views, context.isInTouch(), ...sourcesOf(input))
    return { series, truncated, detail, ...lacking(freshness, how) }
  })
  return answered.catch(refuse)
}

/** A shard may go while it is read. */
function refuse(error: unknown): never {
  if (error instanceof ShardGone) throw restoring(error.shard)
  if (error instanceof ReadsBusy) throw busy()
  throw error
}

const SAMPLES = 0
const FIVE_MINUTES = 300
const HOUR = 3600
const KINDS = { [SAMPLES]: 'samples', [FIVE_MINUTES]: 'samples_5m', [HOUR]: 'samples_1h' } as const

/** Steps of whole hours, or of whole five minutes, begin at whole ones, so that a tier answers. */
function beginOf({ from, stepSeconds }: QueryInput<'query_metrics'>): string {
  const width = stepSeconds === 0 ? null : [HOUR, FIVE_MINUTES].find((seconds) => stepSeconds % seconds === 0)
  if (width === null || width === undefined) return from
  return new Date(Math.floor(Date.parse(from) / (width * 1000)) * width * 1000).toISOString()
}

/**
 * What the engine answers from: a tier where its buckets fill the steps, and samples for a bucket that the window cuts at its
 * end. Increases look back for the sample before, and are read from samples where the tier does not know them.
 */
function sourcesOf({ from, to, stepSeconds, aggregation }: QueryInput<'query_metrics'>): readonly History[] {
  const [first, end] = [Date.parse(from), Date.parse(to)]
  const fills = (seconds: number) => stepSeconds % seconds === 0 && first % (seconds * 1000) === 0
  const width = stepSeconds === 0 ? SAMPLES : fills(HOUR) ? HOUR : fills(FIVE_MINUTES) ? FIVE_MINUTES : SAMPLES
  const grows = aggregation === 'increase' || aggregation === 'rate'
  const reached = grows ? first - Math.max(stepSeconds, FIVE_MINUTES) * 1000 : first
  const sources: History[] = [{ kinds: [KINDS[width]], from: reached }]
  if (width === SAMPLES) return sources
  if (grows) return [...sources, { kinds: ['samples'], from: reached }]
  const cut = end % (width * 1000)
  return cut === 0 ? sources : [...sources, { kinds: ['samples_5m', 'samples'], from: end - cut }]
}

function seriesOf({ door }: LiveShard, input: QueryInput<'query_metrics'>): Found<SeriesInfo> {
  // The asker's come first: an error names a matcher by its place.
  const matchers = [...input.matchers, { name: '__name__', op: '=' as const, value: input.metric }]
  try {
    return door.series(input.service ?? null, matchers, input.limit, null)
  } catch (error) {
    if (error instanceof RecordInvalid) throw invalidInput(error.field, error.reason)
    throw error
  }
}

const noneOf = (service: string | undefined, [shard]: readonly LiveShard[]): string =>
  service === undefined || shard === undefined
    ? 'no series matches; name a service to be told its metrics'
    : noSeries(service, shard.door)

interface Asked {
  readonly shard: LiveShard
  readonly series: SeriesInfo
}
type Answered = QueryOutput<'query_metrics'>['series'][number]

type HowRead = Pick<RangesRead, 'isWhole' | 'coarseUntil'>

/** The series of a shard at once, since those of a target share their timestamps; each shard by its part of the samples. */
async function read(
  asked: readonly Asked[],
  input: QueryInput<'query_metrics'>,
): Promise<HowRead & { readonly series: Answered[] }> {
  const found = new Map<Asked, Answered>()
  let isWhole = true
  let coarseUntil: number | null = null
  for (const [{ door }, ofShard] of Map.groupBy(asked, ({ shard }) => shard)) {
    const answer = await door.readRanges(
      ofShard.map(({ series }) => series.id),
      Date.parse(input.from),
      Date.parse(input.to),
      input.stepSeconds * 1000,
      input.aggregation,
      Math.floor((SAMPLES_READ_MAX * ofShard.length) / asked.length),
      // One more than is given away tells that there are more.
      POINTS_MAX + 1,
    )
    isWhole &&= answer.isWhole
    coarseUntil = later(coarseUntil, answer.coarseUntil)
    for (const [i, one] of ofShard.entries()) {
      const read = answer.series[i]
      found.set(one, {
        labels: { ...one.series.labels },
        service: one.series.service,
        points: read === undefined ? [] : pointsOf(read),
        truncated: (read?.times.length ?? 0) > POINTS_MAX,
      })
    }
  }
  return { series: asked.flatMap((one) => found.get(one) ?? []), isWhole, coarseUntil }
}

function pointsOf({ times, values }: RangesRead['series'][number]): [number, number][] {
  const points: [number, number][] = []
  for (const [i, value] of values.subarray(0, POINTS_MAX).entries()) {
    // JSON has no NaN: a stale marker is no measurement.
    if (Number.isFinite(value)) points.push([times[i] ?? 0, value])
  }
  return points
}

function lacking(freshness: Freshness, { isWhole, coarseUntil }: HowRead): Freshness {
  const told = freshness.incompleteReason === null ? [] : [freshness.incompleteReason]
  if (coarseUntil !== null) {
    told.push(`before ${timeText(coarseUntil)} points are of 5-minute or 1-hour buckets, each at its start`)
  }
  if (!isWhole) {
    told.push(
      `points are missing: more than ${SAMPLES_READ_MAX} samples in the window, ask for less time or fewer series`,
    )
  }
  return told.length === 0 ? freshness : { ...freshness, complete: false, incompleteReason: told.join('; ') }
}
