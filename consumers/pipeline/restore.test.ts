import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Registry } from 'prom-client'
import type { Ends, Positions } from '../../runtime/kafka/port.ts'
import { createLog } from '../../runtime/telemetry/log.ts'
import { openEngine } from '../../rust-engine/ts/engine.ts'
import { REGIONS } from '../../rust-engine/ts/records.ts'
import type { Region } from '../../rust-engine/ts/records.ts'
import { INPUT_TOPICS } from '../../schemas/topics.ts'
import { OwnedShard } from './ownedShard.ts'
import { restoreShard } from './restore.ts'
import { createPipelineTelemetry } from './telemetry.ts'

const MIB = 1024 ** 2
const SHARD = 4
const TOPICS = [...INPUT_TOPICS, 'devops.ledger']
const quotaBytes = {
  infrastructure_state: MIB,
  deployment_history: MIB,
  incident_database: MIB,
  active_operations: MIB,
}
const newEngine = () => openEngine({ poolBytes: 4 * MIB, quotaBytes, borrowBytesMax: quotaBytes, shards: 12 })
const SMALL = Object.fromEntries(REGIONS.map((region) => [region, 4096])) as Record<Region, number>
const smallEngine = () => openEngine({ poolBytes: 4 * 4096, quotaBytes: SMALL, borrowBytesMax: SMALL, shards: 12 })

const committedAt = (next: bigint): Positions => new Map(INPUT_TOPICS.map((topic) => [topic, new Map([[SHARD, next]])]))
const endsAt = (high: bigint): ReadonlyMap<string, ReadonlyMap<number, Ends>> =>
  new Map(TOPICS.map((topic) => [topic, new Map([[SHARD, { low: 0n, high }]])]))

/** A folder with one snapshot, cut at 7 of every topic, and its digest. */
async function withSnapshot(t: TestContext): Promise<{ readonly snapshotFolder: string; readonly hash: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'restore-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  const snapshotFolder = join(folder, 'snapshots')
  const shard = newEngine().createShard(SHARD)
  for (let i = 0; i < 200; i++) shard.rollingAdd([`scope ${i}`], 1, true, 2)
  await shard.snapshot(snapshotFolder, 'w', Object.fromEntries(TOPICS.map((topic) => [topic, '7'])), 1234)
  return { snapshotFolder, hash: shard.stateHash() }
}

async function restored(snapshotFolder: string, committed: bigint, end: bigint, engine = newEngine()) {
  const registry = new Registry()
  const telemetry = createPipelineTelemetry(registry, createLog('consumer', 'silent'))
  const owned = new OwnedShard(SHARD, 0)
  await restoreShard(owned, committedAt(committed), endsAt(end), { engine, snapshotFolder, telemetry })
  const counted = async (name: string) => {
    const metric = await registry.getSingleMetric(name)?.get()
    return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0
  }
  return {
    owned,
    hash: owned.doorOpen.stateHash(),
    from: new Set(owned.positions.values()),
    until: new Set(owned.replayUntil.values()),
    lostCommits: await counted('devops_shard_commits_lost_total'),
    refused: await counted('devops_shard_snapshots_total'),
  }
}

test('commits that are gone are no commits of 0: the snapshot is used and its offsets are committed anew', async (t) => {
  const { snapshotFolder, hash } = await withSnapshot(t)
  const { owned, ...found } = await restored(snapshotFolder, -1n, 9n)
  assert.deepEqual(found, { hash, from: new Set([7n]), until: new Set([7n]), lostCommits: 1, refused: 0 })
  assert.ok(owned.fromSnapshot)
  assert.equal(owned.clock, 1234)
  assert.deepEqual(new Set(owned.uncommitted().keys()), new Set(INPUT_TOPICS))
})

test('with commits a snapshot is replayed up to them', async (t) => {
  const { snapshotFolder, hash } = await withSnapshot(t)
  const { owned, ...found } = await restored(snapshotFolder, 8n, 9n)
  assert.deepEqual(found, { hash, from: new Set([7n]), until: new Set([8n]), lostCommits: 0, refused: 0 })
  assert.ok(owned.fromSnapshot)
})

test('a snapshot past the commits, or past the end of the log, is refused and told', async (t) => {
  const { snapshotFolder } = await withSnapshot(t)
  for (const [committed, end, replayUntil] of [
    [6n, 9n, 6n],
    [-1n, 6n, 0n],
    [8n, 6n, 6n],
  ] as const) {
    const { owned, from, until, lostCommits, refused } = await restored(snapshotFolder, committed, end)
    assert.deepEqual([owned.fromSnapshot, lostCommits, refused], [false, 0, 1])
    assert.deepEqual([from, until], [new Set([0n]), new Set([replayUntil])])
  }
})

test('without snapshot and commits a shard starts at the beginning, live', async (t) => {
  const { snapshotFolder } = await withSnapshot(t)
  const { owned, from, until, lostCommits, refused } = await restored(join(snapshotFolder, 'none'), -1n, 9n)
  assert.deepEqual([owned.fromSnapshot, lostCommits, refused], [false, 0, 0])
  assert.deepEqual([from, until], [new Set([0n]), new Set([0n])])
})

test('a snapshot that does not fit is told, and the shard is rebuilt from the log', async (t) => {
  const { snapshotFolder } = await withSnapshot(t)
  const { owned, from, until, refused } = await restored(snapshotFolder, 8n, 9n, smallEngine())
  assert.deepEqual([owned.fromSnapshot, refused], [false, 1])
  assert.deepEqual([from, until], [new Set([0n]), new Set([8n])])
})
