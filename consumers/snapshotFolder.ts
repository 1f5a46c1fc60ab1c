/** Where a consumer keeps its snapshots: offsets mean something in one Kafka cluster alone, so each cluster has its folder. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

export class ClusterIdInvalid extends Error {
  readonly retryable = false
  constructor(clusterId: string) {
    super(
      `Kafka's cluster id ${JSON.stringify(clusterId)} cannot name a folder: letters, digits, "_" and "-" are expected`,
    )
    this.name = 'ClusterIdInvalid'
  }
}

/** `clusterId` comes from the network and becomes a path: throws ClusterIdInvalid for what Kafka does not make. */
export function snapshotFolderOf(stateFolder: string, clusterId: string): string {
  if (!/^[A-Za-z0-9_-]{1,200}$/.test(clusterId)) throw new ClusterIdInvalid(clusterId)
  return join(stateFolder, 'snapshots', clusterId)
}

export interface OpenedSnapshots {
  readonly folder: string
  /** Ids of other clusters of which there are snapshots, while there are none of this one. */
  readonly leftAlone: readonly string[]
}

/** Makes the folder where it is missing. */
export function openSnapshots(stateFolder: string, clusterId: string): OpenedSnapshots {
  const folder = snapshotFolderOf(stateFolder, clusterId)
  mkdirSync(folder, { recursive: true })
  if (readdirSync(folder).length > 0) return { folder, leftAlone: [] }
  const beside = readdirSync(join(folder, '..'), { withFileTypes: true })
  const others = beside.filter((entry) => entry.isDirectory() && entry.name !== clusterId)
  return { folder, leftAlone: others.map(({ name }) => name).sort() }
}
