import { askedShard, liveShards } from './askedShard.ts'
import type { LiveShard } from './askedShard.ts'
import type { IncidentRecord } from '../../rust-engine/ts/records.ts'
import type { Query, QueryContext } from './context.ts'
import { invalidInput, notFound, restoring } from './errors.ts'
import { freshnessOf } from './freshness.ts'
import { summaryOfDeployment, summaryOfIncident, timeText } from './summaries.ts'

const BEFORE_MS = 60 * 60 * 1000
const DEPLOYMENTS_BEFORE_MAX = 20
const SERVICES_NAMED_MAX = 8

export const getIncident: Query<'get_incident'> = (input, context) => {
  const { view, record } =
    input.service === undefined ? findByKey(input.key, context) : find(input.service, input.key, context)
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

interface Found {
  readonly view: LiveShard
  readonly record: IncidentRecord
}

function find(service: string, key: string, context: QueryContext): Found {
  const view = askedShard(service, context)
  const record = view.door.incident(service, key)
  if (record === null) throw notFound(`incident ${key} of ${service}`)
  return { view, record }
}

/** The key tells no service, so every shard is looked at. Not found is certain only when all of them are live. */
function findByKey(key: string, context: QueryContext): Found {
  const views = context.shards()
  const all = liveShards(views).flatMap((view) =>
    view.door.incidentsWithKey(key, SERVICES_NAMED_MAX).map((record) => ({ view, record })),
  )
  const [found, ...others] = all
  if (found === undefined) {
    const away = views.find(({ state }) => state !== 'live')
    throw away === undefined ? notFound(`incident ${key}`) : restoring(away.shard)
  }
  if (others.length === 0) return found
  const services = all.slice(0, SERVICES_NAMED_MAX).map(({ record }) => record.service)
  throw invalidInput('service', `is needed: several services have an incident ${key}: ${services.sort().join(', ')}`)
}
