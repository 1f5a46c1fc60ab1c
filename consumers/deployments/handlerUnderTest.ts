/** For tests: events of one service through the handler into a shard of a real engine. */
import assert from 'node:assert/strict'
import { openEngine } from '../../rust-engine/ts/engine.ts'
import type { EngineDoor } from '../../rust-engine/ts/door.ts'
import type { Conclusion, DeploymentEvent, LedgerEntry } from '../../schemas/generated/events.ts'
import type { Phase } from '../../schemas/outputs.ts'
import { partitionOf } from '../../schemas/topics.ts'
import { FEATURE_NAMES } from '../models/features.ts'
import { createShelf } from '../models/shelf.ts'
import { createDeploymentHandler } from './handler.ts'
import type { DeploymentDeps } from './handler.ts'

const MIB = 1024 ** 2
const quotaBytes = {
  infrastructure_state: 16 * MIB,
  deployment_history: 16 * MIB,
  incident_database: 16 * MIB,
  active_operations: 16 * MIB,
}
export const newEngine = (): EngineDoor =>
  openEngine({ poolBytes: 64 * MIB, quotaBytes, borrowBytesMax: quotaBytes, shards: 12 })

export const nothing = () => undefined
export const deps: DeploymentDeps = {
  shelf: createShelf(),
  zoneOf: () => 'Europe/Berlin',
  rules: { minSamples: 100, confidenceThreshold: 0.7 },
  telemetry: { predicted: nothing, closed: nothing, unpredicted: nothing },
  stopwatch: () => 0,
  duringMaintenance: () => false,
}

export const START = Date.UTC(2026, 0, 5, 9)
export const SERVICE = 'production/shop'

export function event(over: Partial<DeploymentEvent>): DeploymentEvent {
  const at = over.occurredAt ?? START
  return {
    id: `${over.key ?? 'k'}/${over.attempt ?? 1}/${over.phase ?? 'started'}`,
    occurredAt: at,
    receivedAt: at,
    source: 'events',
    service: SERVICE,
    environment: 'production',
    trace: null,
    subject: 'deployment',
    phase: 'started',
    key: 'events:shop/deployment/1',
    attempt: 1,
    conclusion: null,
    name: 'deploy',
    workflow: 'deploy.yml',
    repository: 'shop',
    branch: 'main',
    sha: null,
    actor: 'a1',
    trigger: 'push',
    pullRequest: false,
    change: null,
    step: null,
    links: [],
    backfilled: false,
    ...over,
  }
}

export const run = (i: number, conclusion: Conclusion, gapMs = 60_000): readonly DeploymentEvent[] => {
  const key = `events:shop/deployment/${i}`
  const occurredAt = START + i * gapMs
  return [event({ key, occurredAt }), event({ key, phase: 'finished', conclusion, occurredAt: occurredAt + 30_000 })]
}

/** A shard of its own engine, and what the handler gave out for each event. */
export function pipeline(engine = newEngine(), own = deps, service = SERVICE) {
  const shard = engine.createShard(partitionOf(service))
  const handle = createDeploymentHandler(own)
  let offset = 0n
  const pass = (one: DeploymentEvent, phase: Phase = 'live'): readonly LedgerEntry[] => {
    const position = { topic: 'devops.deployments', partition: shard.shard, offset: offset++, at: one.receivedAt + 5 }
    return handle(one, position, shard, phase).map((output) => {
      assert.ok(output.topic === 'devops.ledger')
      assert.equal(output.partition, partitionOf(one.service))
      assert.equal(output.key, output.value.predictionId)
      return output.value
    })
  }
  const passAll = (events: readonly DeploymentEvent[], phase: Phase = 'live') =>
    events.flatMap((one) => pass(one, phase))
  return { shard, pass, passAll }
}

export const at = (name: string): number => FEATURE_NAMES.indexOf(name)
export const feature = (entry: LedgerEntry | undefined, name: string) => entry?.features[at(name)]
