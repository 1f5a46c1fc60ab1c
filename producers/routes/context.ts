import type { FastifyRequest } from 'fastify'
import type { BodyRoom } from '../ingest/bodyRoom.ts'
import type { Lane } from '../ingest/lane.ts'
import type { GatewayTelemetry, RouteName } from '../telemetry.ts'
import type { Refusal } from '../refusal.ts'
import type { Mapping, TopicEvent } from '../sources/mapping.ts'

/** What the routes share. */
export interface RouteContext {
  readonly telemetry: GatewayTelemetry
  /** Bearer token of the routes that have no signature; null: this machine only. */
  readonly token: string | null
  readonly lane: Lane
  readonly room: BodyRoom
  readonly eventsPerRequestMax: number
  readonly mapping: (request: FastifyRequest) => Mapping
  /** Resolves when Kafka has all of them; throws a Refusal otherwise, where it may have the first of many. */
  readonly acceptEvents: (route: RouteName, events: readonly TopicEvent[]) => Promise<Accepted>
  /** For a sender that would drop all of them for one: takes what can be taken, tells telemetry of the rest. */
  readonly acceptEach: (route: RouteName, items: readonly (TopicEvent | Refusal)[]) => Promise<AcceptedEach>
}

export interface Accepted {
  readonly accepted: number
  readonly ids: readonly string[]
}

export interface AcceptedEach extends Accepted {
  /** What could not be taken, by its place in the list. */
  readonly refused: readonly { readonly index: number; readonly refusal: Refusal }[]
}
