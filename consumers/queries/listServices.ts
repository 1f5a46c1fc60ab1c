import { liveShards } from './askedShard.ts'
import type { Query } from './context.ts'
import { freshnessOf } from './freshness.ts'
import { servicePage } from './servicePage.ts'
import { timeText } from './summaries.ts'

export const listServices: Query<'list_services'> = ({ environment, prefix, limit, cursor }, context) => {
  const views = context.shards()
  const { items, nextCursor } = servicePage(liveShards(views), {
    limit,
    cursor,
    prefix: prefix ?? (environment === undefined ? '' : `${environment}/`),
    wanted: (record) =>
      (environment === undefined || record.environment === environment) &&
      (prefix === undefined || record.service.startsWith(prefix)),
  })
  return {
    items: items.map((record) => ({
      service: record.service,
      environment: record.environment,
      lastEventAt: timeText(record.lastEventAt),
    })),
    nextCursor,
    ...freshnessOf(views, context.isInTouch(), { kinds: ['services'], from: null }),
  }
}
