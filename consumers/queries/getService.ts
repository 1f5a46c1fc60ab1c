import { resolveEnvironment } from '../../runtime/configuration/identity.ts'
import { askedShard } from './askedShard.ts'
import type { Query } from './context.ts'
import { notFound } from './errors.ts'
import { freshnessOf } from './freshness.ts'
import { serviceOutcomes } from './serviceOutcomes.ts'
import { summaryOfDeployment, summaryOfIncident, timeText } from './summaries.ts'

const RECENT_MAX = 10
const OPEN_INCIDENTS_MAX = 20

export const getService: Query<'get_service'> = ({ service }, context) => {
  const view = askedShard(service, context)
  const record = view.door.service(service)
  if (record === null) throw notFound(`service ${service}`)
  const anything = { service, environment: null, from: null, to: null, at: null }
  const recent = view.door.deployments({ ...anything, subject: null, state: null, conclusion: null }, RECENT_MAX, null)
  const open = (state: 'firing' | 'acknowledged') =>
    view.door.incidents({ ...anything, severity: null, state }, OPEN_INCIDENTS_MAX, null).items
  return {
    service: record.service,
    environment: record.environment,
    tier: resolveEnvironment(record.environment, context.environments).tier,
    firstSeenAt: timeText(record.firstSeenAt),
    lastEventAt: timeText(record.lastEventAt),
    deployments: record.deployments,
    ciRuns: record.ciRuns,
    series: record.series,
    outcomes: serviceOutcomes(service, view.door, context.now()),
    recent: recent.items.map(summaryOfDeployment),
    openIncidents: [...open('firing'), ...open('acknowledged')]
      .sort((a, b) => b.startsAt - a.startsAt)
      .slice(0, OPEN_INCIDENTS_MAX)
      .map(summaryOfIncident),
    ...freshnessOf(
      [view],
      context.isInTouch(),
      { kinds: ['ci_runs_successful', 'ci_runs_failed', 'deployments'], from: null },
      // The outcomes are sums of all that ended since then.
      { kinds: ['rolling_scopes'], from: record.firstSeenAt },
    ),
  }
}
