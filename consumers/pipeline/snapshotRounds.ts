/** When the shards' snapshots are cut: one shard at a time, spread over the interval, and all of them at the end. */
import assert from 'node:assert/strict'
import { SHARDS } from '../../schemas/topics.ts'
import type { Committer } from './committer.ts'
import type { OwnedShard } from './ownedShard.ts'
import { writeSnapshot } from './snapshot.ts'
import type { SnapshotOptions } from './snapshot.ts'
import { nextInTurn } from './snapshotTurn.ts'

export interface SnapshotRoundsOptions extends SnapshotOptions {
  readonly snapshotIntervalMs: number
}

export class SnapshotRounds {
  readonly #options: SnapshotRoundsOptions
  readonly #committer: Pick<Committer, 'drain'>
  readonly #live: () => readonly OwnedShard[]
  #turn: NodeJS.Timeout | undefined
  #written: Promise<void> = Promise.resolve()
  #stopping = false

  constructor(options: SnapshotRoundsOptions, committer: Pick<Committer, 'drain'>, live: () => readonly OwnedShard[]) {
    this.#options = options
    this.#committer = committer
    this.#live = live
  }

  start(): void {
    this.#awaitTurn(-1)
  }

  /** No more turns; then one of each of these shards. */
  async finish(live: readonly OwnedShard[]): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#turn)
    await this.#written
    for (const owned of live) await this.#cut(owned)
  }

  /** What waits to be written lies beside the pool, and the engine has room for one: never two at once. */
  #awaitTurn(last: number): void {
    const turn = (): void => {
      const live = this.#live()
      const next = nextInTurn(
        last,
        live.map(({ shard }) => shard),
      )
      const owned = live.find(({ shard }) => shard === next)
      if (owned !== undefined) this.#written = this.#cut(owned)
      void this.#written.then(() => {
        if (!this.#stopping) this.#awaitTurn(owned?.shard ?? last)
      })
    }
    this.#turn = setTimeout(turn, this.#options.snapshotIntervalMs / (this.#live().length || SHARDS))
  }

  /** In the shard's chain nothing is applied meanwhile, so that what is applied gets wholly committed. */
  async #cut(owned: OwnedShard): Promise<void> {
    const written = await owned.enqueue(async () => {
      await this.#committer.drain(owned)
      if (owned.state !== 'live') return null
      assert.ok(
        owned.pending.length === 0 && owned.uncommitted().size === 0,
        'a snapshot is cut where all is committed',
      )
      // The state is that of the call; what follows may be applied while the file is written.
      return { done: writeSnapshot(owned, this.#options) }
    })
    await written?.done
  }
}
