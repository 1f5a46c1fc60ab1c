import assert from 'node:assert/strict'
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { openEngine } from './engine.ts'
import { ALL, MIB, SHOP, deployment, incident, open, sized, temporary, LOGGED } from './engineUnderTest.ts'
import { RecordInvalid, SnapshotFailed, SnapshotKeyInvalid, SnapshotKeyWrong, SnapshotRunning } from './errors.ts'

test('snapshot, drop, restore: the same state, the same answers', async (t) => {
  const folder = join(temporary(t), 'snapshots')
  const engine = open()
  const shard = engine.createShard(4)
  for (let i = 0; i < 300; i++)
    shard.applyDeployment(
      deployment({ key: `k${i}`, phase: i % 2 ? 'started' : 'finished', conclusion: i % 2 ? null : 'failure' }),
      LOGGED,
    )
  shard.applyIncident(incident({ description: 'long '.repeat(3_000) }), LOGGED)
  shard.rollingAdd(['scope'], 5, true, 3)
  for (let i = 0; i < 120; i++) shard.timingsAdd('scope', i, Float64Array.of(i, i / 2))
  shard.attachPrediction(SHOP, 'k1', 1, 'p')
  const hash = shard.stateHash()
  const writing = shard.snapshot(folder, 'w1', { 'devops.deployments': '300', 'devops.ticks': '7' }, 1234)
  shard.applyDeployment(deployment({ key: 'after' }), LOGGED)
  const { writtenPages, writtenBytes, waits, waitedMs, waitedMsMax, ...info } = await writing
  assert.deepEqual([writtenPages, writtenBytes, waits, waitedMs, waitedMsMax], [info.pages, info.bytes, 0, 0, 0])
  assert.equal(statSync(join(folder, '..', 'keys', 'snapshot.key')).mode & 0o777, 0o600)
  shard.drop()
  assert.equal(engine.memory().usedBytes, 0)

  const ahead = await engine.restoreShard(4, folder, { 'devops.deployments': '299', 'devops.ticks': '7' })
  assert.deepEqual([ahead.shard, ahead.info], [null, null])
  assert.match(ahead.refused.join(), /devops\.deployments at 300 is ahead/u)
  assert.deepEqual(await engine.restoreShard(5, folder, {}), { shard: null, info: null, refused: [] })
  const restored = await engine.restoreShard(4, folder, { 'devops.deployments': '400', 'devops.ticks': '8' })
  assert.ok(restored.shard)
  assert.deepEqual(restored.info, info)
  assert.equal(restored.shard.stateHash(), hash, 'state as at the call')
  assert.equal(restored.shard.deployment(SHOP, 'k1')?.prediction, 'p')
  assert.equal(restored.shard.deployment(SHOP, 'after'), null)
  const timings = new Float64Array(6)
  assert.equal(restored.shard.timingsRead('scope', timings), 3)
  assert.deepEqual([...timings], [119, 59.5, 118, 59, 117, 58.5])
  assert.equal(restored.shard.incident(SHOP, 'alertmanager:1')?.description.length, 15_000)
  assert.equal(restored.shard.deployments({ ...ALL, state: 'finished' }, 1_000, null).items.length, 150)
  restored.shard.applyDeployment(deployment({ key: 'after' }), LOGGED)
  const elsewhere = await open().restoreShard(4, folder, { 'devops.deployments': '400', 'devops.ticks': '8' })
  assert.equal(elsewhere.shard?.stateHash(), hash)
})

test('damaged snapshots are skipped with their reason and the older one is used', async (t) => {
  const folder = join(temporary(t), 'snapshots')
  const engine = open()
  const shard = engine.createShard(0)
  const hashes: string[] = []
  for (let i = 1; i <= 3; i++) {
    shard.applyDeployment(deployment({ key: `k${i}` }), LOGGED)
    hashes.push(shard.stateHash())
    await shard.snapshot(folder, 'w', { 'devops.deployments': String(i) }, i)
  }
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.manifest'))
    .sort()
  assert.equal(files.length, 2, 'the last two are kept')
  const newest = join(folder, files.at(-1) ?? '')
  const bytes = readFileSync(newest)
  const restore = () => open().restoreShard(0, folder, { 'devops.deployments': '9' })
  assert.equal((await restore()).shard?.stateHash(), hashes[2])
  for (const at of [9, 17, 33, 80, bytes.length >> 1, bytes.length - 1]) {
    const file = openSync(newest, 'r+')
    writeSync(file, Buffer.of((bytes[at] ?? 0) ^ 1), 0, 1, at)
    closeSync(file)
    const restored = await restore()
    assert.equal(restored.shard?.stateHash(), hashes[1], `flipped a bit at ${at}`)
    assert.equal(restored.refused.length, 1)
    const mend = openSync(newest, 'r+')
    writeSync(mend, bytes, 0, bytes.length, 0)
    closeSync(mend)
  }
  for (const length of [0, 20, 100, bytes.length - 1]) {
    const file = openSync(newest, 'w')
    writeSync(file, bytes, 0, length, 0)
    closeSync(file)
    assert.equal((await restore()).shard?.stateHash(), hashes[1], `cut at ${length}`)
  }
})

test('another key is a clear refusal and leaves the files alone', async (t) => {
  const root = temporary(t)
  const folder = join(root, 'snapshots')
  const shard = open({ snapshotKeyFile: join(root, 'a.key') }).createShard(0)
  const { file } = await shard.snapshot(folder, 'w', {}, 0)
  const before = readFileSync(file)
  const stranger = open({ snapshotKeyFile: join(root, 'b.key') })
  await assert.rejects(stranger.restoreShard(0, folder, {}), SnapshotKeyWrong)
  assert.deepEqual(readFileSync(file), before)
  const short = openSync(join(root, 'c.key'), 'w', 0o600)
  writeSync(short, 'short')
  closeSync(short)
  await assert.rejects(open({ snapshotKeyFile: join(root, 'c.key') }).restoreShard(0, folder, {}), SnapshotKeyInvalid)
  await assert.rejects(shard.snapshot(folder, '../up', {}, 0), RecordInvalid)
})

test('only what changed is written, while other work goes on; one snapshot at a time', async (t) => {
  const folder = join(temporary(t), 'snapshots')
  const engine = openEngine(sized(64 * MIB))
  const shard = engine.createShard(0)
  for (let i = 0; i < 20_000; i++) shard.rollingAdd([`scope ${i}`], 1, true, 2)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const writing = shard.snapshot(folder, 'w', {}, 0)
  await assert.rejects(shard.snapshot(folder, 'w', {}, 0), SnapshotRunning)
  const whole = await writing
  delay.disable()
  t.diagnostic(`${whole.pages} pages, event loop waited at most ${delay.max / 1e6} ms`)
  assert.equal(whole.writtenPages, whole.pages)
  shard.rollingAdd(['scope 7'], 2, false, 3)
  const hash = shard.stateHash()
  const next = await shard.snapshot(folder, 'w', {}, 1)
  assert.ok(next.writtenPages < 10 && next.pages === whole.pages, `${next.writtenPages} of ${next.pages}`)
  assert.equal((await openEngine(sized(64 * MIB)).restoreShard(0, folder, {})).shard?.stateHash(), hash)

  shard.rollingAdd(['scope 8'], 2, false, 3)
  const abandoned = assert.rejects(shard.snapshot(join(folder, 'elsewhere'), 'w', {}, 2), SnapshotFailed)
  shard.drop()
  await abandoned
})

test('a new key in front of the old one writes; both read', async (t) => {
  const root = temporary(t)
  const [folder, snapshotKeyFile] = [join(root, 'snapshots'), join(root, 'keys')]
  const shard = open({ snapshotKeyFile }).createShard(0)
  for (let i = 0; i < 1_000; i++) shard.rollingAdd([`scope ${i}`], 1, true, 2)
  await shard.snapshot(folder, 'w', {}, 0)
  const old = readFileSync(snapshotKeyFile)
  const added = Buffer.alloc(32, 7)
  writeFileSync(snapshotKeyFile, Buffer.concat([added, old]))
  const hash = shard.stateHash()
  const rounds = []
  for (const clock of [1, 2, 3]) rounds.push(await shard.snapshot(folder, 'w', {}, clock))
  const [first, second, third] = rounds.map(({ writtenPages, pages }) => writtenPages / pages)
  assert.deepEqual([first, second, third], [0, 1, 0], 'the second writes all of it anew')
  writeFileSync(snapshotKeyFile, added)
  const restored = await open({ snapshotKeyFile }).restoreShard(0, folder, {})
  assert.deepEqual([restored.shard?.stateHash(), restored.refused], [hash, []])
})
