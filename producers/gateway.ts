/** The gateway's routes on a server: what comes in is raw bytes, what goes out is an acknowledgement by Kafka or a refusal. */
import type { FastifyInstance } from 'fastify'
import type { OutgoingRecord } from '../runtime/kafka/port.ts'
import type { RemoteWriteDecoder } from '../rust-engine/ts/remoteWrite.ts'
import { createChangeLookups, type LookupDeps } from './changes/changeLookups.ts'
import { KnownChanges } from './changes/knownChanges.ts'
import { BodyRoom } from './ingest/bodyRoom.ts'
import type { Lane } from './ingest/lane.ts'
import { partsOf } from './ingest/partsOf.ts'
import { recordOf, type Encode } from './ingest/recordOf.ts'
import { inSlices } from './inSlices.ts'
import { UnsignedRoom } from './ingest/unsignedRoom.ts'
import { Refusal, type RefusalCode } from './refusal.ts'
import { refuseLarge, refuseUntrue, skewOf } from './sources/untrue.ts'
import { traceOf } from './requestBody.ts'
import { addAlertmanagerRoute } from './routes/alertmanager.ts'
import type { Accepted, AcceptedEach, RouteContext } from './routes/context.ts'
import { addDeliveriesRoute } from './routes/deliveries.ts'
import { addEventsRoute } from './routes/events.ts'
import { addGithubRoute, GITHUB_OFF } from './routes/github.ts'
import { addRemoteWriteRoute } from './routes/remoteWrite.ts'
import type { CatalogQuestions, TopicEvent } from './sources/mapping.ts'
import type { GatewayTelemetry, RouteName } from './telemetry.ts'

export interface GatewayParts {
  readonly token: string | null
  readonly githubWebhookSecret: string | null
  /** Null: the size of a change is what webhooks tell. */
  readonly githubLookups: Pick<LookupDeps, 'filesOf' | 'sleep' | 'signal'> | null
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

interface SortedOut {
  readonly taken: { readonly event: TopicEvent; readonly record: OutgoingRecord }[]
  readonly refused: AcceptedEach['refused']
}

/** What is published at once, so that a large group of alerts takes a small part of the lane at a time. */
const PART_BYTES_MAX = 1024 ** 2

const ROUTE_NAMES: ReadonlyMap<string, RouteName> = new Map([
  ['/webhooks/github', 'github'],
  ['/webhooks/alertmanager', 'alertmanager'],
  ['/api/v1/write', 'remote_write'],
  ['/v1/events', 'events'],
  ['/v1/deliveries', 'deliveries'],
])

export async function addGateway(server: FastifyInstance, parts: GatewayParts): Promise<void> {
  const { telemetry, encode, eventLane } = parts
  // A third each: neither metrics nor what anybody may send unsigned shuts out deployments and alerts.
  const roomBytes = Math.floor(parts.inFlightBytesMax / 3)
  const known = new KnownChanges()
  const room = (): BodyRoom => new BodyRoom(roomBytes, parts.bodyBytesMax)
  const recordFor = (route: RouteName, given: TopicEvent): OutgoingRecord => {
    refuseUntrue(given, parts.now())
    const event = given.topic === 'devops.deployments' ? { ...given, event: known.passed(given.event) } : given
    const record = recordOf(event, encode)
    refuseLarge(event, record.value?.length ?? 0)
    const aheadMs = skewOf(event, parts.now())
    if (aheadMs !== null) telemetry.eventSkewed(route, event.event.service, aheadMs)
    return record
  }
  function* recordsFor(route: RouteName, events: readonly TopicEvent[]): Generator<undefined, OutgoingRecord[]> {
    const records: OutgoingRecord[] = []
    for (const event of events) {
      records.push(recordFor(route, event))
      yield
    }
    return records
  }
  function* sortOut(route: RouteName, items: readonly (TopicEvent | Refusal)[]): Generator<undefined, SortedOut> {
    const taken: SortedOut['taken'] = []
    const refused: { index: number; refusal: Refusal }[] = []
    for (const [index, item] of items.entries()) {
      try {
        if (item instanceof Refusal) throw item
        taken.push({ event: item, record: recordFor(route, item) })
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        refused.push({ index, refusal: error })
      }
      yield
    }
    return { taken, refused }
  }
  const accepted = (route: RouteName, events: readonly TopicEvent[]): Accepted => {
    telemetry.eventsAccepted(route, events)
    return { accepted: events.length, ids: events.map(({ event }) => event.id) }
  }
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
      await eventLane.publish(await inSlices(recordsFor(route, events)))
      return accepted(route, events)
    },
    acceptEach: async (route, items) => {
      const { taken, refused } = await inSlices(sortOut(route, items))
      for (const { refusal } of refused) telemetry.eventRefused(route, refusal.reason, refusal.message)
      const records = taken.map(({ record }) => record)
      for (const part of partsOf(records, parts.eventsPerRequestMax, PART_BYTES_MAX)) await eventLane.publish(part)
      const events = taken.map(({ event }) => event)
      return { ...accepted(route, events), refused }
    },
  }
  const lookups =
    parts.githubLookups === null
      ? null
      : createChangeLookups({
          ...parts.githubLookups,
          known,
          publish: async (event) => {
            await context.acceptEvents('github', [event])
          },
          telemetry,
          now: parts.now,
        })
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
    addGithubRoute(scope, context, parts.githubWebhookSecret, new UnsignedRoom(roomBytes), lookups)
    addAlertmanagerRoute(scope, context)
    addEventsRoute(scope, context)
    addDeliveriesRoute(scope, context)
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
