/**
 * What the state must be: the same log, folded once, in order, by the same handlers in this process. The state that a
 * consumer left is read from the snapshots it cut when it stopped.
 */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { createDeploymentHandler } from '../../consumers/deployments/handler.ts'
import { createDeploymentTelemetry } from '../../consumers/deployments/telemetry.ts'
import { createIncidentHandler } from '../../consumers/incidents/handler.ts'
import { createIncidentTelemetry } from '../../consumers/incidents/telemetry.ts'
import { createShelf } from '../../consumers/models/shelf.ts'
import { readTopic } from '../../runtime/kafka/topicReader.ts'
import type { EngineDoor, ShardDoor } from '../../rust-engine/ts/door.ts'
import { openEngine } from '../../rust-engine/ts/engine.ts'
import { INPUT_TOPICS, SHARDS } from '../../schemas/topics.ts'
import type { EventStream } from './eventStream.ts'
import type { System } from './system.ts'

const MIB = 1024 ** 2

/** `snapshotKeyFile`: for an engine that reads snapshots. */
export function smallEngine(snapshotKeyFile: string | null = null): EngineDoor {
  const quotaBytes = {
    infrastructure_state: 64 * MIB,
    deployment_history: 64 * MIB,
    incident_database: 32 * MIB,
    active_operations: 32 * MIB,
  }
  return openEngine({ poolBytes: 192 * MIB, quotaBytes, borrowBytesMax: quotaBytes, shards: SHARDS, snapshotKeyFile })
}

/** State hash of each shard after the whole log of deployments and incidents. */
export async function expectedHashes(system: System, stream: EventStream): Promise<string[]> {
  const engine = smallEngine()
  const doors = Array.from({ length: SHARDS }, (_, shard) => engine.createShard(shard))
  const registry = new Registry()
  const deployments = createDeploymentHandler({
    shelf: createShelf(),
    zoneOf: () => 'UTC',
    rules: { minSamples: 100, confidenceThreshold: 0.7 },
    telemetry: createDeploymentTelemetry(registry),
    stopwatch: () => 0,
    duringMaintenance: () => false,
  })
  const incidents = createIncidentHandler(createIncidentTelemetry(registry))
  const fold = async (
    topic: 'devops.deployments' | 'devops.incidents',
    apply: (event: never, position: never, shard: ShardDoor, phase: 'live') => unknown,
  ): Promise<void> => {
    const reader = await readTopic(system.bus.kafka, stream.codec, {
      topic,
      from: 'beginning',
      follow: false,
      onRecord: (record, event) => {
        const door = doors[record.partition]
        if (event !== null && door !== undefined) apply(event as never, record as never, door, 'live')
      },
    })
    await reader.caughtUp
    await reader.close()
  }
  await fold('devops.deployments', deployments)
  await fold('devops.incidents', incidents)
  const hashes = doors.map((door) => door.stateHash())
  for (const door of doors) door.drop()
  return hashes
}

/** State hash of each shard in the newest snapshots of a stopped consumer. */
export async function snapshotHashes(system: System): Promise<string[]> {
  const engine = smallEngine(join(system.folder, 'state', 'keys', 'snapshot.key'))
  const anything = Object.fromEntries([...INPUT_TOPICS, 'devops.ledger'].map((topic) => [topic, String(2n ** 62n)]))
  const clusters = await readdir(join(system.folder, 'state', 'snapshots'))
  assert.equal(clusters.length, 1, `snapshots of one cluster, found: ${clusters.join(', ')}`)
  const folder = join(system.folder, 'state', 'snapshots', ...clusters)
  const hashes: string[] = []
  for (let shard = 0; shard < SHARDS; shard++) {
    const restored = await engine.restoreShard(shard, folder, anything)
    hashes.push(restored.shard?.stateHash() ?? 'none')
    restored.shard?.drop()
  }
  return hashes
}
