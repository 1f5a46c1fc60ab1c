/** Memory that another thread may change during a call is refused, in every argument that is an array. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ShardDoor } from './door.ts'
import { open } from './engineUnderTest.ts'
import { SharedMemoryRefused } from './errors.ts'
import { createRemoteWriteDecoder } from './remoteWrite.ts'

const limits = { seriesMax: 1, samplesMax: 1, decodedBytesMax: 100, labelBytesMax: 100 }
const bytes = () => new Uint8Array(new SharedArrayBuffer(64))
const numbers = () => new Float64Array(new SharedArrayBuffer(64))
const own = () => new Float64Array(8)

/** By function of the addon and its argument. */
const CALLS: Readonly<Record<string, (shard: ShardDoor) => unknown>> = {
  'rollingRead out': (shard) => {
    shard.rollingRead(['a'], 0, numbers())
  },
  'bucketsRead out': (shard) => {
    shard.bucketsRead('a', 'day', 0, numbers())
  },
  'applyMetrics announced': (shard) => shard.applyMetrics('t', 's/x', bytes(), new Uint8Array()),
  'applyMetrics block': (shard) => shard.applyMetrics('t', 's/x', new Uint8Array(), bytes()),
  'range times': (shard) => shard.range('0', 0, 1, 1, 'avg', numbers(), own()),
  'range values': (shard) => shard.range('0', 0, 1, 1, 'avg', own(), numbers()),
  'ranges times': (shard) => shard.ranges(['0'], 0, 1, 1, 'avg', 1, numbers(), own(), own()),
  'ranges values': (shard) => shard.ranges(['0'], 0, 1, 1, 'avg', 1, own(), numbers(), own()),
  'ranges counts': (shard) => shard.ranges(['0'], 0, 1, 1, 'avg', 1, own(), own(), numbers()),
  'timingsAdd row': (shard) => {
    shard.timingsAdd('a', 0, numbers())
  },
  'timingsRead out': (shard) => shard.timingsRead('a', numbers()),
  'scoreAdd score': (shard) => shard.scoreAdd('s/x', 'deployment', 'p', numbers()),
  'scoresRead out': (shard) => shard.scoresRead(null, 'deployment', 0, 1, null, numbers()),
  'decodeRemoteWrite body': () => createRemoteWriteDecoder(limits).decode(bytes(), 0),
}

test('every array argument over shared memory is refused, by its name', () => {
  const shard = open().createShard(0)
  for (const [name, call] of Object.entries(CALLS))
    assert.throws(
      () => call(shard),
      (error) => error instanceof SharedMemoryRefused && error.message.includes(name.split(' ')[1] ?? ''),
      name,
    )
})

test('no array argument of the addon is left out above', () => {
  const source = readFileSync(new URL('./addon.ts', import.meta.url), 'utf8')
  const declared = [...source.matchAll(/^ {2}(\w+)\(([^)]*)\)/gmu)].flatMap(([, call, parameters]) =>
    [...(parameters ?? '').matchAll(/(\w+): (?:Uint8Array|Float64Array)/gu)].map(([, name]) => `${call} ${name}`),
  )
  assert.deepEqual(declared.sort(), Object.keys(CALLS).sort())
})
