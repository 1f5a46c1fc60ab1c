/** Writes the snapshot of a shard whose applied state is wholly committed. */
import type { OwnedShard } from './ownedShard.ts'
import type { PipelineTelemetry } from './telemetry.ts'

export interface SnapshotOptions {
  readonly snapshotFolder: string
  readonly instance: string
  readonly telemetry: PipelineTelemetry
  readonly now: () => number
}

/** The cut is that of the call. A failure is told and counted: the former snapshot and the log still hold the state. */
export async function writeSnapshot(owned: OwnedShard, options: SnapshotOptions): Promise<void> {
  const { shard } = owned
  const startedAt = options.now()
  const offsets: Record<string, string> = { 'devops.ledger': owned.ledgerNext.toString() }
  for (const [topic, next] of owned.positions) offsets[topic] = next.toString()
  try {
    const written = await owned.doorOpen.snapshot(options.snapshotFolder, options.instance, offsets, owned.clock)
    options.telemetry.snapshotWritten(shard, written, options.now() - startedAt)
  } catch (error) {
    options.telemetry.snapshotFailed(shard, error as Error)
  }
}
