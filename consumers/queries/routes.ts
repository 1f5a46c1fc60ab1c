/** The query API: POST /v1/query/<name>, GET /v1/owners. */
import type { FastifyInstance } from 'fastify'
import { resolveQuestion } from '../../runtime/configuration/identity.ts'
import { firstProblem } from '../../runtime/input/problem.ts'
import type { Member } from '../../schemas/generated/events.ts'
import { QUERIES } from '../../schemas/queries/queries.ts'
import type { QueryName } from '../../schemas/queries/queries.ts'
import type { Query, QueryContext } from './context.ts'
import { invalidInput, notFound } from './errors.ts'
import { bestWindow } from './bestWindow.ts'
import { findPatterns } from './findPatterns.ts'
import { forecastCapacity } from './forecastCapacity.ts'
import { getHealth } from './getHealth.ts'
import { getIncident } from './getIncident.ts'
import { getMemory } from './getMemory.ts'
import { countScores, getScorecard } from './getScorecard.ts'
import { getService } from './getService.ts'
import { listDeployments } from './listDeployments.ts'
import { listIncidents } from './listIncidents.ts'
import { listOutcomes } from './listOutcomes.ts'
import { listServices } from './listServices.ts'
import { listUnmapped } from './listUnmapped.ts'
import { predictDeployment } from './predictDeployment.ts'
import { queryMetrics } from './queryMetrics.ts'

export const ANSWERS: { readonly [N in QueryName]: Query<N> } = {
  predict_deployment: predictDeployment,
  list_deployments: listDeployments,
  get_service: getService,
  list_services: listServices,
  list_incidents: listIncidents,
  get_incident: getIncident,
  forecast_capacity: forecastCapacity,
  query_metrics: queryMetrics,
  get_scorecard: getScorecard,
  count_scores: countScores,
  list_outcomes: listOutcomes,
  find_patterns: findPatterns,
  best_window: bestWindow,
  list_unmapped: listUnmapped,
  get_memory: getMemory,
  get_health: getHealth,
}

export interface Owners {
  readonly instance: string
  readonly address: string
  readonly shards: readonly number[]
  readonly members: readonly Member[]
}

export interface RouteOptions {
  readonly context: QueryContext
  readonly owners: () => Owners
  readonly onAnswered: (query: QueryName, tookMs: number) => void
}

export function addQueryRoutes(server: FastifyInstance, { context, owners, onAnswered }: RouteOptions): void {
  server.get('/v1/owners', () => owners())
  server.post<{ Params: { name: string } }>('/v1/query/:name', async (request) => {
    const { name } = request.params
    if (!isQuery(name)) throw notFound(`query ${name}`)
    const begin = performance.now()
    const output = await answer(name, request.body, context)
    onAnswered(name, performance.now() - begin)
    return output
  })
}

export function answer(name: QueryName, body: unknown, context: QueryContext): unknown {
  const input = QUERIES[name].input.safeParse(body ?? {})
  if (!input.success) {
    const { field, reason } = firstProblem(input.error, body ?? {})
    throw invalidInput(field, reason)
  }
  // Name, input and answer belong together by the type of ANSWERS; TypeScript can't follow that through a variable.
  const query = ANSWERS[name] as Query<QueryName>
  return query(resolveQuestion(input.data, context.environments), context)
}

function isQuery(name: string): name is QueryName {
  return Object.hasOwn(QUERIES, name)
}
