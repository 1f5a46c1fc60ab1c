/** A shard's log without Kafka: the record of each offset follows from its number, so that any process can read it anywhere. */
import { createRemoteWriteDecoder } from '../../rust-engine/ts/remoteWrite.ts'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { EngineOptions } from '../../rust-engine/ts/records.ts'
import { remoteWriteBody } from '../../infra/local/remoteWriteBody.ts'

/** The name of its one topic in a snapshot's offsets. */
export const TOPIC = 'numbered'

const MIB = 1024 * 1024
const START_MS = 1_700_000_000_000
const LIMITS = { seriesMax: 100, samplesMax: 1_000, decodedBytesMax: MIB, labelBytesMax: 1_000 }

/** Room for some ten thousand records, so that nothing has to go. */
export const OPTIONS: EngineOptions = {
  poolBytes: 256 * MIB,
  quotaBytes: {
    infrastructure_state: 64 * MIB,
    deployment_history: 64 * MIB,
    incident_database: 64 * MIB,
    active_operations: 64 * MIB,
  },
  borrowBytesMax: {
    infrastructure_state: 64 * MIB,
    deployment_history: 64 * MIB,
    incident_database: 64 * MIB,
    active_operations: 64 * MIB,
  },
  shards: 1,
}

/** Applies the record of an offset. */
export function applyRecord(shard: ShardDoor, offset: number): void {
  const loggedAt = START_MS + offset * 1_000
  switch (offset % 5) {
    case 0:
    case 1:
      shard.applyDeployment(JSON.stringify(deployment(offset)), loggedAt)
      break
    case 2:
      shard.applyIncident(JSON.stringify(incident(offset)), loggedAt)
      break
    case 3:
      shard.applyInfrastructure(JSON.stringify(resource(offset)))
      break
    default:
      applyMetrics(shard, offset)
  }
}

const serviceOf = (offset: number): string => `production/service-${(offset * 7) % 40}`

const envelope = (offset: number) => ({
  id: `event-${offset}`,
  occurredAt: START_MS + offset * 1_000,
  receivedAt: START_MS + offset * 1_000,
  source: 'numbered',
  service: serviceOf(offset),
  environment: 'production',
  trace: null,
})

/** A deployment is requested, started and finished by three records, others between them. */
function deployment(offset: number) {
  const run = Math.floor(offset / 60)
  const phases = ['requested', 'started', 'finished'] as const
  const phase = phases[Math.floor((offset % 60) / 20)] ?? 'finished'
  return {
    ...envelope(offset),
    service: `production/service-${run % 40}`,
    subject: offset % 2 === 0 ? 'deployment' : 'ci_run',
    phase,
    key: `run-${run}-${offset % 20}`,
    attempt: 1,
    conclusion: phase === 'finished' ? (run % 3 === 0 ? 'failure' : 'success') : null,
    branch: 'main',
    sha: `sha-${run}`,
    links: [],
    backfilled: false,
  }
}

function incident(offset: number) {
  const at = START_MS + offset * 1_000
  return {
    ...envelope(offset),
    phase: offset % 3 === 0 ? 'resolved' : 'firing',
    key: `incident-${Math.floor(offset / 30)}`,
    title: 'Slow',
    severity: 'critical',
    summary: `offset ${offset}`,
    description: 'what is long takes pages of its own; '.repeat((offset * 31) % 600),
    labels: { alertname: 'Slow' },
    annotations: {},
    startsAt: at,
    endsAt: offset % 3 === 0 ? at + 1 : null,
    generatorUrl: null,
  }
}

function resource(offset: number) {
  return {
    ...envelope(offset),
    resource: `node/${offset % 90}`,
    kind: 'node',
    deleted: offset % 11 === 0,
    quantities: { cores: offset % 64 },
  }
}

/** Twenty series of a target, announced each time: which process reads a record must not matter. */
function applyMetrics(shard: ShardDoor, offset: number): void {
  const target = `instance-${Math.floor(offset / 5) % 6}`
  const at = START_MS + offset * 1_000
  const series = Array.from({ length: 20 }, (_, n) => ({
    labels: { __name__: `metric_${n}`, instance: target, job: 'numbered' },
    samples: [{ value: offset * (n + 1), at }],
  }))
  const decoder = createRemoteWriteDecoder(LIMITS)
  for (const batch of decoder.decode(remoteWriteBody(series), at).batches)
    shard.applyMetrics(batch.target, `production/${target}`, batch.announced, batch.block)
}
