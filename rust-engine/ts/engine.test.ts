import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import type { ShardDoor } from './door.ts'
import { openEngine } from './engine.ts'
import { ALL, SHOP, MIB, deployment, incident, open, sized, LOGGED } from './engineUnderTest.ts'
import { OptionsInvalid, RecordInvalid, ShardGone, ShardLoaded, SharedMemoryRefused, ShardUnknown } from './errors.ts'
import { ROLLING_FIELDS, ROLLING_WIDTH, TIMINGS_MAX } from './records.ts'

test('a deployment moves forward only, and its prediction is handed out with its outcome', () => {
  const shard = open().createShard(0)
  assert.deepEqual(pick(shard.applyDeployment(deployment({}), LOGGED)), { changed: true, opened: true, closed: false })
  assert.deepEqual(pick(shard.applyDeployment(deployment({}), LOGGED)), {
    changed: false,
    opened: false,
    closed: false,
  })
  assert.equal(shard.attachPrediction(SHOP, 'github:o/r/deployment/1', 1, '{"p":0.9}'), true)
  assert.equal(shard.attachPrediction(SHOP, 'github:o/r/deployment/1', 2, 'x'), false)
  assert.equal(shard.deployment(SHOP, 'github:o/r/deployment/1')?.prediction, '{"p":0.9}')

  const finished = shard.applyDeployment(
    deployment({ phase: 'finished', conclusion: 'success', occurredAt: 5_000 }),
    LOGGED,
  )
  assert.deepEqual(pick(finished), { changed: true, opened: false, closed: true })
  assert.equal(finished.record?.prediction, '{"p":0.9}')
  assert.equal(shard.deployment(SHOP, 'github:o/r/deployment/1')?.prediction, null)

  const late = shard.applyDeployment(deployment({ phase: 'started', occurredAt: 2_000 }), LOGGED)
  assert.deepEqual([late.changed, late.record?.startedAt, late.record?.state], [true, 2_000, 'finished'])
  for (const conclusion of ['inactive', 'failure'])
    assert.equal(
      shard.applyDeployment(deployment({ phase: 'finished', conclusion, occurredAt: 9_000 }), LOGGED).changed,
      false,
    )
  const rolledBack = shard.applyDeployment(deployment({ phase: 'rolled_back', occurredAt: 9_000 }), LOGGED)
  assert.deepEqual([rolledBack.record?.state, rolledBack.record?.conclusion], ['rolled_back', 'success'])

  const again = shard.applyDeployment(deployment({ attempt: 2, phase: 'started', occurredAt: 10_000 }), LOGGED)
  assert.deepEqual([again.opened, again.record?.state, again.record?.conclusion], [true, 'started', null])
  assert.equal(shard.applyDeployment(deployment({ attempt: 1, phase: 'rolled_back' }), LOGGED).changed, false)
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
      LOGGED,
    )
  const first = step('a', 'in_progress', null)
  assert.deepEqual([first.opened, first.closed, first.record?.state], [true, false, 'requested'])
  step('b', 'completed', 'failure')
  step('b', 'queued', null)
  assert.deepEqual(step('a', 'completed', 'success').record?.steps, { total: 2, completed: 2, failed: 1 })
  assert.equal(shard.deployment(SHOP, 'run')?.conclusion, null)

  const whole = shard.applyDeployment(deployment({ key: 'other', phase: 'finished', conclusion: 'failure' }), LOGGED)
  assert.deepEqual(pick(whole), { changed: true, opened: true, closed: true })
  assert.deepEqual(
    shard.services(10, null).items.map((s) => [s.deployments, s.ciRuns]),
    [[1, 1]],
  )
})

test('a deployment tells the time by which it is listed: started, else requested, else its earliest event', () => {
  const shard = open().createShard(0)
  const told: number[] = []
  for (const [phase, occurredAt] of [
    ['step', 9_000],
    ['step', 8_000],
    ['requested', 7_000],
    ['started', 7_500],
  ] as const) {
    const step = phase === 'step' ? { key: 'a', name: 'a', kind: 'job', state: 'queued' } : null
    const { record } = shard.applyDeployment(deployment({ phase, occurredAt, step }), LOGGED)
    const at = record?.listedAt ?? NaN
    told.push(at)
    const listed = (from: number, to: number) => shard.deployments({ ...ALL, from, to }, 9, null).items.length
    assert.deepEqual([listed(at, at + 1), listed(at + 1, at + 9_000), listed(0, at)], [1, 0, 0])
  }
  assert.deepEqual(told, [9_000, 8_000, 7_000, 7_500])
})

test('a change is kept by service and commit', () => {
  const shard = open().createShard(0)
  const change = {
    ...Object.fromEntries(CHANGE_FIELDS.map((name) => [name, null])),
    linesAdded: 12,
    fileTypes: 'ts md',
  }
  const pushed = { subject: 'change', phase: 'changed', key: 'c', sha: 'abc', change }
  const told = shard.applyDeployment(deployment(pushed), LOGGED)
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
      LOGGED,
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
  shard.applyIncident(incident({}), LOGGED)
  assert.equal(shard.service('production/shop')?.openIncidents, 1)
  shard.applyIncident(incident({ phase: 'acknowledged', occurredAt: 1_500 }), LOGGED)
  assert.equal(
    shard.applyIncident(incident({ phase: 'resolved', occurredAt: 2_000, endsAt: 1_900 }), LOGGED).record.endsAt,
    1_900,
  )
  assert.equal(shard.applyIncident(incident({ phase: 'firing', occurredAt: 900 }), LOGGED).changed, false)
  const record = shard.incident(SHOP, 'alertmanager:1')
  assert.deepEqual([record?.state, record?.acknowledgedAt, record?.labels], ['resolved', 1_500, { alertname: 'Slow' }])
  assert.equal(shard.service('production/shop')?.openIncidents, 0)
  const filter = {
    service: null,
    environment: 'production',
    state: 'resolved',
    severity: null,
    from: null,
    to: null,
    at: null,
  } as const
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

test('timings come back newest first, as many as are kept and as there is room for', () => {
  const shard = open().createShard(0)
  assert.equal(shard.timingsRead('scope', new Float64Array(9)), 0)
  for (let i = 0; i < TIMINGS_MAX + 20; i++) shard.timingsAdd('scope', i, Float64Array.of(i, 0.5))
  const out = new Float64Array(2 * TIMINGS_MAX + 8).fill(-1)
  assert.equal(shard.timingsRead('scope', out), TIMINGS_MAX)
  assert.deepEqual([...out.slice(0, 4)], [TIMINGS_MAX + 19, 0.5, TIMINGS_MAX + 18, 0.5])
  assert.deepEqual([...out.slice(2 * TIMINGS_MAX - 2, 2 * TIMINGS_MAX + 2)], [20, 0.5, -1, -1])
  assert.equal(shard.timingsRead('scope', new Float64Array(5)), 2)
  for (const row of [Float64Array.of(1), Float64Array.of(1, NaN), new Float64Array(65)])
    assert.throws(
      () => {
        shard.timingsAdd('scope', 1, row)
      },
      (error) => error instanceof RecordInvalid && error.field === 'row',
    )
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
      const last5 = known.slice(-5).sort((a, b) => a - b)
      const [low, high] = [last5[Math.ceil(last5.length / 2) - 1] ?? NaN, last5[Math.floor(last5.length / 2)] ?? NaN]
      close(field('recentMedianS'), (low + high) / 2)
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
  assert.throws(() => shard.applyDeployment('{', LOGGED), RecordInvalid)
  assert.throws(
    () => shard.applyDeployment(deployment({ phase: 'changed' }), LOGGED),
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
          (json: string) => shard.applyDeployment(json, LOGGED),
          (json: string) => shard.applyIncident(json, LOGGED),
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

test('an attempt that a later one overtook keeps its prediction until it ends; one more gives it up', () => {
  const shard = open().createShard(0)
  const tell = (attempt: number, phase: string, occurredAt: number, conclusion: string | null = null) =>
    shard.applyDeployment(deployment({ attempt, phase, occurredAt, conclusion }), LOGGED)
  const key = 'github:o/r/deployment/1'
  tell(1, 'requested', 1_000)
  shard.attachPrediction(SHOP, key, 1, 'one')
  assert.equal(tell(2, 'requested', 2_000).opened, true)
  shard.attachPrediction(SHOP, key, 2, 'two')
  assert.equal(shard.attachPrediction(SHOP, key, 1, 'one again'), true)
  tell(1, 'started', 1_500)
  const late = tell(1, 'finished', 3_000, 'failure')
  assert.deepEqual(pick(late), { changed: true, opened: false, closed: true })
  const { attempt, conclusion, prediction, startedAt, finishedAt } = late.record ?? {}
  assert.deepEqual([attempt, conclusion, prediction, startedAt, finishedAt], [1, 'failure', 'one again', 1_500, 3_000])
  assert.deepEqual(pick(tell(1, 'finished', 3_000, 'failure')), { changed: false, opened: false, closed: false })
  assert.deepEqual([shard.deployment(SHOP, key)?.attempt, shard.deployment(SHOP, key)?.prediction], [2, 'two'])

  const third = tell(3, 'requested', 4_000)
  assert.equal(third.givenUp, null)
  tell(3, 'finished', 5_000, 'success')
  assert.equal(tell(4, 'requested', 6_000).givenUp, null)
  const fifth = tell(5, 'requested', 7_000)
  assert.deepEqual([fifth.givenUp?.attempt, fifth.givenUp?.prediction], [2, 'two'])
})

test('an attempt that is rolled back before its conclusion has ended, once', () => {
  const shard = open().createShard(0)
  shard.applyDeployment(deployment({ phase: 'started' }), LOGGED)
  shard.attachPrediction(SHOP, 'github:o/r/deployment/1', 1, 'one')
  const rolledBack = shard.applyDeployment(deployment({ phase: 'rolled_back', occurredAt: 2_000 }), LOGGED)
  assert.deepEqual([rolledBack.closed, rolledBack.record?.prediction], [true, 'one'])
  assert.equal(shard.deployment(SHOP, 'github:o/r/deployment/1')?.prediction, null)
  const late = shard.applyDeployment(
    deployment({ phase: 'finished', conclusion: 'failure', occurredAt: 3_000 }),
    LOGGED,
  )
  assert.deepEqual([late.closed, late.record?.conclusion, late.record?.state], [false, 'failure', 'rolled_back'])
})

test('2 GiB are mapped and hardly any of it is resident', () => {
  const before = process.memoryUsage.rss()
  const engine = openEngine({ ...sized(256 * MIB) })
  engine.createShard(0).applyDeployment(deployment({}), LOGGED)
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

test('the same key in two services is two deployments and two incidents, also for their predictions and lists', () => {
  const shard = open().createShard(0)
  const OTHER = 'production/other'
  const key = 'ci:build/1'
  for (const service of [SHOP, OTHER]) {
    assert.ok(shard.applyDeployment(deployment({ service, key, phase: 'started' }), LOGGED).opened)
    assert.ok(shard.attachPrediction(service, key, 1, service))
    assert.ok(shard.applyIncident(incident({ service, key }), LOGGED).changed)
  }
  const ended = shard.applyDeployment(
    deployment({ service: OTHER, key, phase: 'finished', conclusion: 'failure' }),
    LOGGED,
  )
  assert.deepEqual([ended.closed, ended.record?.service, ended.record?.prediction], [true, OTHER, OTHER])
  assert.equal(shard.applyIncident(incident({ service: OTHER, key, phase: 'resolved' }), LOGGED).record.service, OTHER)
  assert.deepEqual([shard.deployment(SHOP, key)?.state, shard.deployment(SHOP, key)?.prediction], ['started', SHOP])
  assert.deepEqual([shard.incident(SHOP, key)?.state, shard.incident(OTHER, key)?.state], ['firing', 'resolved'])
  assert.equal(shard.deployment('production/none', key), null)
  assert.deepEqual([shard.service(SHOP)?.openIncidents, shard.service(OTHER)?.openIncidents], [1, 0])
  assert.deepEqual([shard.service(SHOP)?.deployments, shard.service(OTHER)?.deployments], [1, 1])

  const servicesOf = (records: readonly { service: string }[]) => records.map(({ service }) => service)
  assert.deepEqual(servicesOf(shard.incidentsWithKey(key, 9)), [SHOP, OTHER], 'open ones first')
  assert.deepEqual(servicesOf(shard.incidentsWithKey(key, 1)), [SHOP])
  assert.deepEqual(shard.incidentsWithKey('ci:build', 9), [])
  assert.deepEqual(new Set(servicesOf(shard.deployments(ALL, 9, null).items)), new Set([SHOP, OTHER]))
  assert.deepEqual(servicesOf(shard.deployments({ ...ALL, service: OTHER }, 9, null).items), [OTHER])
  assert.deepEqual(servicesOf(shard.incidents({ ...ALL, severity: null, state: null, service: SHOP }, 9, null).items), [
    SHOP,
  ])
})

test('names as long as they may be are kept apart and listed page by page', () => {
  const shard = open().createShard(0)
  const long = (end: number) => `production/${'s'.repeat(244)}${end}`
  const key = (end: number) => `ci:${'k'.repeat(600)}${end}`
  for (let i = 0; i < 4; i++) {
    const at = { service: long(i % 2), key: key(i >> 1), occurredAt: 1_000, startsAt: 1_000 }
    shard.applyDeployment(deployment(at), LOGGED)
    shard.applyIncident(incident(at), LOGGED)
  }
  const seen = new Set<string>()
  let cursor: string | null = null
  do {
    const page = shard.deployments(ALL, 1, cursor)
    for (const record of page.items) seen.add(`${record.service} ${record.key}`)
    cursor = page.cursor
  } while (cursor !== null)
  assert.equal(seen.size, 4)
  assert.equal(shard.incidentsWithKey(key(0), 9).length, 2)
  assert.equal(shard.incidents({ ...ALL, severity: null, state: null, service: long(1) }, 9, null).items.length, 2)
})
