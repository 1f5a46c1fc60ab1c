/** What the configuration and the catalog mean for a consumer. */
import { join } from 'node:path'
import type { Catalog } from '../runtime/configuration/catalog.ts'
import type { Configuration } from '../runtime/configuration/configuration.ts'
import { mappedFor } from '../runtime/configuration/identity.ts'
import type { EngineOptions } from '../rust-engine/ts/records.ts'
import { SHARDS } from '../schemas/topics.ts'

export function engineOptions({ server, memory, stateFolder }: Configuration): EngineOptions {
  const { infrastructureState, deploymentHistory, incidentDatabase, activeOperations } = memory.allocations
  const quotaBytes = {
    infrastructure_state: infrastructureState,
    deployment_history: deploymentHistory,
    incident_database: incidentDatabase,
    active_operations: activeOperations,
  }
  // A region may double by borrowing what the others leave free.
  return {
    poolBytes: server.memoryAllocation,
    quotaBytes,
    borrowBytesMax: quotaBytes,
    shards: SHARDS,
    // One for the snapshots of all clusters.
    snapshotKeyFile: join(stateFolder, 'keys', 'snapshot.key'),
  }
}

/** IANA zone of a service <environment>/<name>. */
export function zoneOf(catalog: Catalog, otherwise: string): (service: string) => string {
  return (service) => catalog.services.get(service.slice(service.indexOf('/') + 1))?.timeZone ?? otherwise
}

/**
 * Whether a name under `unassigned:` is one of the past. Where the catalog maps it for some sources only, it is as long as
 * nothing of another source arrived under it since this process read the catalog.
 */
export function mappedByNow(catalog: Catalog, readAt: number): (sourceName: string, lastEventAt: number) => boolean {
  return (sourceName, lastEventAt) => {
    const mapped = mappedFor(sourceName, catalog)
    return mapped === 'all' || (mapped === 'some' && lastEventAt < readAt)
  }
}

/** Where others ask this consumer; one that listens everywhere is reached on loopback at least. */
export function addressOf({ consumer: { host, port } }: Configuration): string {
  return `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${port}`
}
