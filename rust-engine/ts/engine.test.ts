import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import type { ShardDoor } from './door.ts'
import { openEngine } from './engine.ts'
import {
  OptionsInvalid,
  PoolFull,
  RecordInvalid,
  ShardGone,
  ShardLoaded,
  SharedMemoryRefused,
  ShardUnknown,
  SnapshotKeyInvalid,
  SnapshotKeyWrong,
} from './errors.ts'
import { ROLLING_FIELDS, ROLLING_WIDTH, type DeploymentFilter, type EngineOptions } from './records.ts'

const MIB = 1024 * 1024
const ALL: DeploymentFilter = {
  subject: null,
  service: null,
  environment: null,
  state: null,
  conclusion: null,
  from: null,
  to: null,
}

const sized = (unit: number): EngineOptions => ({
  poolBytes: 8 * unit,
  quotaBytes: {
    infrastructure_state: 4 * unit,
    deployment_history: 2 * unit,
    incident_database: unit,
    active_operations: unit,
  },
  borrowBytesMax: {
    infrastructure_state: unit,
    deployment_history: unit,
    incident_database: unit,
    active_operations: unit,
  },
  shards: 12,
})
const open = (options: Partial<EngineOptions> = {}) => openEngine({ ...sized(8 * MIB), ...options })

const deployment = (fields: object): string =>
  JSON.stringify({
    id: 'e',
    occurredAt: 1_000,
    receivedAt: 1_000,
    source: 'github',
    service: 'production/shop',
    environment: 'production',
    trace: null,
    subject: 'deployment',
    phase: 'requested',
    key: 'github:o/r/deployment/1',
    attempt: 1,
    conclusion: null,
    name: null,
    workflow: null,
    repository: null,
    branch: null,
    sha: null,
    actor: null,
    trigger: null,
    pullRequest: null,
    change: null,
    step: null,
    links: [],
    backfilled: false,
    ...fields,
  })

const incident = (fields: object): string =>
  JSON.stringify({
    id: 'i',
    occurredAt: 1_000,
    receivedAt: 1_000,
    source: 'alertmanager',
    service: 'production/shop',
    environment: 'production',
    trace: null,
    phase: 'firing',
    key: 'alertmanager:1',
    title: 'Slow',
    severity: 'critical',
    summary: 's',
    description: 'd',
    labels: { alertname: 'Slow' },
    annotations: {},
    startsAt: 900,
    endsAt: null,
    generatorUrl: null,
    ...fields,
  })

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  return folder
}

test('a deployment moves forward only, and its prediction is handed out with its outcome', () => {
  const shard = open().createShard(0)
  assert.deepEqual(pick(shard.applyDeployment(deployment({}))), { changed: true, opened: true, closed: false })
  assert.deepEqual(pick(shard.applyDeployment(deployment({}))), { changed: false, opened: false, closed: false })
  assert.equal(shard.attachPrediction('github:o/r/deployment/1', 1, '{"p":0.9}'), true)
  assert.equal(shard.attachPrediction('github:o/r/deployment/1', 2, 'x'), false)
  assert.equal(shard.deployment('github:o/r/deployment/1')?.prediction, '{"p":0.9}')

  const finished = shard.applyDeployment(deployment({ phase: 'finished', conclusion: 'success', occurredAt: 5_000 }))
  assert.deepEqual(pick(finished), { changed: true, opened: false, closed: true })
  assert.equal(finished.record?.prediction, '{"p":0.9}')
  assert.equal(shard.deployment('github:o/r/deployment/1')?.prediction, null)

  const late = shard.applyDeployment(deployment({ phase: 'started', occurredAt: 2_000 }))
  assert.deepEqual([late.changed, late.record?.startedAt, late.record?.state], [true, 2_000, 'finished'])
  for (const conclusion of ['inactive', 'failure'])
    assert.equal(shard.applyDeployment(deployment({ phase: 'finished', conclusion, occurredAt: 9_000 })).changed, false)
  const rolledBack = shard.applyDeployment(deployment({ phase: 'rolled_back', occurredAt: 9_000 }))
  assert.deepEqual([rolledBack.record?.state, rolledBack.record?.conclusion], ['rolled_back', 'success'])

  const again = shard.applyDeployment(deployment({ attempt: 2, phase: 'started', occurredAt: 10_000 }))
  assert.deepEqual([again.opened, again.record?.state, again.record?.conclusion], [true, 'started', null])
  assert.equal(shard.applyDeployment(deployment({ attempt: 1, phase: 'rolled_back' })).changed, false)
})

const pick = ({ changed, opened, closed }: ReturnType<ShardDoor['applyDeployment']>) => ({ changed, opened, closed })

test('the first event of an attempt opens it whatever its phase; steps never end it', () => {
  const shard = open().createShard(0)
  const step = (key: string, state: string, conclusion: string | null) =>
    shard.applyDeployment(
      deployment({
        phase: 'step',
        key: 'run',
        subject: 'ci_run',
        conclusion,
        step: { key, name: key, kind: 'job', state },
      }),
    )
  const first = step('a', 'in_progress', null)
  assert.deepEqual([first.opened, first.closed, first.record?.state], [true, false, 'requested'])
  step('b', 'completed', 'failure')
  step('b', 'queued', null)
  assert.deepEqual(step('a', 'completed', 'success').record?.steps, { total: 2, completed: 2, failed: 1 })
  assert.equal(shard.deployment('run')?.conclusion, null)

  const whole = shard.applyDeployment(deployment({ key: 'other', phase: 'finished', conclusion: 'failure' }))
  assert.deepEqual(pick(whole), { changed: true, opened: true, closed: true })
  assert.deepEqual(
    shard.services(10, null).items.map((s) => [s.deployments, s.ciRuns]),
    [[1, 1]],
  )
})

test('a change is kept by service and commit', () => {
  const shard = open().createShard(0)
  const change = {
    ...Object.fromEntries(CHANGE_FIELDS.map((name) => [name, null])),
    linesAdded: 12,
    fileTypes: 'ts md',
  }
  const pushed = { subject: 'change', phase: 'changed', key: 'c', sha: 'abc', change }
  const told = shard.applyDeployment(deployment(pushed))
  assert.deepEqual([told.changed, told.opened, told.record], [true, false, null])
  assert.deepEqual(shard.changeOf('production/shop', 'abc'), change)
  assert.equal(shard.changeOf('production/shop', 'abd'), null)
})
const CHANGE_FIELDS = [
  'filesAdded',
  'filesDeleted',
  'filesModified',
  'linesAdded',
  'linesDeleted',
  'srcFiles',
  'docFiles',
  'otherFiles',
  'dockerfileChanged',
  'composeChanged',
  'fileTypes',
]

test('lists are newest first and their cursors visit every record once', () => {
  const shard = open().createShard(0)
  const wanted: string[] = []
  for (let i = 0; i < 57; i++) {
    const done = i % 3 === 0
    const fields = done ? { phase: 'finished', conclusion: 'success' } : { phase: 'started' }
    shard.applyDeployment(
      deployment({ key: `k${i}`, service: `production/s${i % 2}`, occurredAt: 1_000 + i, ...fields }),
    )
    if (i % 2 === 1) wanted.unshift(`k${i}`)
  }
  const filter = { ...ALL, service: 'production/s1' }
  const seen: string[] = []
  let cursor: string | null = null
  do {
    const page = shard.deployments(filter, 4, cursor)
    seen.push(...page.items.map((item) => item.key))
    cursor = page.cursor
  } while (cursor !== null)
  assert.deepEqual(seen, wanted)
  const window = shard.deployments({ ...ALL, from: 1_010, to: 1_013 }, 100, null)
  assert.deepEqual(
    window.items.map((item) => item.key),
    ['k12', 'k11', 'k10'],
  )
  assert.equal(shard.deployments({ ...ALL, state: 'finished' }, 100, null).items.length, 19)
  assert.throws(() => shard.deployments(ALL, 10, 'no cursor'), RecordInvalid)
})

test('incidents resolve once and stay resolved; open ones are counted', () => {
  const shard = open().createShard(0)
  shard.applyIncident(incident({}))
  assert.equal(shard.service('production/shop')?.openIncidents, 1)
  shard.applyIncident(incident({ phase: 'acknowledged', occurredAt: 1_500 }))
  assert.equal(
    shard.applyIncident(incident({ phase: 'resolved', occurredAt: 2_000, endsAt: 1_900 })).record.endsAt,
    1_900,
  )
  assert.equal(shard.applyIncident(incident({ phase: 'firing', occurredAt: 900 })).changed, false)
  const record = shard.incident('alertmanager:1')
  assert.deepEqual([record?.state, record?.acknowledgedAt, record?.labels], ['resolved', 1_500, { alertname: 'Slow' }])
  assert.equal(shard.service('production/shop')?.openIncidents, 0)
  const filter = { service: null, environment: 'production', state: 'resolved', from: null, to: null } as const
  assert.equal(shard.incidents(filter, 10, null).items.length, 1)
})

test('the newest telling of a resource holds and a deleted one stays away', () => {
  const shard = open().createShard(0)
  const tell = (occurredAt: number, fields: object) =>
    shard.applyInfrastructure(
      JSON.stringify({
        occurredAt,
        service: 'production/shop',
        environment: 'production',
        resource: 'workload/a/b',
        kind: 'workload',
        deleted: false,
        attributes: { image: 'x' },
        quantities: { replicas: occurredAt },
        ...fields,
      }),
    ).changed
  assert.deepEqual([tell(5, {}), tell(4, {}), tell(6, {})], [true, false, true])
  assert.deepEqual(
    shard.resources('production/shop', 9).map((r) => r.quantities['replicas']),
    [6],
  )
  tell(8, { deleted: true })
  assert.equal(tell(7, {}), false)
  assert.deepEqual(shard.resources('production/shop', 9), [])
})

test('rolling fields equal a plain calculation', () => {
  const outcome = fc.record({
    gap: fc.integer({ min: 0, max: 1e6 }),
    failed: fc.boolean(),
    seconds: fc.option(fc.integer({ min: 0, max: 9_000 }), { nil: NaN }),
  })
  fc.assert(
    fc.property(fc.array(outcome, { minLength: 1, maxLength: 60 }), (outcomes) => {
      const shard = open().createShard(0)
      let at = 1e12
      const times = outcomes.map(({ gap, failed, seconds }) => {
        at += gap
        shard.rollingAdd(['scope', 'other'], at, failed, seconds)
        return at
      })
      const out = new Float64Array(2 * ROLLING_WIDTH)
      shard.rollingRead(['scope', 'unknown'], at + 500, out)
      const field = (name: (typeof ROLLING_FIELDS)[number]) => out[ROLLING_FIELDS.indexOf(name)] ?? NaN
      const decayed = (halfLife: number, of: (o: (typeof outcomes)[number]) => number) =>
        outcomes.reduce((sum, o) => sum * 2 ** (-1 / halfLife) + of(o), 0)
      const close = (got: number, wanted: number) => {
        assert.ok(
          Object.is(got, wanted) || Math.abs(got - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted)),
          `${got} ${wanted}`,
        )
      }
      close(field('count'), outcomes.length)
      close(field('failures'), outcomes.filter((o) => o.failed).length)
      close(
        field('fastFailures'),
        decayed(5, (o) => Number(o.failed)),
      )
      close(
        field('slowCount'),
        decayed(40, () => 1),
      )
      close(field('sinceLastMs'), 500)
      const lastFailure = times[outcomes.findLastIndex((o) => o.failed)]
      close(field('sinceFailureMs'), lastFailure === undefined ? NaN : at + 500 - lastFailure)
      const lasts = outcomes.map((o) => Number(o.failed))
      close(field('lastFailed'), lasts.at(-1) ?? NaN)
      close(field('previousFailed'), lasts.at(-2) ?? NaN)
      const other = lasts.findLastIndex((failed) => failed !== lasts.at(-1))
      close(field('streak'), (lasts.length - 1 - other) * (lasts.at(-1) === 1 ? -1 : 1))
      const known = outcomes.map((o) => o.seconds).filter((s) => !Number.isNaN(s))
      const weights = known.map((_, i) => 2 ** (-(known.length - 1 - i) / 10))
      const total = weights.reduce((a, b) => a + b, 0)
      const mean = known.reduce((sum, s, i) => sum + Math.log1p(s) * (weights[i] ?? 0), 0) / total
      const variance = known.reduce((sum, s, i) => sum + (Math.log1p(s) - mean) ** 2 * (weights[i] ?? 0), 0) / total
      close(field('meanLogDuration'), mean)
      close(field('varLogDuration'), variance)
      const last20 = known.slice(-20).sort((a, b) => a - b)
      const half = last20.length / 2
      const median = ((last20[Math.ceil(half) - 1] ?? NaN) + (last20[Math.floor(half)] ?? NaN)) / 2
      close(field('medianDurationS'), median)
      close(field('durations'), last20.length)
      assert.deepEqual(
        [...out.subarray(ROLLING_WIDTH)].filter((x) => !Number.isNaN(x)),
        [0, 0],
      )
    }),
    { numRuns: 40 },
  )
})

test('errors come by name: options, shards, handles, shared memory, malformed events', () => {
  assert.throws(() => open({ poolBytes: 4096 }), OptionsInvalid)
  const engine = open()
  const shard = engine.createShard(3)
  assert.throws(() => engine.createShard(3), ShardLoaded)
  assert.throws(() => engine.createShard(12), ShardUnknown)
  assert.throws(() => shard.applyDeployment('{'), RecordInvalid)
  assert.throws(
    () => shard.applyDeployment(deployment({ phase: 'changed' })),
    (error) => error instanceof RecordInvalid && error.field === 'phase' && !error.retryable,
  )
  assert.throws(() => {
    shard.rollingRead(['a'], 0, new Float64Array(new SharedArrayBuffer(1024)))
  }, SharedMemoryRefused)
  assert.throws(() => {
    shard.rollingRead(['a'], 0, new Float64Array(3))
  }, RecordInvalid)
  shard.drop()
  engine.createShard(3)
  assert.throws(() => shard.stateHash(), ShardGone)
})

test('any text instead of an event is refused or applied, never a crash', () => {
  const shard = open().createShard(0)
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((json) => deployment({ links: json })),
      ),
      (text) => {
        const doors = [
          (json: string) => shard.applyDeployment(json),
          (json: string) => shard.applyIncident(json),
          (json: string) => shard.applyInfrastructure(json),
        ]
        for (const apply of doors)
          try {
            apply(text)
          } catch (error) {
            assert.ok(error instanceof RecordInvalid, String(error))
          }
      },
    ),
    { numRuns: 300 },
  )
})

test('a full history lets old successful runs go first; what runs stays; then the pool is full with figures', () => {
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
    )
  shard.applyDeployment(deployment({ key: 'kept', phase: 'finished', conclusion: 'success' }))
  run(0, { conclusion: 'failure' })
  let runs = 1
  const history = () => engine.memory().regions.find((region) => region.region === 'deployment_history')
  while ((history()?.evicted ?? 0) < 100 && runs < 50_000) run(runs++, { conclusion: 'success' })
  assert.ok(runs < 50_000, 'the region was never full')
  assert.equal(shard.deployment('run1'), null)
  assert.notEqual(shard.deployment('run0'), null)
  assert.notEqual(shard.deployment('kept'), null)
  assert.notEqual(shard.deployment(`run${runs - 1}`), null)
  assert.ok((history()?.borrowedBytes ?? 0) > 0)

  let running = 0
  const fill = () => {
    for (; running < 50_000; running++)
      shard.applyDeployment(deployment({ key: `live${running}`, phase: 'started', name: 'n'.repeat(300) }))
  }
  assert.throws(fill, (error) => error instanceof PoolFull && error.region === 'active_operations')
  assert.notEqual(shard.deployment('live0'), null)
  shard.drop()
  assert.equal(engine.memory().usedBytes, 0)
})

test('snapshot, drop, restore: the same state, the same answers', async (t) => {
  const folder = join(temporary(t), 'snapshots')
  const engine = open()
  const shard = engine.createShard(4)
  for (let i = 0; i < 300; i++)
    shard.applyDeployment(
      deployment({ key: `k${i}`, phase: i % 2 ? 'started' : 'finished', conclusion: i % 2 ? null : 'failure' }),
    )
  shard.applyIncident(incident({ description: 'long '.repeat(3_000) }))
  shard.rollingAdd(['scope'], 5, true, 3)
  shard.attachPrediction('k1', 1, 'p')
  const hash = shard.stateHash()
  const writing = shard.snapshot(folder, 'w1', { 'devops.deployments': '300', 'devops.ticks': '7' }, 1234)
  shard.applyDeployment(deployment({ key: 'after' }))
  const info = await writing
  assert.equal(info.stateHash, hash, 'state as at the call')
  assert.equal(statSync(join(folder, '..', 'keys', 'snapshot.key')).mode & 0o777, 0o600)
  shard.drop()
  assert.equal(engine.memory().usedBytes, 0)

  assert.equal(await engine.restoreShard(4, folder, { 'devops.deployments': '299', 'devops.ticks': '7' }), null)
  assert.equal(await engine.restoreShard(5, folder, {}), null)
  const restored = await engine.restoreShard(4, folder, { 'devops.deployments': '400', 'devops.ticks': '8' })
  assert.ok(restored)
  assert.deepEqual(restored.info, info)
  assert.equal(restored.shard.stateHash(), hash)
  assert.equal(restored.shard.deployment('k1')?.prediction, 'p')
  assert.equal(restored.shard.deployment('after'), null)
  assert.equal(restored.shard.incident('alertmanager:1')?.description.length, 15_000)
  assert.equal(restored.shard.deployments({ ...ALL, state: 'finished' }, 1_000, null).items.length, 150)
  restored.shard.applyDeployment(deployment({ key: 'after' }))
  const elsewhere = await open().restoreShard(4, folder, { 'devops.deployments': '400', 'devops.ticks': '8' })
  assert.equal(elsewhere?.shard.stateHash(), hash)
})

test('damaged snapshots are skipped with their reason and the older one is used', async (t) => {
  const folder = join(temporary(t), 'snapshots')
  const engine = open()
  const shard = engine.createShard(0)
  const hashes: string[] = []
  for (let i = 1; i <= 3; i++) {
    shard.applyDeployment(deployment({ key: `k${i}` }))
    hashes.push(shard.stateHash())
    await shard.snapshot(folder, 'w', { 'devops.deployments': String(i) }, i)
  }
  const files = readdirSync(folder).sort()
  assert.equal(files.length, 2, 'the last two are kept')
  const newest = join(folder, files.at(-1) ?? '')
  const bytes = readFileSync(newest)
  const restore = () => open().restoreShard(0, folder, { 'devops.deployments': '9' })
  assert.equal((await restore())?.shard.stateHash(), hashes[2])
  for (const at of [9, 17, 33, 80, bytes.length >> 1, bytes.length - 1]) {
    const file = openSync(newest, 'r+')
    writeSync(file, Buffer.of((bytes[at] ?? 0) ^ 1), 0, 1, at)
    closeSync(file)
    const restored = await restore()
    assert.equal(restored?.shard.stateHash(), hashes[1], `flipped a bit at ${at}`)
    assert.equal(restored?.refused.length, 1)
    const mend = openSync(newest, 'r+')
    writeSync(mend, bytes, 0, bytes.length, 0)
    closeSync(mend)
  }
  for (const length of [0, 20, 100, bytes.length - 1]) {
    const file = openSync(newest, 'w')
    writeSync(file, bytes, 0, length, 0)
    closeSync(file)
    assert.equal((await restore())?.shard.stateHash(), hashes[1], `cut at ${length}`)
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

test('2 GiB are mapped and hardly any of it is resident', () => {
  const before = process.memoryUsage.rss()
  const engine = openEngine({ ...sized(256 * MIB) })
  engine.createShard(0).applyDeployment(deployment({}))
  assert.equal(engine.memory().poolBytes, 2_147_483_648)
  assert.ok(process.memoryUsage.rss() - before < 64 * MIB)
})

test('the addon works in worker threads, also when only those loaded it', async () => {
  const source = `
    import { parentPort } from 'node:worker_threads'
    const { openEngine } = await import(${JSON.stringify(new URL('./engine.ts', import.meta.url).href)})
    const shard = openEngine(${JSON.stringify(sized(MIB))}).createShard(1)
    shard.rollingAdd(['a'], 1, true, 2)
    parentPort.postMessage(shard.stateHash())`
  const hash = () => {
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`))
    return Promise.all([once(worker, 'message'), once(worker, 'exit')])
  }
  const [[first, exit], [second]] = await Promise.all([hash(), hash()])
  assert.deepEqual(exit, [0])
  assert.deepEqual(first, second)
})
