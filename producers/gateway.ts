/** The gateway's routes on a server: what comes in is raw bytes, what goes out is an acknowledgement by Kafka or a refusal. */
import type { FastifyInstance } from 'fastify'
import type { RemoteWriteDecoder } from '../rust-engine/ts/remoteWrite.ts'
import { BodyRoom } from './ingest/bodyRoom.ts'
import type { Lane } from './ingest/lane.ts'
import { partsOf } from './ingest/partsOf.ts'
import { recordOf, type Encode } from './ingest/recordOf.ts'
import { Refusal, type RefusalCode } from './refusal.ts'
import { refuseLarge, refuseUntrue } from './sources/untrue.ts'
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
  /** Of all bodies that are being read or worked on. */
  readonly inFlightBytesMax: number
  readonly catalog: CatalogQuestions
  readonly pseudonym: (person: string) => string
  readonly encode: Encode
  readonly eventLane: Lane
  readonly metricLane: Lane
  readonly decoder: RemoteWriteDecoder
  readonly telemetry: GatewayTelemetry
  readonly now: () => number
}

/** What is published at once, so that a large group of alerts takes a small part of the lane at a time. */
const PART_BYTES_MAX = 1024 ** 2

const ROUTE_NAMES: ReadonlyMap<string, RouteName> = new Map([
  ['/webhooks/github', 'github'],
  ['/webhooks/alertmanager', 'alertmanager'],
  ['/api/v1/write', 'remote_write'],
  ['/v1/events', 'events'],
])

export async function addGateway(server: FastifyInstance, parts: GatewayParts): Promise<void> {
  const { telemetry, encode, eventLane } = parts
  // A third each: neither metrics nor what anybody may send unsigned shuts out deployments and alerts.
  const room = (): BodyRoom => new BodyRoom(Math.floor(parts.inFlightBytesMax / 3), parts.bodyBytesMax)
  const context: RouteContext = {
    telemetry,
    token: parts.token,
    lane: eventLane,
    room: room(),
    eventsPerRequestMax: parts.eventsPerRequestMax,
    mapping: (request) => ({
      now: parts.now(),
      trace: traceOf(request),
      catalog: parts.catalog,
      pseudonym: parts.pseudonym,
    }),
    acceptEvents: async (route, events) => {
      for (const event of events) refuseUntrue(event, parts.now())
      const records = events.map((event) => {
        const record = recordOf(event, encode)
        refuseLarge(event, record.value?.length ?? 0)
        return record
      })
      // Ours are told that all or none is accepted; Alertmanager drops a group that is refused as too large.
      if (route !== 'alertmanager') await eventLane.publish(records)
      else for (const part of partsOf(records, parts.eventsPerRequestMax, PART_BYTES_MAX)) await eventLane.publish(part)
      telemetry.eventsAccepted(route, events)
      return { accepted: events.length, ids: events.map(({ event }) => event.id) }
    },
  }
  if (parts.githubWebhookSecret === null) telemetry.routeOff('github', GITHUB_OFF)

  await server.register((scope, _options, done) => {
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
    addGithubRoute(scope, { ...context, room: room() }, parts.githubWebhookSecret)
    addAlertmanagerRoute(scope, context)
    addEventsRoute(scope, context)
    addRemoteWriteRoute(scope, { ...context, room: room() }, { decoder: parts.decoder, lane: parts.metricLane, encode })
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
