import { placeOfDeployment } from '../../schemas/queries/place.ts'
import { listedShards, liveShards } from './askedShard.ts'
import type { Query } from './context.ts'
import { freshnessOf } from './freshness.ts'
import { mergedPage } from './mergedPage.ts'
import { summaryOfDeployment } from './summaries.ts'
import { earlier, msOf } from './timeRange.ts'

export const listDeployments: Query<'list_deployments'> = (input, context) => {
  const views = listedShards(input.service, context)
  const filter = {
    subject: input.subject ?? null,
    service: input.service ?? null,
    environment: input.environment ?? null,
    state: input.state ?? null,
    conclusion: input.conclusion ?? null,
    from: msOf(input.from),
  }
  const to = msOf(input.to)
  const { items, nextCursor } = mergedPage(liveShards(views), {
    list: (shard, before, limit, cursor) => {
      const page = shard.door.deployments({ ...filter, to: earlier(to, before) }, limit, cursor)
      return { ...page, items: page.items.map(summaryOfDeployment) }
    },
    placeOf: placeOfDeployment,
    limit: input.limit,
    cursor: input.cursor,
  })
  return { items, nextCursor, ...freshnessOf(views, context.isInTouch()) }
}
