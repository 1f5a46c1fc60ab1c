import { placeOfDeployment } from '../../schemas/queries/place.ts'
import { listedShards, liveShards } from './askedShard.ts'
import type { Query } from './context.ts'
import { freshnessOf, reach } from './freshness.ts'
import { mergedPage } from './mergedPage.ts'
import { timeText } from './summaries.ts'
import { earlier, msOf } from './timeRange.ts'

const KINDS = ['ci_runs_successful', 'ci_runs_failed', 'deployments'] as const

/** A page may hold fewer runs than its limit: those without an outcome that counts are left out. */
export const listOutcomes: Query<'list_outcomes'> = (input, context) => {
  const views = listedShards(input.service, context)
  const none = { environment: null, state: null, conclusion: null, at: null }
  const filter = { ...none, subject: input.subject ?? null, service: input.service ?? null, from: msOf(input.from) }
  const { items, nextCursor } = mergedPage(liveShards(views), {
    list: ({ door }, before, limit, cursor) => {
      const page = door.deployments({ ...filter, to: earlier(msOf(input.to), before) }, limit, cursor)
      return { ...page, items: page.items.map((record) => ({ record, door })) }
    },
    placeOf: ({ record }) => placeOfDeployment({ ...record, listedAt: timeText(record.listedAt) }),
    limit: input.limit,
    cursor: input.cursor,
  })
  const last = items.at(-1)?.record.listedAt
  const history = { kinds: KINDS, from: reach(filter.from, nextCursor, last) }
  return {
    items: items.flatMap(({ record, door }) => {
      const row = context.patternRow(record, door)
      if (row === null) return []
      const { service, subject, startedAt, finishedAt, failed, end, attributes } = row
      return [
        {
          key: record.key,
          attempt: record.attempt,
          service,
          subject,
          listedAt: timeText(record.listedAt),
          startedAt: timeText(startedAt),
          finishedAt: timeText(finishedAt),
          failed,
          end: { ...end },
          attributes: { ...attributes },
        },
      ]
    }),
    nextCursor,
    ...freshnessOf(views, context.isInTouch(), history),
  }
}
