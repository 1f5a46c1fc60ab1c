import { placeOfIncident } from '../../schemas/queries/place.ts'
import { listedShards, liveShards } from './askedShard.ts'
import type { Query } from './context.ts'
import { freshnessOf } from './freshness.ts'
import { mergedPage } from './mergedPage.ts'
import { summaryOfIncident, timeText } from './summaries.ts'
import { earlier, msOf } from './timeRange.ts'

export const listIncidents: Query<'list_incidents'> = (input, context) => {
  const views = listedShards(input.service, context)
  const filter = {
    service: input.service ?? null,
    environment: input.environment ?? null,
    state: input.state ?? null,
    from: msOf(input.from),
  }
  const to = msOf(input.to)
  const { items, nextCursor } = mergedPage(liveShards(views), {
    list: (shard, before, limit, cursor) => shard.door.incidents({ ...filter, to: earlier(to, before) }, limit, cursor),
    placeOf: (record) => placeOfIncident({ ...record, startsAt: timeText(record.startsAt) }),
    limit: input.limit,
    cursor: input.cursor,
  })
  return { items: items.map(summaryOfIncident), nextCursor, ...freshnessOf(views, context.isInTouch()) }
}
