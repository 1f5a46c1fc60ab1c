import { placeOfIncident } from '../../schemas/queries/place.ts'
import { listedShards, liveShards } from './askedShard.ts'
import type { Query } from './context.ts'
import { withExactness } from './exactness.ts'
import { freshnessOf, reach } from './freshness.ts'
import { mergedPage } from './mergedPage.ts'
import { summaryOfIncident, timeText } from './summaries.ts'
import { earlier, msOf } from './timeRange.ts'

export const listIncidents: Query<'list_incidents'> = (input, context) => {
  const views = listedShards(input.service, context)
  const filter = {
    service: input.service ?? null,
    environment: input.environment ?? null,
    state: input.state ?? null,
    severity: input.severity ?? null,
    from: msOf(input.from),
    at: msOf(input.at),
  }
  const to = msOf(input.to)
  const { items, nextCursor, exactFrom } = mergedPage(liveShards(views), {
    list: (shard, before, limit, cursor) => shard.door.incidents({ ...filter, to: earlier(to, before) }, limit, cursor),
    placeOf: (record) => placeOfIncident({ ...record, startsAt: timeText(record.startsAt) }),
    limit: input.limit,
    cursor: input.cursor,
  })
  const freshness = withExactness(
    freshnessOf(views, context.isInTouch(), {
      kinds: ['incidents'],
      from: reach(filter.from, nextCursor, items.at(-1)?.startsAt),
    }),
    exactFrom,
  )
  return { items: items.map(summaryOfIncident), nextCursor, ...freshness }
}
