/** For tests: a consumer's query API over HTTP with given contents. Everything it answers is checked against the contract. */
import { fastify, type FastifyInstance } from 'fastify'
import {
  BY_NAME,
  BY_TIME,
  placeOfDeployment,
  placeOfIncident,
  placeOfName,
  type Order,
} from '../../schemas/queries/place.ts'
import { QUERIES, type QueryName, type QueryOutput } from '../../schemas/queries/queries.ts'
import { ScoreCounter, type ScoreCounts } from '../../schemas/scores/counts.ts'
import { scorecardOf } from '../../schemas/scores/scorecard.ts'
import { SHARDS, partitionOf } from '../../schemas/topics.ts'

export type Deployment = QueryOutput<'list_deployments'>['items'][number]
export type Incident = QueryOutput<'get_incident'>['incident']

export interface Contents {
  readonly deployments: readonly Deployment[]
  readonly incidents: readonly Incident[]
}

export interface Peer {
  readonly address: string
  /** Names and inputs of the queries it was asked, in order. */
  readonly asked: { readonly name: string; readonly input: Record<string, unknown> }[]
  /** Answers the next requests with these instead. */
  readonly refusals: { status: number; headers?: Record<string, string>; body: object }[]
  /** It never answers these queries. */
  readonly silentFor: Set<QueryName>
  /** Contents and shards may change while it runs. */
  hold(contents: Contents, shards: readonly number[]): void
  know(members: readonly Member[]): void
  close(): Promise<void>
}

export interface Member {
  readonly instance: string
  readonly address: string
  readonly shards: readonly number[]
  readonly at: number
}

export const ALL_SHARDS: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard)
const FRESH = { freshThrough: '2026-01-02T00:00:00.000Z', complete: true, incompleteReason: null, completeSince: null }

export async function startPeer(instance: string, contents: Contents, shards = ALL_SHARDS): Promise<Peer> {
  // A client keeps connections open, also ones it never used.
  const server = fastify({ forceCloseConnections: true })
  let held = contents
  let owned = shards
  let members: readonly Member[] = []
  const asked: Peer['asked'] = []
  const refusals: Peer['refusals'] = []
  const silentFor: Peer['silentFor'] = new Set()

  const mine = (): Contents => ({
    deployments: held.deployments.filter((item) => owned.includes(partitionOf(item.service))),
    incidents: held.incidents.filter((item) => owned.includes(partitionOf(item.service))),
  })
  server.get('/v1/owners', () => ({ instance, address: addressOf(server), shards: owned, members }))
  server.post<{ Params: { name: QueryName }; Body: Record<string, unknown> }>('/v1/query/:name', (request, reply) => {
    const { name } = request.params
    asked.push({ name, input: request.body })
    // A handler that gives a promise is waited for.
    if (silentFor.has(name)) return new Promise(() => undefined)
    const refusal = refusals.shift()
    if (refusal !== undefined)
      return reply
        .code(refusal.status)
        .headers(refusal.headers ?? {})
        .send(refusal.body)
    const input = QUERIES[name].input.parse(request.body)
    const service = 'service' in input ? input.service : undefined
    if (service !== undefined && !owned.includes(partitionOf(service))) {
      const address = members.find((member) => member.shards.includes(partitionOf(service)))?.address
      return reply.code(421).send({ error: { code: 'wrong_owner', message: 'not here', address } })
    }
    const answer = answerOf(name, input, mine(), owned)
    if (answer === null) return reply.code(404).send({ error: { code: 'not_found', message: 'not known' } })
    return reply.send(QUERIES[name].output.parse(answer))
  })
  await server.listen({ host: '127.0.0.1', port: 0 })
  return {
    address: addressOf(server),
    asked,
    refusals,
    silentFor,
    hold(next, nextShards) {
      held = next
      owned = nextShards
    },
    know(next) {
      members = next
    },
    close: () => server.close(),
  }
}

function addressOf(server: FastifyInstance): string {
  const address = server.server.address()
  if (address === null || typeof address === 'string') throw new Error('the peer does not listen')
  return `http://127.0.0.1:${address.port}`
}

function answerOf(
  name: QueryName,
  given: object,
  { deployments, incidents }: Contents,
  owned: readonly number[],
): object | null {
  const input = given as {
    service?: string
    state?: string
    key?: string
    prefix?: string
    limit: number
    cursor?: string
  }
  const of = <Item extends { service: string; state: string }>(items: readonly Item[]): Item[] =>
    items.filter(
      (item) => item.service === (input.service ?? item.service) && item.state === (input.state ?? item.state),
    )
  const names = [...new Set([...deployments, ...incidents].map((item) => item.service))].sort()
  switch (name) {
    case 'list_deployments':
      return pageOf(of(deployments), BY_TIME, placeOfDeployment, input)
    case 'list_incidents':
      return pageOf(of(incidents), BY_TIME, placeOfIncident, input)
    case 'list_services':
      return pageOf(
        names.filter((service) => service.startsWith(input.prefix ?? '')).map(namedService),
        BY_NAME,
        ({ service }) => placeOfName(service),
        input,
      )
    case 'list_outcomes':
    case 'list_unmapped':
      return { items: [], nextCursor: null, ...FRESH }
    case 'get_incident': {
      const incident = of(incidents).find((item) => item.key === input.key)
      return incident === undefined ? null : { incident, deploymentsBefore: [], ...FRESH }
    }
    case 'get_service':
      return input.service !== undefined && names.includes(input.service)
        ? serviceOf(input.service, of(deployments), of(incidents))
        : null
    case 'predict_deployment':
      return predictionOf(input.service ?? '')
    case 'forecast_capacity':
      return {
        series: null,
        status: 'no_series',
        detail: null,
        modelVersion: null,
        hours: [],
        backtest: null,
        ...FRESH,
      }
    case 'query_metrics':
      return { series: [], truncated: false, detail: 'no series matches', ...FRESH }
    case 'get_scorecard':
      return { ...scoredWindow(given), ...scorecardOf(countsOf(owned)), ...FRESH }
    case 'count_scores':
      return { counts: countsOf(owned), ...FRESH }
    case 'find_patterns':
      return patternsOf(owned)
    case 'best_window':
      return { timeZone: 'UTC', answerClass: 'uncertain', runs: 120, windows: [WINDOW], ...FRESH }
    case 'get_memory':
      return memoryOf(owned)
    case 'get_health':
      return healthOf(owned)
  }
}

function pageOf<Item extends object, P>(
  items: readonly Item[],
  order: Order<P>,
  placeOf: (item: Item) => P,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string },
): object {
  const after = cursor === undefined ? null : order.placeOf(cursor)
  const rest = [...items]
    .sort((a, b) => order.compare(placeOf(a), placeOf(b)))
    .filter((item) => after === null || order.compare(placeOf(item), after) > 0)
  const last = rest[limit - 1]
  const nextCursor = rest.length > limit && last !== undefined ? order.cursorOf(placeOf(last)) : null
  return { items: rest.slice(0, limit), nextCursor, ...FRESH }
}

const namedService = (service: string) => ({
  service,
  environment: service.split('/')[0] ?? '',
  lastEventAt: '2026-01-01T00:00:00.000Z',
})

function serviceOf(service: string, recent: readonly Deployment[], incidents: readonly Incident[]): object {
  const outcomes = { finished: recent.length, failed: 0, streak: recent.length, lastDays: [] }
  return {
    service,
    environment: service.split('/')[0],
    tier: 'production',
    firstSeenAt: '2026-01-01T00:00:00.000Z',
    lastEventAt: '2026-01-01T00:00:00.000Z',
    deployments: recent.length,
    ciRuns: 0,
    series: 0,
    outcomes: { deployment: outcomes, ci_run: { finished: 0, failed: 0, streak: 0, lastDays: [] } },
    recent: recent.slice(0, 5),
    openIncidents: incidents.filter((item) => item.state !== 'resolved'),
    ...FRESH,
  }
}

function predictionOf(service: string): object {
  return {
    predictionId: 'p-1',
    service,
    subject: 'deployment',
    pSuccess: 0.91,
    answerClass: 'not_enough_evidence',
    riskLevel: 'low',
    durationSeconds: { p10: 40, p50: 60, p90: 120 },
    evidence: {
      effectiveSamples: 12,
      minSamples: 100,
      serviceOutcomes: 12,
      baseRate: 0.9,
      baseRateInterval: { low: 0.7, high: 0.97 },
      assumed: { workflow: 'deploy.yml', pullRequest: false },
      missing: '88 more outcomes',
    },
    modelVersion: 'base-rate',
    liveScore: {
      outcomes: 240,
      from: '2026-01-01T00:00:00Z',
      to: '2026-01-05T00:00:00Z',
      accuracy: 0.8,
      logLoss: 0.41,
      brier: 0.125,
      baseRate: { accuracy: 0.75, logLoss: 0.52, brier: 0.18 },
    },
    explanation: null,
    similarCases: [],
    lowerRisk: [],
    strategy: 'canary',
    ...FRESH,
  }
}

const scoredWindow = (input: object) => ({ subject: 'deployment', source: 'live', from: '', to: '', ...input })

/** One prediction of each shard, of which that of shard 0 was wrong. */
function countsOf(owned: readonly number[]): ScoreCounts {
  const counter = new ScoreCounter()
  const known = { baseRate: 0.8, isConfident: true, byModel: true, durationP10: 40, durationP50: 60, durationP90: 120 }
  for (const shard of owned)
    counter.add({ ...known, pSuccess: shard === 0 ? 0.3 : 0.9, success: Number(shard !== 0), durationS: 50 + shard })
  return counter.counts()
}

const WINDOW = {
  fromHour: 8,
  toHour: 12,
  weekdays: [0, 1],
  runs: 40,
  failureShare: 0.05,
  otherFailureShare: 0.2,
  saved: { expected: 12, low: 4, high: 18 },
}

/** Whoever owns shard 0 has heard of the newer set. */
function patternsOf(owned: readonly number[]): object {
  const isNewer = owned.includes(0)
  const pattern = {
    id: isNewer ? 'newer' : 'older',
    subject: 'ci_run',
    scope: '*',
    context: 'branch == main',
    factor: 'lines_added > 200',
    status: 'confirmed',
    effect: 0.2,
    low: 0.1,
    high: 0.3,
    runs: 90,
    p: 0.001,
    firstSeen: '2026-01-01T00:00:00.000Z',
    lastSeen: '2026-01-02T00:00:00.000Z',
  }
  const cluster = { id: 'c', subject: 'ci_run', runs: 12, silhouette: 0.6, common: ['workflow build'] }
  const freshThrough = isNewer ? FRESH.freshThrough : '2026-01-01T00:00:00.000Z'
  return { patterns: [pattern], clusters: [cluster], ...FRESH, freshThrough }
}

function memoryOf(owned: readonly number[]): object {
  const region = { region: 'deployment_history', quotaBytes: 1000, usedBytes: 100, borrowedBytes: 0, lentBytes: 0 }
  return {
    poolBytes: 1000,
    usedBytes: 100,
    utilization: 0.1,
    idleBytes: 10,
    alert: owned.includes(0) ? 'none' : 'warning',
    regions: [
      {
        ...region,
        freeBytes: 900,
        evicted: 0,
        fragmentation: owned.includes(0) ? 0.1 : 0.3,
        alert: owned.includes(0) ? 'notice' : 'none',
      },
    ],
    dropped: [{ kind: 'samples', region: 'infrastructure_state', records: owned.length }],
    shards: owned.map((shard) => ({ shard, pages: 1, fragmentation: null })),
    components: [
      { region: 'deployment_history', component: 'ci_runs', pages: 1, liveBytes: 100, fragmentation: 0.5 },
      { region: 'deployment_history', component: 'rolling', pages: owned.length, liveBytes: 200, fragmentation: null },
    ],
    ...FRESH,
  }
}

function healthOf(owned: readonly number[]): object {
  return {
    status: 'ok',
    memoryAlert: owned.includes(0) ? 'critical' : 'none',
    shards: owned.map((shard) => ({ shard, state: 'live', lagRecords: 0, clock: null })),
    models: [{ model: 'deployment', stage: 'champion', version: 'v1', since: '2026-01-01T00:00:00.000Z' }],
    targets: [{ name: 'deployment_prediction_latency', targetMs: 500, p99Ms: 10 + owned.length }],
    ...FRESH,
  }
}

export function deployment(service: string, at: number, key = `${service}@${at}`): Deployment {
  const time = new Date(at).toISOString()
  return {
    key,
    subject: 'deployment',
    service,
    environment: service.split('/')[0] ?? '',
    attempt: 1,
    state: 'finished',
    conclusion: 'success',
    name: 'deploy',
    workflow: 'deploy.yml',
    branch: 'main',
    sha: null,
    trigger: 'push',
    requestedAt: time,
    startedAt: time,
    finishedAt: time,
    listedAt: time,
    links: [],
  }
}

export function incident(service: string, at: number, given: Partial<Incident> = {}): Incident {
  return {
    key: `${service}!${at}`,
    service,
    environment: service.split('/')[0] ?? '',
    state: 'firing',
    title: 'Latency is high',
    severity: 'warning',
    startsAt: new Date(at).toISOString(),
    endsAt: null,
    summary: '',
    description: '',
    labels: {},
    annotations: {},
    acknowledgedAt: null,
    generatorUrl: null,
    ...given,
  }
}
