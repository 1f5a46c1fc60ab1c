/**
 * Writes what a shard applied: outputs and offsets in one transaction at a time. Applying goes on meanwhile and what it
 * gives goes into the next one. Outputs are kept until the commit; a retry sends them again and applies nothing.
 *
 * The first one starts at once, others keep a distance: a transaction is some five requests to the broker whatever is in
 * it, and nobody waits for it, since what is applied is visible already.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { OutcomeUnknown, TransactionAborted, TransactorFenced } from '../../runtime/kafka/transactorErrors.ts'
import type { OwnedShard } from './ownedShard.ts'
import type { DropReason, PipelineTelemetry } from './telemetry.ts'

const RETRY_DELAY_MS_MAX = 1000
/** Between the starts of two transactions of a shard that nobody drains. */
const SPACING_MS = 100

export interface Committer {
  /** Commits what is applied, unless a transaction is under way: then that one's end does. */
  kick(owned: OwnedShard): void
  /** Resolves when everything applied before the call is committed, or the shard is lost. */
  drain(owned: OwnedShard): Promise<void>
}

export function createCommitter(
  telemetry: PipelineTelemetry,
  lose: (owned: OwnedShard, reason: DropReason, cause: Error) => void,
): Committer {
  const running = new WeakMap<OwnedShard, Promise<void>>()
  const startedAt = new WeakMap<OwnedShard, number>()
  const draining = new WeakSet<OwnedShard>()
  /** Ends the wait for a shard's next transaction. */
  const hurries = new WeakMap<OwnedShard, AbortController>()

  async function wait(owned: OwnedShard, ms: number): Promise<void> {
    const hurry = new AbortController()
    hurries.set(owned, hurry)
    try {
      await sleep(ms, undefined, { signal: hurry.signal })
    } catch {
      // Drained meanwhile.
    }
  }

  async function commitAll(owned: OwnedShard): Promise<void> {
    while (owned.state === 'live') {
      const waitMs = (startedAt.get(owned) ?? -Infinity) + SPACING_MS - performance.now()
      if (waitMs > 0 && !draining.has(owned)) {
        await wait(owned, waitMs)
        continue
      }
      const outputs = owned.pending
      const offsets = owned.uncommitted()
      if (outputs.length === 0 && offsets.size === 0) return
      owned.pending = []
      owned.makeRoom()
      startedAt.set(owned, performance.now())
      if (!(await commitOnce(owned, outputs, offsets))) return
      // What was applied meanwhile: outputs after the distance, mere offsets with the next tick of the clock.
      if (owned.pending.length === 0) return
    }
  }

  async function commitOnce(
    owned: OwnedShard,
    outputs: OwnedShard['pending'],
    offsets: ReadonlyMap<string, bigint>,
  ): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const transactor = owned.transactor
      if (transactor === null) return false
      try {
        const { ends } = await transactor.transact(outputs, offsets)
        for (const [topic, next] of offsets) owned.committed.set(topic, next)
        owned.ledgerNext = ends.get('devops.ledger') ?? owned.ledgerNext
        telemetry.transactionCommitted(outputs.map((output) => output.topic))
        return true
      } catch (error) {
        if (owned.isLost) return false
        if (error instanceof TransactionAborted) {
          telemetry.transactionAborted(owned.shard, attempt, error)
          await sleep(Math.min(20 * 2 ** attempt, RETRY_DELAY_MS_MAX))
          continue
        }
        telemetry.transactionLost()
        if (error instanceof TransactorFenced) lose(owned, 'fenced', error)
        else if (error instanceof OutcomeUnknown) lose(owned, 'outcome_unknown', error)
        else throw error
        return false
      }
    }
  }

  function start(owned: OwnedShard): Promise<void> {
    const run = commitAll(owned).finally(() => {
      running.delete(owned)
      // Applied after the loop's last look, when its run still counted as one.
      if (owned.state === 'live' && owned.pending.length > 0) void start(owned)
    })
    running.set(owned, run)
    return run
  }

  return {
    kick(owned) {
      if (!running.has(owned)) void start(owned)
    },
    async drain(owned) {
      draining.add(owned)
      hurries.get(owned)?.abort()
      await running.get(owned)
      while (owned.state === 'live' && (owned.pending.length > 0 || owned.uncommitted().size > 0)) {
        await (running.get(owned) ?? start(owned))
      }
      draining.delete(owned)
    },
  }
}
