/** The gateway's routes on a server: what comes in is raw bytes, what goes out is an acknowledgement by Kafka or a refusal. */
import type { FastifyInstance } from 'fastify'
import type { RemoteWriteDecoder } from '../rust-engine/ts/remoteWrite.ts'
import type { Lane } from './ingest/lane.ts'
import { recordOf, type Encode } from './ingest/recordOf.ts'
import { Refusal, type RefusalCode } from './refusal.ts'
import { traceOf } from './requestBody.ts'
import { addAlertmanagerRoute } from './routes/alertmanager.ts'
import type { RouteContext } from './routes/context.ts'
import { addEventsRoute } from './routes/events.ts'
import { addGithubRoute, GITHUB_OFF } from './routes/github.ts'
import { addRemoteWriteRoute } from './routes/remoteWrite.ts'
import type { CatalogQuestions } from './sources/mapping.ts'
import type { GatewayTelemetry, RouteName } from './telemetry.ts'

export interface GatewayParts {
  readonly token: string | null
  readonly githubWebhookSecret: string | null
  readonly bodyBytesMax: number
  readonly eventsPerRequestMax: number
  readonly catalog: CatalogQuestions
  readonly pseudonym: (person: string) => string
  readonly encode: Encode
  readonly eventLane: Lane
  readonly metricLane: Lane
  readonly decoder: RemoteWriteDecoder
  readonly telemetry: GatewayTelemetry
  readonly now: () => number
}

const ROUTE_NAMES: ReadonlyMap<string, RouteName> = new Map([
  ['/webhooks/github', 'github'],
  ['/webhooks/alertmanager', 'alertmanager'],
  ['/api/v1/write', 'remote_write'],
  ['/v1/events', 'events'],
])

export async function addGateway(server: FastifyInstance, parts: GatewayParts): Promise<void> {
  const { telemetry, encode, eventLane } = parts
  const context: RouteContext = {
    telemetry,
    token: parts.token,
    lane: eventLane,
    eventsPerRequestMax: parts.eventsPerRequestMax,
    mapping: (request) => ({
      now: parts.now(),
      trace: traceOf(request),
      catalog: parts.catalog,
      pseudonym: parts.pseudonym,
    }),
    acceptEvents: async (route, events) => {
      const records = events.map((event) => recordOf(event, encode))
      await eventLane.publish(records)
      telemetry.eventsAccepted(route, events)
      return { accepted: events.length, ids: events.map(({ event }) => event.id) }
    },
  }
  if (parts.githubWebhookSecret === null) telemetry.routeOff('github', GITHUB_OFF)

  let closing = false
  server.addHook('preClose', (next) => {
    closing = true
    next()
  })

  await server.register((scope, _options, done) => {
    // A connection that was busy when the server began to close would otherwise hold it open until its keep-alive ends.
    scope.addHook('onSend', (_request, reply, _payload, next) => {
      if (closing) void reply.header('connection', 'close')
      next()
    })
    // Signatures are over the bytes as sent, so nothing is parsed before the route has looked at them.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: parts.bodyBytesMax }, (_request, body, parsed) => {
      parsed(null, body)
    })
    scope.addHook('onError', (request, _reply, error, next) => {
      const route = ROUTE_NAMES.get(request.routeOptions.url ?? '')
      const reason = reasonOf(error)
      if (route !== undefined && reason !== null) telemetry.requestRefused(route, reason, error.message)
      next()
    })
    addGithubRoute(scope, context, parts.githubWebhookSecret)
    addAlertmanagerRoute(scope, context)
    addEventsRoute(scope, context)
    addRemoteWriteRoute(scope, context, { decoder: parts.decoder, lane: parts.metricLane, encode })
    done()
  })
}

/** Null for what is no refusal but a failure of ours; the server logs those. */
function reasonOf(error: Error & { statusCode?: number }): RefusalCode | null {
  if (error instanceof Refusal) return error.reason
  if (error.statusCode === 413) return 'too_large'
  if (error.statusCode === 415) return 'unsupported_media_type'
  return error.statusCode !== undefined && error.statusCode < 500 ? 'malformed' : null
}
