/** What goes when a region is full. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { EngineDoor, ShardDoor } from './door.ts'
import { openEngine } from './engine.ts'
import { ALL, SHOP, MIB, deployment, incident, sized, temporary, LOGGED } from './engineUnderTest.ts'
import { PoolFull } from './errors.ts'
import type { DeploymentRecord, DroppedKind, Page, Region } from './records.ts'

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

const DAY_MS = 86_400_000
const kindOf = (shard: ShardDoor, kind: DroppedKind) => {
  const dropped = shard.dropped().find((one) => one.kind === kind)
  assert.ok(dropped)
  return dropped
}

test('what is active never goes: what begins is refused where there is no room, ends always go through', () => {
  const engine = openEngine(sized(MIB))
  const shard = engine.createShard(0)
  const live = (i: number, fields: object = {}) =>
    shard.applyDeployment(
      deployment({ key: `live${i}`, phase: 'started', occurredAt: 1_000 + i, name: NAME, ...fields }),
      LOGGED,
    )
  const firing = (i: number, fields: object = {}) =>
    shard.applyIncident(incident({ key: `i${i}`, occurredAt: 1_000 + i, description: NAME, ...fields }), LOGGED)
  const isFull = (error: unknown) =>
    error instanceof PoolFull && error.region === 'active_operations' && error.retryable
  let next = 0
  const fill = () => {
    for (; ; next++) {
      assert.ok(next < 50_000, 'the region was never full')
      live(next)
      // What was opened can always be predicted.
      assert.ok(shard.attachPrediction(SHOP, `live${next}`, 1, `{"p":${next}}`))
      firing(next)
    }
  }
  assert.throws(fill, isFull)
  const full = next
  assert.ok(full > 500)
  // An incident needs less room than an attempt with its prediction.
  let open = full
  assert.throws(() => {
    for (; open < 50_000; open++) firing(open)
  }, isFull)
  assert.throws(() => live(full), isFull)
  assert.deepEqual(kindOf(shard, 'operations_given_up'), { kind: 'operations_given_up', records: 0, until: null })
  const running = shard.deployments({ ...ALL, state: 'started' }, 50_000, null).items
  assert.equal(running.length, full)
  assert.equal(shard.incidents({ ...ALL, severity: null, state: 'firing' }, 50_000, null).items.length, open)
  assert.equal(shard.service(SHOP)?.openIncidents, open)

  for (const { key, prediction } of running.slice(0, 500)) {
    const ended = shard.applyDeployment(deployment({ key, phase: 'finished', conclusion: 'failure' }), LOGGED)
    assert.deepEqual([ended.closed, ended.opened, ended.record?.prediction], [true, false, prediction])
  }
  for (let i = 0; i < 500; i++) firing(i, { phase: 'resolved' })
  assert.equal(firing(full - 1, { phase: 'resolved' }).record.state, 'resolved')
  assert.ok(live(full).opened)
  shard.drop()
  assert.equal(engine.memory().usedBytes, 0)
})

test('what was not heard of for a week counts as lost when there is no room, and is taken up again when it is', () => {
  const engine = openEngine(sized(MIB))
  const shard = engine.createShard(0)
  const begin = (i: number, at: number) => {
    shard.applyDeployment(deployment({ key: `k${i}`, phase: 'started', occurredAt: at, name: NAME }), LOGGED)
    shard.attachPrediction(SHOP, `k${i}`, 1, `{"p":${i}}`)
    shard.applyIncident(incident({ key: `i${i}`, occurredAt: at, startsAt: at, description: NAME }), LOGGED)
  }
  // Three times what there is room for; of a week less than half of that.
  const apart = DAY_MS / 24
  for (let i = 0; i < 1_500; i++) begin(i, i * apart)
  const newest = 1_499 * apart
  const lost = kindOf(shard, 'operations_given_up')
  assert.ok(lost.records > 500 && lost.until !== null && lost.until <= newest - 7 * DAY_MS)

  // It stands among what is over, whole.
  const told = shard.deployment(SHOP, 'k0')
  assert.deepEqual([told?.state, told?.conclusion, told?.prediction], ['finished', 'unknown', '{"p":0}'])
  assert.equal(shard.incident(SHOP, 'i0')?.state, 'firing')
  const open = shard.incidents({ ...ALL, severity: null, state: 'firing' }, 50_000, null).items
  assert.equal(shard.service(SHOP)?.openIncidents, open.length)
  assert.ok(open.every(({ startsAt }) => startsAt > 0))
  assert.equal(shard.deployments({ ...ALL, state: 'started' }, 50_000, null).items.at(-1)?.conclusion, null)
  assert.ok(shard.deployments({ ...ALL, conclusion: 'unknown' }, 50_000, null).items.length > 0)

  // Heard of again it runs, is open, and ends as if nothing had been.
  const step = { phase: 'step', occurredAt: newest, step: { key: 'a', name: 'a', kind: 'job', state: 'queued' } }
  const again = shard.applyDeployment(deployment({ key: 'k0', ...step }), LOGGED)
  assert.deepEqual(
    [again.opened, again.closed, again.record?.state, again.record?.conclusion],
    [false, false, 'started', null],
  )
  const ended = shard.applyDeployment(
    deployment({ key: 'k1', phase: 'finished', conclusion: 'success', occurredAt: newest }),
    LOGGED,
  )
  assert.deepEqual([ended.closed, ended.record?.conclusion, ended.record?.prediction], [true, 'success', '{"p":1}'])
  shard.applyIncident(incident({ key: 'i0', occurredAt: newest, startsAt: 0, description: NAME }), LOGGED)
  assert.equal(shard.service(SHOP)?.openIncidents, open.length + 1)
  shard.applyIncident(incident({ key: 'i1', phase: 'resolved', occurredAt: newest, startsAt: 0 }), LOGGED)
  assert.equal(shard.service(SHOP)?.openIncidents, open.length + 1)
})

test('what goes is counted by kind, moves with the shard, and a gap in the log counts as until when', async (t) => {
  const folder = join(temporary(t), 'snapshots')
  const engine = openEngine(sized(MIB))
  const shard = engine.createShard(0)
  for (let i = 0; i < 10_000; i++) {
    const fields = { key: `k${i}`, occurredAt: i * 1_000, name: NAME, phase: 'finished', conclusion: 'success' }
    shard.applyDeployment(deployment({ ...fields, subject: i % 10 === 0 ? 'deployment' : 'ci_run' }), LOGGED)
  }
  const runs = kindOf(shard, 'ci_runs_successful')
  assert.ok(runs.until !== null && runs.records > 500)
  const left: DeploymentRecord[] = []
  let cursor: string | null = null
  do {
    const page: Page<DeploymentRecord> = shard.deployments({ ...ALL, subject: 'ci_run' }, 1_000, cursor)
    left.push(...page.items)
    cursor = page.cursor
  } while (cursor !== null)
  assert.equal(left.length, 9_000 - runs.records)
  assert.equal(left.filter(({ listedAt }) => listedAt > (runs.until ?? 0)).length, left.length)
  assert.deepEqual(kindOf(shard, 'deployments'), { kind: 'deployments', records: 0, until: null })
  assert.equal(region(engine, 'deployment_history').evicted, runs.records)
  const reported = engine.memory().dropped.find(({ kind }) => kind === 'ci_runs_successful')
  assert.deepEqual(reported, { kind: 'ci_runs_successful', region: 'deployment_history', records: runs.records })

  shard.noteGap(['samples', 'ci_runs_successful'], 5)
  assert.deepEqual(kindOf(shard, 'samples'), { kind: 'samples', records: 0, until: 5 })
  assert.deepEqual(kindOf(shard, 'ci_runs_successful'), runs)
  const before = shard.dropped()
  await shard.snapshot(folder, 'w', {}, 0)
  shard.drop()
  const restored = await engine.restoreShard(0, folder, {})
  assert.deepEqual(restored.shard?.dropped(), before)
})

test('cleaning between events leaves them nothing to drop', () => {
  const engine = openEngine(sized(8 * MIB))
  const shard = engine.createShard(0)
  const run = (i: number) => {
    const fields = { key: `k${i}`, occurredAt: i * 1_000, name: NAME, phase: 'finished', conclusion: 'success' }
    shard.applyDeployment(deployment({ ...fields, subject: 'ci_run' }), LOGGED)
    return kindOf(shard, 'ci_runs_successful').records
  }
  assert.equal(engine.clean(1), false)
  let next = 0
  while (run(next++) === 0) assert.ok(next < 200_000, 'the region was never full')
  let slices = 0
  while (engine.clean(0.5)) assert.ok(++slices < 10_000)
  const dropped = kindOf(shard, 'ci_runs_successful').records
  assert.ok(dropped > 100)
  for (let i = 0; i < 200; i++) assert.equal(run(next + i), dropped)
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
      const fields = { key: `k${i}`, occurredAt: i * DAY_MS, name: NAME }
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
