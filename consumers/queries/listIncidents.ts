import { placeOfIncident } from '../../schemas/queries/place.ts'
import { listedShards, liveShards } from './askedShard.ts'
import type { Query } from './context.ts'
import { freshnessOf } from './freshness.ts'
import { mergedPage } from './mergedPage.ts'
import { summaryOfIncident } from './summaries.ts'
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
    list: (shard, before, limit, cursor) => {
      const page = shard.door.incidents({ ...filter, to: earlier(to, before) }, limit, cursor)
      return { ...page, items: page.items.map(summaryOfIncident) }
    },
    placeOf: placeOfIncident,
    limit: input.limit,
    cursor: input.cursor,
  })
  return { items, nextCursor, ...freshnessOf(views, context.isInTouch()) }
}
