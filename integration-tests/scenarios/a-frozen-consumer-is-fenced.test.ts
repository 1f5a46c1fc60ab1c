/** A consumer that freezes past its session and wakes up as if nothing had been: it does no harm and gets its share again. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openEventStream } from '../harness/eventStream.ts'
import type { EventStream, Life } from '../harness/eventStream.ts'
import { assertScored, assertState, startLoad } from '../harness/load.ts'
import { owners, settled } from '../harness/owners.ts'
import { type RunningProcess, System, eventually } from '../harness/system.ts'
import { SHARDS } from '../../schemas/topics.ts'

const SERVICES = Array.from({ length: 15 }, (_, i) => `production/service-${i}`)

/** Light: each takeover replays what came meanwhile, by one process on whatever machine this is. */
const ROUND_MS = 250

let system: System
let stream: EventStream
before(async () => {
  system = await System.start({ roles: ['consumer'], env: { DEVOPS_CONSUMER_SNAPSHOT_INTERVAL_SECONDS: '2' } })
  stream = await openEventStream(system)
})
after(async () => {
  await stream.close()
  await system.stop()
})

test('nothing is lost or doubled, and shards stay whole', async () => {
  const first = system.process('consumer')
  const load = startLoad(stream, SERVICES, ROUND_MS)
  let rounds: readonly Life[]
  let second: RunningProcess
  try {
    second = await system.add('consumer')
    await settled([first, second])
    await freeze(second, first)
    // The other way round: now the one that froze takes over.
    await freeze(first, second)
  } finally {
    rounds = await load.stop()
  }
  await assertScored(system, rounds)
  assert.equal(await second.stop(), 0)
  await settled([first])
  await assertState(system, stream, first)
})

/** Wakes it when the other one has taken everything, and waits until both have their share. */
async function freeze(frozen: RunningProcess, other: RunningProcess): Promise<void> {
  const { shards } = await owners(frozen)
  assert.equal(shards.length, SHARDS / 2)
  process.kill(frozen.pid, 'SIGSTOP')
  try {
    await settled([other])
  } finally {
    process.kill(frozen.pid, 'SIGCONT')
  }
  await settled([frozen, other])
  // One that it is given again as if it had kept it is found to be lost by the first commit, a second later at most.
  await eventually('all that it held is let go of', async () => {
    const dropped = (await frozen.log())
      .split('\n')
      .filter((line) => /"shard_dropped".*"reason":"(fenced|revoked|outcome_unknown)"/.test(line))
    const letGo = new Set(dropped.map((line) => (JSON.parse(line) as { shard: number }).shard))
    return shards.every((shard) => letGo.has(shard)) ? true : null
  })
  await settled([frozen, other])
}
