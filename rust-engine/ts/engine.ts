/** The door over the addon. */
import { dirname, join } from 'node:path'
import { addon, type EngineBox } from './addon.ts'
import type { EngineDoor, RestoredShard, ShardDoor } from './door.ts'
import { named, namedError } from './errors.ts'
import { openShard } from './shard.ts'
import type { EngineOptions, MemoryReport, SnapshotInfo } from './records.ts'
import { Turns } from './turns.ts'

/** Large reads that run at once: one is computed while the slice of another is taken. */
const READS_AT_ONCE = 2

/** Maps the pool; throws `OptionsInvalid` or `MapRefused`. */
export function openEngine(options: EngineOptions): EngineDoor {
  return new Engine(
    named(() => addon.open(JSON.stringify(options))),
    options.snapshotKeyFile ?? null,
  )
}

class Engine implements EngineDoor {
  readonly #box: EngineBox
  readonly #keyFile: string | null
  readonly #turns = new Turns(READS_AT_ONCE)

  constructor(box: EngineBox, keyFile: string | null) {
    this.#box = box
    this.#keyFile = keyFile
  }

  memory(): MemoryReport {
    return JSON.parse(named(() => addon.memory(this.#box))) as MemoryReport
  }

  clean(budgetMs: number): boolean {
    return named(() => addon.clean(this.#box, budgetMs))
  }

  survey(pagesMax: number): number {
    return named(() => addon.survey(this.#box, pagesMax))
  }

  releaseIdle(): number {
    return named(() => addon.releaseIdle(this.#box))
  }

  createShard(shard: number): ShardDoor {
    const generation = named(() => addon.createShard(this.#box, shard))
    return openShard(this.#box, shard, generation, this.#keyFileOf, this.#turns)
  }

  async restoreShard(
    shard: number,
    folder: string,
    committed: Readonly<Record<string, string>>,
  ): Promise<RestoredShard> {
    const key = this.#keyFileOf(folder)
    const restoring = named(() => addon.restoreShard(this.#box, shard, folder, JSON.stringify(committed), key))
    const restored = await restoring.catch((error: unknown) => {
      throw namedError(error)
    })
    const { generation, info, refused } = JSON.parse(restored) as Restored
    if (generation === null || info === null) return { shard: null, info: null, refused }
    return { shard: openShard(this.#box, shard, generation, this.#keyFileOf, this.#turns), info, refused }
  }

  // Beside the snapshots' folder when not given, so that a state folder carries its key.
  readonly #keyFileOf = (folder: string): string => this.#keyFile ?? join(dirname(folder), 'keys', 'snapshot.key')
}

interface Restored {
  readonly generation: number | null
  readonly info: SnapshotInfo | null
  readonly refused: readonly string[]
}
