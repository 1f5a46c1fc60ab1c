import { liveShards } from './askedShard.ts'
import type { Query } from './context.ts'
import { freshnessOf } from './freshness.ts'
import { servicePage } from './servicePage.ts'
import { timeText } from './summaries.ts'

/** How the gateway names what the catalog doesn't map: <environment>/unassigned:<source name>. */
const UNASSIGNED = '/unassigned:'

const sourceNameOf = (service: string, environment: string): string =>
  service.slice(environment.length + UNASSIGNED.length)

export const listUnmapped: Query<'list_unmapped'> = ({ limit, cursor }, context) => {
  const views = context.shards()
  const { items, nextCursor } = servicePage(liveShards(views), {
    limit,
    cursor,
    prefix: '',
    wanted: ({ service, environment, lastEventAt }) =>
      service.startsWith(environment + UNASSIGNED) &&
      !context.isMappedByNow(sourceNameOf(service, environment), lastEventAt),
  })
  return {
    items: items.map(({ service, environment, lastEventAt }) => ({
      service,
      sourceName: sourceNameOf(service, environment),
      environment,
      lastEventAt: timeText(lastEventAt),
    })),
    nextCursor,
    ...freshnessOf(views, context.isInTouch()),
  }
}
