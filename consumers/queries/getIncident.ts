import { liveShards } from './askedShard.ts'
import type { LiveShard } from './askedShard.ts'
import type { IncidentRecord } from '../../rust-engine/ts/records.ts'
import type { Query, QueryContext } from './context.ts'
import { notFound, restoring } from './errors.ts'
import { freshnessOf } from './freshness.ts'
import { summaryOfDeployment, summaryOfIncident, timeText } from './summaries.ts'

const BEFORE_MS = 60 * 60 * 1000
const DEPLOYMENTS_BEFORE_MAX = 20

export const getIncident: Query<'get_incident'> = (input, context) => {
  const { view, record } = find(input.key, context)
  const { service, startsAt } = record
  const before = view.door.deployments(
    {
      subject: 'deployment',
      service,
      environment: null,
      state: null,
      conclusion: null,
      from: startsAt - BEFORE_MS,
      to: startsAt,
    },
    DEPLOYMENTS_BEFORE_MAX,
    null,
  )
  return {
    incident: {
      ...summaryOfIncident(record),
      summary: record.summary,
      description: record.description,
      labels: { ...record.labels },
      annotations: { ...record.annotations },
      acknowledgedAt: timeText(record.acknowledgedAt),
      generatorUrl: record.generatorUrl,
    },
    deploymentsBefore: before.items.map(summaryOfDeployment),
    ...freshnessOf([view], context.isInTouch()),
  }
}

/** The key tells no service, so every shard is looked at. Not found is certain only when all of them are live. */
function find(key: string, context: QueryContext): { view: LiveShard; record: IncidentRecord } {
  const views = context.shards()
  for (const view of liveShards(views)) {
    const record = view.door.incident(key)
    if (record !== null) return { view, record }
  }
  const away = views.find(({ state }) => state !== 'live')
  throw away === undefined ? notFound(`incident ${key}`) : restoring(away.shard)
}
