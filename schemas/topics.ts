/**
 * Topics, their keys and the one partition function. The partition is always set explicitly, so that shard p is
 * partition p of every sharded topic whatever a client's own partitioner would do.
 */
import { createHash } from 'node:crypto'

export const SHARDS = 12

export type TopicName = keyof typeof TOPICS

export interface TopicSettings {
  readonly partitions: number
  /** Avro schema of the value: file name in schemas/events without its ending; the subject is `<topic>-value`. */
  readonly schema: string
  readonly config: Readonly<Record<string, string>>
}

const DAY_MS = 24 * 60 * 60 * 1000
const logAppendTime = { 'message.timestamp.type': 'LogAppendTime' }
const kept = (days: number) => ({ ...logAppendTime, 'cleanup.policy': 'delete', 'retention.ms': String(days * DAY_MS) })
const compact = { ...logAppendTime, 'cleanup.policy': 'compact' }

export const TOPICS = {
  'devops.deployments': { partitions: SHARDS, schema: 'DeploymentEvent', config: kept(400) },
  'devops.metrics': {
    partitions: SHARDS,
    schema: 'MetricBatch',
    config: { ...kept(2), 'retention.bytes': String(2 * 1024 ** 3) },
  },
  'devops.incidents': { partitions: SHARDS, schema: 'IncidentEvent', config: kept(90) },
  'devops.infrastructure': { partitions: SHARDS, schema: 'InfrastructureEvent', config: compact },
  'devops.signals': { partitions: SHARDS, schema: 'Signal', config: kept(7) },
  'devops.ticks': {
    partitions: SHARDS,
    schema: 'Tick',
    config: { ...logAppendTime, 'cleanup.policy': 'delete', 'retention.ms': String(60 * 60 * 1000) },
  },
  'devops.ledger': { partitions: SHARDS, schema: 'LedgerEntry', config: kept(400) },
  'devops.models': {
    partitions: 1,
    schema: 'ModelRecord',
    config: { ...compact, 'max.message.bytes': String(16 * 1024 * 1024) },
  },
  'devops.members': { partitions: 1, schema: 'Member', config: compact },
  'devops.dead-letters': { partitions: SHARDS, schema: 'DeadLetter', config: kept(30) },
} as const satisfies Record<string, TopicSettings>

/** Topics whose partition p is input of shard p. */
export const INPUT_TOPICS = [
  'devops.deployments',
  'devops.metrics',
  'devops.incidents',
  'devops.infrastructure',
  'devops.signals',
  'devops.ticks',
] as const satisfies readonly TopicName[]

/**
 * Shard of a key (a service or an environment; metrics go by service alone, docs/adr/0006): first 32 bits of its SHA-256, modulo SHARDS.
 * Never changed: a key that moved would split its history.
 */
export function partitionOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) % SHARDS
}
