/** A fleet's life as it goes on while a scenario happens, and what must have become of it in the end. */
import assert from 'node:assert/strict'
import { fleetRound, publishLife, type EventStream, type Life } from './eventStream.ts'
import { expectedHashes, snapshotHashes } from './oracle.ts'
import { assertLedger } from './promises.ts'
import { eventually, type RunningProcess, type System } from './system.ts'
import { readAll } from './topic.ts'

const SCORED_MS = 120_000

export interface Load {
  /** Resolves when the last round is in Kafka, with all of them. */
  stop(): Promise<readonly Life[]>
}

/** One round of all services every `roundMs`. */
export function startLoad(stream: EventStream, services: readonly string[], roundMs = 100): Load {
  const rounds: Life[] = []
  const flow = { on: true }
  const producing = (async () => {
    const begin = Date.now()
    while (flow.on) {
      const life = fleetRound(services, rounds.length, begin + rounds.length * roundMs)
      rounds.push(life)
      await publishLife(stream, life)
      await new Promise((next) => setTimeout(next, roundMs))
    }
  })()
  return {
    async stop() {
      flow.on = false
      await producing
      return rounds
    },
  }
}

/** Nothing lost, nothing twice. */
export async function assertScored(system: System, rounds: readonly Life[]): Promise<void> {
  const deployments = rounds.flatMap((life) => life.deployments)
  const finished = deployments.filter(({ phase }) => phase === 'finished').length
  const entries = await eventually(
    'all outcomes are scored',
    async () => {
      const found = await readAll(system, 'devops.ledger')
      const scored = found.filter(({ kind }) => kind === 'scored').length
      if (scored < finished) throw new Error(`${scored} of ${finished}`)
      return found
    },
    SCORED_MS,
  )
  assertLedger(entries, deployments)
}

/** The last consumer stops with the state that one fold of the whole log gives. */
export async function assertState(system: System, stream: EventStream, last: RunningProcess): Promise<void> {
  assert.equal(await last.stop(), 0)
  assert.deepEqual(await snapshotHashes(system), await expectedHashes(system, stream))
}
