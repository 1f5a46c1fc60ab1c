/** What the gateway tells of itself: one function for each thing that happens. Labels are closed sets. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Identity } from '../runtime/configuration/identity.ts'
import type { Log } from '../runtime/telemetry/log.ts'
import type { LookupResult, LookupTelemetry } from './changes/changeLookups.ts'
import type { LaneTelemetry } from './ingest/lane.ts'
import type { RefusalCode } from './refusal.ts'
import type { NotOfInterest } from './sources/mapped.ts'
import type { TopicEvent } from './sources/mapping.ts'
import { createRarely, type Rarely } from '../runtime/telemetry/rarely.ts'

export type RouteName = 'github' | 'alertmanager' | 'remote_write' | 'events' | 'deliveries'
export type LaneName = 'events' | 'metrics'

export interface GatewayTelemetry extends LookupTelemetry {
  started(address: string, tokenSet: boolean, unusedKeys: readonly string[]): void
  eventsAccepted(route: RouteName, events: readonly TopicEvent[]): void
  samplesAccepted(targets: number, samples: number): void
  notOfInterest(reason: NotOfInterest): void
  requestRefused(route: RouteName, reason: RefusalCode, detail: string): void
  /** One of many that came together; the others were accepted. */
  eventRefused(route: RouteName, reason: RefusalCode, detail: string): void
  /** Accepted although its clock is more than five minutes ahead. */
  eventSkewed(route: RouteName, service: string, aheadMs: number): void
  identityTold(identity: Identity): void
  routeOff(route: RouteName, remedy: string): void
  /** GitHub wants to be left alone for so long. */
  lookupsPaused(reason: string, ms: number): void
  brokerReached(): void
  brokerLost(error: unknown): void
  lane(lane: LaneName): LaneTelemetry
}

const LOOKUP_RESULTS: readonly LookupResult[] = ['found', 'known', 'gone', 'failed', 'dropped']

export function createGatewayTelemetry(registry: Registry, log: Log, now: () => number): GatewayTelemetry {
  const registers = [registry]
  const accepted = new Counter({
    name: 'devops_gateway_events_total',
    help: 'Events that Kafka acknowledged.',
    labelNames: ['route', 'topic'],
    registers,
  })
  const samples = new Counter({
    name: 'devops_gateway_samples_total',
    help: 'Metric samples that Kafka acknowledged.',
    registers,
  })
  const batches = new Counter({
    name: 'devops_gateway_metric_batches_total',
    help: 'Batches of one target and request that Kafka acknowledged.',
    registers,
  })
  const skipped = new Counter({
    name: 'devops_gateway_not_of_interest_total',
    help: 'Deliveries that make no event.',
    labelNames: ['reason'],
    registers,
  })
  const rejections = new Counter({
    name: 'devops_gateway_rejections_total',
    help: 'Requests turned away.',
    labelNames: ['route', 'reason'],
    registers,
  })
  const refusedEvents = new Counter({
    name: 'devops_gateway_refused_events_total',
    help: 'Single events turned away from a request of which the rest was accepted.',
    labelNames: ['route', 'reason'],
    registers,
  })
  const skewed = new Counter({
    name: 'devops_gateway_skewed_events_total',
    help: 'Events accepted with a clock more than five minutes ahead.',
    labelNames: ['route'],
    registers,
  })
  const identities = new Counter({
    name: 'devops_gateway_identities_total',
    help: 'Answers of the catalog: mapped or unassigned, environment known or not.',
    labelNames: ['mapped', 'environment_known'],
    registers,
  })
  const reachable = new Gauge({
    name: 'devops_gateway_broker_reachable',
    help: '1 when the last probe reached the broker.',
    registers,
  })
  const lookups = new Counter({
    name: 'devops_gateway_change_lookups_total',
    help: 'Changes whose size was asked of GitHub, by what came of it.',
    labelNames: ['result'],
    registers,
  })
  for (const result of LOOKUP_RESULTS) lookups.inc({ result }, 0)
  const lookupsWaiting = new Gauge({
    name: 'devops_gateway_change_lookups_waiting',
    help: 'Changes whose size is still to be asked of GitHub.',
    registers,
  })
  const rarely = createRarely(now)
  const unknownEnvironments = new Set<string>()
  const lane = createLanes(registers, log, rarely)

  return {
    lane,
    started(address, tokenSet, unusedKeys) {
      const openTo = tokenSet ? 'bearer token' : 'this machine'
      log.info({ event: 'started', address, openTo, unusedKeys }, 'the gateway listens')
    },
    eventsAccepted(route, events) {
      for (const { topic } of events) accepted.inc({ route, topic })
    },
    samplesAccepted(targets, count) {
      batches.inc(targets)
      samples.inc(count)
    },
    notOfInterest(reason) {
      skipped.inc({ reason })
    },
    requestRefused(route, reason, detail) {
      rejections.inc({ route, reason })
      rarely(`request_refused ${route} ${reason}`, () => {
        log.warn({ event: 'request_refused', route, reason, detail }, 'turned a request away')
      })
    },
    eventRefused(route, reason, detail) {
      refusedEvents.inc({ route, reason })
      rarely(`event_refused ${route} ${reason}`, () => {
        log.warn({ event: 'event_refused', route, reason, detail }, 'turned one event of a request away')
      })
    },
    eventSkewed(route, service, aheadMs) {
      skewed.inc({ route })
      rarely(`event_skewed ${route}`, () => {
        log.warn({ event: 'event_skewed', route, service, aheadMs }, 'the clock of a sender is ahead')
      })
    },
    identityTold({ mapped, unknownEnvironment, environment }) {
      identities.inc({ mapped: String(mapped), environment_known: String(!unknownEnvironment) })
      if (!unknownEnvironment || unknownEnvironments.has(environment) || unknownEnvironments.size >= 100) return
      unknownEnvironments.add(environment)
      log.warn({ event: 'environment_unknown', environment }, 'not in the configuration, treated as development')
    },
    routeOff(route, remedy) {
      log.info({ event: 'route_off', route, remedy }, 'a route is off')
    },
    lookedUp(result) {
      lookups.inc({ result })
    },
    lookupFailed(repository, error) {
      rarely('lookup_failed', () => {
        log.warn({ event: 'lookup_failed', repository, err: error }, 'the size of a change was not found')
      })
    },
    lookupsWaiting(count) {
      lookupsWaiting.set(count)
    },
    lookupsPaused(reason, ms) {
      rarely('lookups_paused', () => {
        log.info({ event: 'lookups_paused', reason, ms }, 'asking GitHub for changes again later')
      })
    },
    brokerReached() {
      reachable.set(1)
      log.info({ event: 'broker_reached' }, 'the broker answers')
    },
    brokerLost(error) {
      reachable.set(0)
      log.error({ event: 'broker_lost', err: error }, 'the broker does not answer')
    },
  }
}

function createLanes(registers: Registry[], log: Log, rarely: Rarely): (lane: LaneName) => LaneTelemetry {
  const latency = new Histogram({
    name: 'devops_gateway_publish_duration_seconds',
    help: 'Time from handing over the records of a request to their acknowledgement by Kafka.',
    labelNames: ['lane'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  const failures = new Counter({
    name: 'devops_gateway_publish_failures_total',
    help: 'Requests whose records Kafka did not acknowledge.',
    labelNames: ['lane'],
    registers,
  })
  const held = new Gauge({
    name: 'devops_gateway_queue_bytes',
    help: 'Bytes held until Kafka acknowledges them.',
    labelNames: ['lane'],
    registers,
  })
  return (lane) => {
    failures.inc({ lane }, 0)
    held.set({ lane }, 0)
    return {
      published(_records, seconds) {
        latency.observe({ lane }, seconds)
      },
      failed(records, error) {
        failures.inc({ lane })
        rarely(`publish_failed ${lane}`, () => {
          log.error({ event: 'publish_failed', lane, records, err: error }, 'Kafka did not acknowledge a request')
        })
      },
      bytesHeld(bytes) {
        held.set({ lane }, bytes)
      },
    }
  }
}
