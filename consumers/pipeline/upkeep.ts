/** Work on the memory that can wait: one task at a time for the whole process, while the shards have little to apply. */
import { setTimeout } from 'node:timers/promises'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { PipelineTelemetry } from './telemetry.ts'

/** Between two looks when nothing was due, or when the last work was refused. */
const IDLE_MS = 1000
/** After a task: as long as it took, so many times over. Upkeep takes a quarter of one core at most. */
const REST = 3
const REST_MS_MIN = 5
/** With more records than this to apply, upkeep waits: the shards are catching up. */
const LAG_RECORDS_MAX = 1000

export interface UpkeepShard {
  readonly shard: number
  readonly door: Pick<ShardDoor, 'upkeep'> | null
  readonly isLost: boolean
  lagRecords(): number
}

export interface UpkeepOptions {
  readonly live: () => readonly UpkeepShard[]
  readonly telemetry: Pick<PipelineTelemetry, 'upkeepDone' | 'upkeepFailed'>
  readonly idleMs?: number
}

/** Returns what ends it, after the task that is under way. */
export function startUpkeep({ live, telemetry, idleMs = IDLE_MS }: UpkeepOptions): () => Promise<void> {
  const ending = new AbortController()
  const isEnding = (): boolean => ending.signal.aborted

  /** One task of a shard; the rest that it costs, none when nothing was due. */
  async function once(owned: UpkeepShard): Promise<number | null> {
    if (owned.isLost || owned.door === null) return null
    try {
      const done = await owned.door.upkeep()
      telemetry.upkeepDone(done)
      return done.more ? Math.max(done.workMs * REST, REST_MS_MIN) : null
    } catch (error) {
      if (live().includes(owned)) telemetry.upkeepFailed(owned.shard, error as Error)
      return null
    }
  }

  async function rounds(): Promise<void> {
    while (!isEnding()) {
      let hasWorked = false
      for (const owned of live()) {
        if (isEnding() || isCatchingUp(live())) break
        const rest = await once(owned)
        if (rest === null) continue
        hasWorked = true
        await pause(rest)
      }
      if (!hasWorked) await pause(idleMs)
    }
  }

  const pause = (ms: number): Promise<void> =>
    setTimeout(ms, undefined, { signal: ending.signal }).catch(() => undefined)

  const ended = rounds()
  return () => {
    ending.abort()
    return ended
  }
}

const isCatchingUp = (live: readonly UpkeepShard[]): boolean =>
  live.some((owned) => owned.lagRecords() > LAG_RECORDS_MAX)
