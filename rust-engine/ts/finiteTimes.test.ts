import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import type { ShardDoor } from './door.ts'
import { SHOP, deployment, incident, open, temporary } from './engineUnderTest.ts'
import { RecordInvalid } from './errors.ts'

const out = new Float64Array(1_024)
const series = '0'.repeat(32)

/** Calls that take a time, by the name of the argument that has it. */
const calls: readonly (readonly [string, (shard: ShardDoor, time: number, folder: string) => unknown])[] = [
  ['at', (shard, at) => shard.applyDeployment(deployment({}), at)],
  ['at', (shard, at) => shard.applyIncident(incident({}), at)],
  ['at', (shard, at) => shard.deploymentAt(SHOP, 'k', at)],
  ['at', (shard, at) => shard.incidentAt(SHOP, 'k', at)],
  [
    'at',
    (shard, at) => {
      shard.rollingAdd(['scope'], at, true, 1)
    },
  ],
  [
    'at',
    (shard, at) => {
      shard.rollingRead(['scope'], at, out)
    },
  ],
  [
    'at',
    (shard, at) => {
      shard.bucketsAdd('scope', at, true)
    },
  ],
  [
    'at',
    (shard, at) => {
      shard.timingsAdd('scope', at, new Float64Array(3))
    },
  ],
  ['from', (shard, from) => shard.range(series, from, 1, 1, 'avg', out, out)],
  ['to', (shard, to) => shard.range(series, 0, to, 1, 'avg', out, out)],
  ['stepMs', (shard, stepMs) => shard.range(series, 0, 1, stepMs, 'avg', out, out)],
  [
    'until',
    (shard, until) => {
      shard.noteGap(['deployments'], until)
    },
  ],
  ['clock', (shard, clock, folder) => shard.snapshot(folder, 'w', {}, clock)],
]

test('a time or a clock that is no finite number is refused by the name of its argument, and changes nothing', async (t) => {
  const shard = open().createShard(0)
  const folder = temporary(t)
  const before = shard.stateHash()
  for (const time of [NaN, Infinity, -Infinity])
    for (const [field, call] of calls)
      await assert.rejects(
        new Promise((resolve) => {
          resolve(call(shard, time, folder))
        }),
        (error) => error instanceof RecordInvalid && error.field === field,
        `${field}: ${time}`,
      )
  assert.equal(shard.stateHash(), before)
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('shard-')),
    [],
  )
})
