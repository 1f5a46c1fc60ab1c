/** What goes when a region is full. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { EngineDoor, ShardDoor } from './door.ts'
import { openEngine } from './engine.ts'
import { ALL, SHOP, MIB, deployment, incident, sized, temporary, LOGGED } from './engineUnderTest.ts'
import { PoolFull } from './errors.ts'
import type { Region } from './records.ts'

const NAME = 'n'.repeat(300)
const region = (engine: EngineDoor, name: Region) => {
  const report = engine.memory().regions.find((one) => one.region === name)
  assert.ok(report)
  return report
}

test('a full history lets old successful runs go first; what runs stays', () => {
  const engine = openEngine(sized(MIB))
  const shard = engine.createShard(0)
  const run = (i: number, fields: object) =>
    shard.applyDeployment(
      deployment({
        key: `run${i}`,
        subject: 'ci_run',
        occurredAt: 1_000 + i,
        name: 'n'.repeat(300),
        phase: 'finished',
        ...fields,
      }),
      LOGGED,
    )
  shard.applyDeployment(deployment({ key: 'kept', phase: 'finished', conclusion: 'success' }), LOGGED)
  shard.applyDeployment(deployment({ key: 'running', phase: 'started' }), LOGGED)
  run(0, { conclusion: 'failure' })
  let runs = 1
  const history = () => region(engine, 'deployment_history')
  while (history().evicted < 100 && runs < 50_000) run(runs++, { conclusion: 'success' })
  assert.ok(runs < 50_000, 'the region was never full')
  assert.equal(shard.deployment(SHOP, 'run1'), null)
  assert.notEqual(shard.deployment(SHOP, 'run0'), null)
  assert.notEqual(shard.deployment(SHOP, 'kept'), null)
  assert.notEqual(shard.deployment(SHOP, 'running'), null)
  assert.notEqual(shard.deployment(SHOP, `run${runs - 1}`), null)
  assert.ok(history().borrowedBytes > 0)

  shard.drop()
  assert.equal(engine.memory().usedBytes, 0)
})

test('where more runs than there is room for, what was not heard of for longest goes; ends always go through', () => {
  const engine = openEngine(sized(MIB))
  const shard = engine.createShard(0)
  const live = (i: number, fields: object = {}) =>
    shard.applyDeployment(
      deployment({ key: `live${i}`, phase: 'started', occurredAt: 1_000 + i, name: NAME, ...fields }),
      LOGGED,
    )
  const firing = (i: number, fields: object = {}) =>
    shard.applyIncident(incident({ key: `i${i}`, occurredAt: 1_000 + i, description: NAME, ...fields }), LOGGED)
  let next = 0
  for (; region(engine, 'active_operations').evicted < 200; next++) {
    assert.ok(next < 50_000, 'the region was never full')
    live(next)
    shard.attachPrediction(SHOP, `live${next}`, 1, `{"p":${next}}`)
    firing(next)
    // Heard of again and again: never the oldest.
    live(0, { phase: 'step', occurredAt: 1_000 + next, step: { key: 'a', name: 'a', kind: 'job', state: 'queued' } })
  }
  assert.equal(shard.deployment(SHOP, 'live1'), null)
  assert.equal(shard.incident(SHOP, 'i1'), null)
  assert.equal(shard.deployment(SHOP, 'live0')?.prediction, '{"p":0}')
  const open = shard.incidents({ ...ALL, severity: null, state: 'firing' }, 50_000, null).items.length
  assert.equal(shard.service('production/shop')?.openIncidents, open)

  // The oldest of those that are left, one after the other, while the region is as full as it gets.
  const held = shard.deployments({ ...ALL, state: 'started' }, 50_000, null).items.toReversed()
  const before = region(engine, 'active_operations').evicted
  for (const { key, prediction } of held.slice(0, 50)) {
    const ended = shard.applyDeployment(deployment({ key, phase: 'finished', conclusion: 'failure' }), LOGGED)
    assert.deepEqual([ended.closed, ended.opened, ended.record?.prediction], [true, false, prediction])
  }
  assert.equal(region(engine, 'active_operations').evicted, before)
  assert.equal(firing(next - 1, { phase: 'resolved' }).record.state, 'resolved')
  for (let i = 0; i < 50; i++) assert.ok(live(next + i).opened)
  shard.drop()
  assert.equal(engine.memory().usedBytes, 0)
})

test('made-up services and resources leave again, oldest first; what runs or is open keeps its service', () => {
  const engine = openEngine(sized(MIB))
  const shard = engine.createShard(0)
  const tell = (i: number) =>
    shard.applyInfrastructure(
      JSON.stringify({
        occurredAt: 3_600_000 * i,
        service: `production/made-up-${i}`,
        environment: 'production',
        resource: `node/${i}`,
        kind: 'node',
        deleted: i % 2 === 0,
        attributes: { text: i % 2 === 0 ? '' : NAME },
        quantities: {},
      }),
    )
  shard.applyDeployment(deployment({ service: 'production/running', key: 'r', phase: 'started' }), LOGGED)
  shard.applyIncident(incident({ service: 'production/open' }), LOGGED)
  const state = () => region(engine, 'infrastructure_state')
  let told = 0
  for (; state().evicted < 2_000; told++) {
    assert.ok(told < 100_000, 'the region was never full')
    tell(told)
  }
  assert.equal(shard.service('production/made-up-0'), null)
  assert.deepEqual(shard.resources('production/made-up-1', 9), [])
  for (const name of ['production/running', 'production/open']) assert.notEqual(shard.service(name), null, name)
  assert.equal(shard.resources(`production/made-up-${told - 1 - (told % 2)}`, 9).length, 1)
  assert.ok(tell(told).changed)
})

test('a shard is restored into a pool that others fill: they make room, it comes back whole', async (t) => {
  const folder = join(temporary(t), 'snapshots')
  const fill = (shard: ShardDoor, until: () => boolean) => {
    for (let i = 0; !until(); i++) {
      assert.ok(i < 50_000, 'never reached')
      const fields = { key: `k${i}`, occurredAt: 1_000 + i, name: NAME }
      shard.applyDeployment(deployment({ ...fields, phase: 'started' }), LOGGED)
      if (i % 2 === 0)
        shard.applyDeployment(deployment({ ...fields, phase: 'finished', conclusion: 'failure' }), LOGGED)
    }
  }
  const first = openEngine(sized(MIB))
  const saved = first.createShard(0)
  fill(saved, () => region(first, 'deployment_history').usedBytes > MIB)
  const hash = saved.stateHash()
  await saved.snapshot(folder, 'w', {}, 0)

  const engine = openEngine(sized(MIB))
  const other = engine.createShard(1)
  fill(other, () => region(engine, 'deployment_history').evicted > 100)
  const { shard, refused } = await engine.restoreShard(0, folder, {})
  assert.deepEqual([shard?.stateHash(), refused], [hash, []])
  assert.ok(other.applyDeployment(deployment({ key: 'goes on' }), LOGGED).opened)

  const small = openEngine(sized(MIB / 4))
  const beside = small.createShard(1)
  fill(beside, () => region(small, 'deployment_history').usedBytes > MIB / 4)
  const before = beside.stateHash()
  const tooLarge = await small.restoreShard(0, folder, {})
  assert.equal(tooLarge.shard, null)
  assert.match(tooLarge.refused.join(), /manifest: deployment_history would hold \d+ bytes, at most 786432$/u)
  assert.equal(beside.stateHash(), before)
  assert.ok(small.createShard(0).applyDeployment(deployment({}), LOGGED).opened)
})

test('a region that is too small for one event is full, with figures', () => {
  const shard = openEngine(sized(64 * 1024)).createShard(0)
  assert.throws(
    () => shard.applyDeployment(deployment({}), LOGGED),
    (error) => error instanceof PoolFull && error.region === 'active_operations' && error.neededBytes > error.freeBytes,
  )
})
