import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blockOf } from './blockUnderTest.ts'
import type { ShardDoor } from './door.ts'
import { open } from './engineUnderTest.ts'
import { OptionsInvalid } from './errors.ts'

const SECOND = 1000
const NONE = new Uint8Array(0)

const apply = (door: ShardDoor, times: readonly number[], value: number) =>
  door.applyMetrics(
    't',
    'production/shop',
    NONE,
    blockOf(times, 3, (_, column) => value + column),
  )

function read(door: ShardDoor, from: number, to: number): (readonly [number, number])[] {
  const [times, values] = [new Float64Array(5_000), new Float64Array(5_000)]
  const count = door.range('1'.padStart(32, '0'), from, to, 0, 'last', times, values)
  return Array.from({ length: count }, (_, i) => [times[i] ?? NaN, values[i] ?? NaN] as const)
}

async function settle(door: ShardDoor): Promise<void> {
  let more = true
  while (more) ({ more } = await door.upkeep())
}

test('a late sample is kept within the window, before and after the upkeep, and the first of two holds', async () => {
  const shard = open().createShard(0)
  const start = 1_700_000_000_000
  const rows = Array.from({ length: 4_000 }, (_, i) => start + i * SECOND)
  apply(shard, rows, 7)
  const newest = start + 3_999 * SECOND
  const late = [newest - 3_600 * SECOND - 1, newest - 3_600 * SECOND + 500, newest - 1_800 * SECOND]
  assert.deepEqual(apply(shard, late, 1), { applied: 3, duplicates: 3, outOfOrder: 3, unannounced: 3 })
  assert.deepEqual(apply(shard, late.slice(1), 2), { applied: 0, duplicates: 6, outOfOrder: 0, unannounced: 3 })
  const around = (): unknown => read(shard, newest - 3_600 * SECOND, newest - 3_598 * SECOND)
  const wanted = [
    [newest - 3_600 * SECOND, 7],
    [newest - 3_600 * SECOND + 500, 1],
    [newest - 3_599 * SECOND, 7],
  ]
  assert.deepEqual(around(), wanted)
  const hash = shard.stateHash()
  // The next sealed chunk queues the late samples.
  const more = Array.from({ length: 200 }, (_, i) => newest + (i + 1) * SECOND)
  await settle(shard)
  assert.equal(shard.stateHash(), hash)
  apply(shard, more, 7)
  await settle(shard)
  assert.deepEqual(around(), wanted)
  assert.deepEqual(apply(shard, late.slice(2), 2).duplicates, 3)
})

test('the window is an option of the engine', () => {
  const shard = open({ lateWindowMs: 10 * SECOND }).createShard(0)
  const rows = Array.from({ length: 1_000 }, (_, i) => i * SECOND)
  apply(shard, rows, 7)
  assert.equal(apply(shard, [800 * SECOND + 1], 1).outOfOrder, 3)
  assert.throws(() => open({ lateWindowMs: -1 }), OptionsInvalid)
})
