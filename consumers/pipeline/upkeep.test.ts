import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { blockOf } from '../../rust-engine/ts/blockUnderTest.ts'
import { MIB, open, sized } from '../../rust-engine/ts/engineUnderTest.ts'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { Upkeep } from '../../rust-engine/ts/records.ts'
import { startUpkeep } from './upkeep.ts'
import type { UpkeepShard } from './upkeep.ts'

const SERIES = 50
/** Rows that are merged to chunks of 2,048. */
const ROWS = 2_100
const NONE = new Uint8Array(0)

function fill(door: ShardDoor, target: string, from = 0): void {
  for (let row = from; row < from + ROWS; row += 100) {
    const times = Array.from({ length: 100 }, (_, i) => 1_700_000_000_000 + (row + i) * 1_000)
    const block = blockOf(times, SERIES, (at, column) => Math.floor((row + at) / (column + 1)))
    assert.equal(door.applyMetrics(target, 'production/shop', NONE, block).applied, 100 * SERIES)
  }
}

function read(door: ShardDoor): readonly number[] {
  const [times, values] = [new Float64Array(4 * ROWS), new Float64Array(4 * ROWS)]
  const count = door.range('3'.padStart(32, '0'), 0, 2e12, 0, 'last', times, values)
  return [...values.subarray(0, count)]
}

/** Figures of the rounds, until so many of them found nothing to do. */
function watch(idle: number) {
  const seen: Upkeep[] = []
  const failed: Error[] = []
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const telemetry = {
    upkeepDone(done: Upkeep): void {
      seen.push(done)
      if (seen.filter(({ more }) => !more).length === idle) resolve(undefined)
    },
    upkeepFailed(_: number, cause: Error): void {
      failed.push(cause)
    },
  }
  return { seen, failed, telemetry, idled: promise }
}

test('sealed chunks of all shards are merged, and the state stays the same', async () => {
  const engine = open(sized(8 * MIB))
  const shards: (UpkeepShard & { door: ShardDoor })[] = [0, 1].map((shard) => ({
    shard,
    door: engine.createShard(shard),
    isLost: false,
    lagRecords: () => 0,
  }))
  for (const { door } of shards) fill(door, 't')
  const before = shards.map(({ door }) => [door.stateHash(), read(door)])
  const used = engine.memory().usedBytes
  const { seen, failed, telemetry, idled } = watch(2)
  const end = startUpkeep({ live: () => shards, telemetry, idleMs: 5 })
  await idled
  await end()
  assert.deepEqual(failed, [])
  // 16 chunks of 128 rows of each series become one; none is merged twice when the upkeep comes late.
  assert.equal(
    seen.reduce((sum, { chunks }) => sum + chunks, 0),
    shards.length * SERIES * 16,
  )
  assert.ok(engine.memory().usedBytes < used, 'in fewer bytes')
  assert.deepEqual(
    shards.map(({ door }) => [door.stateHash(), read(door)]),
    before,
  )
})

test('a shard that is applied to and dropped meanwhile is no error', async () => {
  const engine = open(sized(8 * MIB))
  const door = engine.createShard(0)
  fill(door, 't')
  const working = door.upkeep()
  fill(door, 't', ROWS)
  assert.equal((await working).more, true)
  assert.equal(read(door).length, 2 * ROWS)
  const last = door.upkeep()
  door.drop()
  assert.equal((await last).chunks, 0)
})

test('upkeep waits while a shard catches up, and ends with the task that is under way', async () => {
  const engine = open(sized(8 * MIB))
  const door = engine.createShard(0)
  fill(door, 't')
  let lag = 5_000
  const { seen, telemetry, idled } = watch(1)
  const shard = { shard: 0, door, isLost: false, lagRecords: () => lag }
  const end = startUpkeep({ live: () => [shard], telemetry, idleMs: 5 })
  await setTimeout(50)
  assert.equal(seen.length, 0)
  lag = 10
  await idled
  assert.ok(seen.some(({ chunks }) => chunks > 0))
  await end()
  const rounds = seen.length
  await setTimeout(30)
  assert.equal(seen.length, rounds)
})
