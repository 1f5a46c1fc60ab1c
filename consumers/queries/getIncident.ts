import { askedShard, liveShards } from './askedShard.ts'
import type { LiveShard } from './askedShard.ts'
import type { AsKnown, IncidentRecord } from '../../rust-engine/ts/records.ts'
import type { Query, QueryContext } from './context.ts'
import { invalidInput, notFound, restoring } from './errors.ts'
import { withExactness } from './exactness.ts'
import { freshnessOf } from './freshness.ts'
import { summaryOfDeployment, summaryOfIncident, timeText } from './summaries.ts'
import { later, msOf } from './timeRange.ts'

const BEFORE_MS = 60 * 60 * 1000
const DEPLOYMENTS_BEFORE_MAX = 20
const SERVICES_NAMED_MAX = 8

export const getIncident: Query<'get_incident'> = (input, context) => {
  const at = msOf(input.at)
  const { view, record, exactFrom } =
    input.service === undefined ? findByKey(input.key, at, context) : find(input.service, input.key, at, context)
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
      at,
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
    ...withExactness(
      freshnessOf([view], context.isInTouch(), { kinds: ['incidents', 'deployments'], from: startsAt - BEFORE_MS }),
      later(exactFrom, before.exactFrom),
    ),
  }
}

interface Found extends AsKnown<IncidentRecord> {
  readonly view: LiveShard
}

function find(service: string, key: string, at: number | null, context: QueryContext): Found {
  const view = askedShard(service, context)
  const record = view.door.incident(service, key)
  const known = record === null ? null : asKnown(record, at, view)
  if (known === null) throw notFound(`incident ${key} of ${service}${at === null ? '' : ' at that time'}`)
  return { view, ...known }
}

function asKnown(record: IncidentRecord, at: number | null, { door }: LiveShard): AsKnown<IncidentRecord> | null {
  return at === null ? { record, exactFrom: null } : door.incidentAt(record.service, record.key, at)
}

/** The key tells no service, so every shard is looked at. Not found is certain only when all of them are live. */
function findByKey(key: string, at: number | null, context: QueryContext): Found {
  const views = context.shards()
  const all = liveShards(views).flatMap((view) =>
    view.door.incidentsWithKey(key, SERVICES_NAMED_MAX).flatMap((record): readonly Found[] => {
      const known = asKnown(record, at, view)
      return known === null ? [] : [{ view, ...known }]
    }),
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
