import { CLOCK_AHEAD_MS_MAX } from '../../schemas/clockAhead.ts'
import { placeOfDeployment } from '../../schemas/queries/place.ts'
import { listedShards, liveShards } from './askedShard.ts'
import type { Query } from './context.ts'
import { withExactness } from './exactness.ts'
import { freshnessOf, reach } from './freshness.ts'
import { mergedPage } from './mergedPage.ts'
import { summaryOfDeployment, timeText } from './summaries.ts'
import { earlier, msOf } from './timeRange.ts'

const RUNS = ['ci_runs_successful', 'ci_runs_failed'] as const
const KINDS = { ci_run: RUNS, deployment: ['deployments'], any: [...RUNS, 'deployments'] } as const

export const listDeployments: Query<'list_deployments'> = (input, context) => {
  const views = listedShards(input.service, context)
  const filter = {
    subject: input.subject ?? null,
    service: input.service ?? null,
    environment: input.environment ?? null,
    state: input.state ?? null,
    conclusion: input.conclusion ?? null,
    from: msOf(input.from),
    at: msOf(input.at),
  }
  // What is listed by a later time was not in the log yet.
  const to = earlier(msOf(input.to), filter.at === null ? null : filter.at + CLOCK_AHEAD_MS_MAX + 1)
  const { items, nextCursor, exactFrom } = mergedPage(liveShards(views), {
    list: (shard, before, limit, cursor) =>
      shard.door.deployments({ ...filter, to: earlier(to, before) }, limit, cursor),
    placeOf: (record) => placeOfDeployment({ ...record, listedAt: timeText(record.listedAt) }),
    limit: input.limit,
    cursor: input.cursor,
  })
  const freshness = withExactness(
    freshnessOf(views, context.isInTouch(), {
      kinds: KINDS[input.subject ?? 'any'],
      from: reach(filter.from, nextCursor, items.at(-1)?.listedAt),
    }),
    exactFrom,
  )
  return { items: items.map(summaryOfDeployment), nextCursor, ...freshness }
}
