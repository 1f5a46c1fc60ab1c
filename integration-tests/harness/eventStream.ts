/** A seeded stream of events as the gateway would publish them, straight into Kafka. Same seed, same stream. */
import { join } from 'node:path'
import { openCodec, type Codec } from '../../runtime/kafka/codec.ts'
import { createPublisher } from '../../runtime/kafka/publisher.ts'
import type { OutgoingRecord, Publisher } from '../../runtime/kafka/port.ts'
import type { DeploymentEvent, IncidentEvent } from '../../schemas/generated/events.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { silentLog } from './kafka.ts'
import type { System } from './system.ts'

export interface EventStream {
  readonly codec: Codec
  readonly publisher: Publisher
  close(): Promise<void>
}

export async function openEventStream(system: System): Promise<EventStream> {
  const codec = await openCodec({
    registryUrl: system.bus.registryUrl,
    cacheFolder: join(system.folder, 'stream-schemas'),
    log: silentLog,
  })
  const publisher = await createPublisher(system.bus.kafka, { log: silentLog })
  return { codec, publisher, close: () => publisher.close() }
}

const envelope = (id: string, at: number, service: string) => ({
  id,
  occurredAt: at,
  receivedAt: at,
  source: 'events',
  service,
  environment: service.slice(0, service.indexOf('/')),
  trace: null,
})

export function deploymentEvent(
  service: string,
  run: number,
  phase: 'requested' | 'started' | 'finished',
  at: number,
  conclusion: DeploymentEvent['conclusion'] = null,
): DeploymentEvent {
  return {
    ...envelope(`${service}/${run}/${phase}`, at, service),
    subject: run % 2 === 0 ? 'deployment' : 'ci_run',
    phase,
    key: `events:${service}/run/${run}`,
    attempt: 1,
    conclusion,
    name: 'deploy',
    workflow: 'deploy',
    repository: null,
    branch: run % 3 === 0 ? 'main' : 'topic',
    sha: null,
    actor: null,
    trigger: 'push',
    pullRequest: false,
    change: null,
    step: null,
    links: [],
    backfilled: false,
  }
}

export function incidentEvent(
  service: string,
  number: number,
  phase: 'firing' | 'resolved',
  at: number,
): IncidentEvent {
  const startsAt = at - (phase === 'firing' ? 0 : 30_000)
  return {
    ...envelope(`${service}/alert/${number}/${phase}`, at, service),
    phase,
    key: `events:${service}/alert/${number}`,
    title: 'HighErrorRate',
    severity: 'page',
    summary: 'errors',
    description: '',
    labels: { service },
    annotations: {},
    startsAt,
    endsAt: phase === 'resolved' ? at : null,
    generatorUrl: null,
  }
}

export interface Life {
  readonly deployments: readonly DeploymentEvent[]
  readonly incidents: readonly IncidentEvent[]
}

/** Round `round` of a fleet: each service finishes one run, starts another one, and has an alert now and then. */
export function fleetRound(services: readonly string[], round: number, at: number): Life {
  const deployments: DeploymentEvent[] = []
  const incidents: IncidentEvent[] = []
  for (const [index, service] of services.entries()) {
    const failed = (round * 7 + index * 3) % 5 === 0
    if (round > 0) {
      deployments.push(deploymentEvent(service, round - 1, 'finished', at, failed ? 'failure' : 'success'))
    }
    deployments.push(
      deploymentEvent(service, round, 'requested', at + 10),
      deploymentEvent(service, round, 'started', at + 20),
    )
    if ((round + index) % 4 === 0) incidents.push(incidentEvent(service, round, 'firing', at))
    if ((round + index) % 4 === 1 && round > 0)
      incidents.push(incidentEvent(service, round - 1, 'resolved', at + 30_000))
  }
  return { deployments, incidents }
}

export async function publishLife({ codec, publisher }: EventStream, { deployments, incidents }: Life): Promise<void> {
  const records: OutgoingRecord[] = [
    ...deployments.map((event) => ({
      topic: 'devops.deployments',
      partition: partitionOf(event.service),
      key: event.service,
      value: codec.encode('devops.deployments', event),
    })),
    ...incidents.map((event) => ({
      topic: 'devops.incidents',
      partition: partitionOf(event.service),
      key: event.service,
      value: codec.encode('devops.incidents', event),
    })),
  ]
  await publisher.publish(records)
}
