import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Registry } from 'prom-client'
import type { Codec } from '../../runtime/kafka/codec.ts'
import { RegistryUnavailable } from '../../runtime/kafka/schemaRegistry.ts'
import { OutcomeUnknown, TransactorFenced } from '../../runtime/kafka/transactorErrors.ts'
import { createLog } from '../../runtime/telemetry/log.ts'
import { openEngine } from '../../rust-engine/ts/engine.ts'
import { PoolFull } from '../../rust-engine/ts/errors.ts'
import type { DroppedKind } from '../../rust-engine/ts/records.ts'
import type { LedgerEntry } from '../../schemas/generated/events.ts'
import { INPUT_TOPICS } from '../../schemas/topics.ts'
import type { Handler } from './handlers.ts'
import { KafkaUnderTest, keysOf } from './kafkaUnderTest.ts'
import { Pipeline } from './pipeline.ts'
import { createPipelineTelemetry } from './telemetry.ts'

const MIB = 1024 ** 2
const SHARD = 4
const TOPIC = 'devops.deployments'
const quotaBytes = {
  infrastructure_state: MIB,
  deployment_history: MIB,
  incident_database: MIB,
  active_operations: MIB,
}

/** One outcome in the state and one signal for each record, whose value is its key. */
function running(t: TestContext, codecParts: Partial<Codec> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'pipeline-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  const kafka = new KafkaUnderTest(SHARD)
  const registry = new Registry()
  const applied: string[] = []
  const rescored: string[] = []
  const fatal: unknown[] = []
  /** Thrown by the handler between its two calls of the engine. */
  const trouble: Error[] = []
  const apply: Handler<{ readonly text: string }> = (event, _position, door, phase) => {
    door.rollingAdd([event.text], 1, false, 1)
    const error = trouble.shift()
    if (error !== undefined) throw error
    door.rollingAdd(['all'], 1, false, 1)
    applied.push(`${event.text} ${phase}`)
    return [{ topic: 'devops.signals', partition: SHARD, key: event.text, value: {} as never }]
  }
  const pipeline = new Pipeline({
    kafka,
    groupId: 'g',
    instance: 'i',
    codec: {
      encode: () => Buffer.alloc(1),
      decode: (_topic: unknown, bytes: Buffer) => ({ text: bytes.toString() }),
      prepare: () => Promise.resolve(),
      ...codecParts,
    },
    engine: openEngine({ poolBytes: 4 * MIB, quotaBytes, borrowBytesMax: quotaBytes, shards: 12 }),
    snapshotFolder: folder,
    snapshotIntervalMs: 1e9,
    handlers: Object.fromEntries(INPUT_TOPICS.map((topic) => [topic, apply])) as never,
    reattach: () => undefined,
    rescore: ({ id }) => rescored.push(id),
    telemetry: createPipelineTelemetry(registry, createLog('consumer', 'silent')),
    now: () => 0,
    onVisible: () => undefined,
    onChange: () => undefined,
    onFatal: (cause) => fatal.push(cause),
  })
  const count = (scope: string): number => {
    const out = new Float64Array(64)
    pipeline.shard(SHARD)?.doorOpen.rollingRead([scope], 2, out)
    return out[0] ?? 0
  }
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    const deadline = performance.now() + 10_000
    while (!holds()) {
      assert.ok(performance.now() < deadline, `never: ${what}`)
      await setImmediate()
    }
  }
  const drops = async (): Promise<string[]> => {
    const metric = await registry.getSingleMetric('devops_shard_drops_total')?.get()
    return (metric?.values ?? []).map(({ labels }) => String(labels['reason']))
  }
  const state = () => pipeline.shard(SHARD)?.state ?? 'none'
  const assign = async (): Promise<void> => {
    kafka.group.onAssigned([SHARD])
    await until('restored', () => state() === 'live' || state() === 'replaying')
  }
  const beat = (): void => {
    kafka.group.onHeartbeat()
  }
  return { kafka, pipeline, applied, rescored, fatal, trouble, count, until, drops, state, assign, beat }
}

test('fenced: lost at once, kept away from for one heartbeat, restored from the commits after two', async (t) => {
  const { kafka, applied, count, until, drops, state, assign, beat } = running(t)
  await assign()
  kafka.script.push(Promise.resolve(), new TransactorFenced('t', new Error('epoch')))
  await kafka.deliver(TOPIC, 0n, ['a'])
  await until('a is committed', () => kafka.committed.get(TOPIC) === 1n)
  await kafka.deliver(TOPIC, 1n, ['b'])
  await until('lost', () => state() === 'lost')
  assert.deepEqual([await drops(), kafka.fetched.size], [['fenced'], 0])
  assert.ok(kafka.transactors[0]?.isClosed)

  beat()
  assert.equal(state(), 'lost')
  beat()
  kafka.ends.set(TOPIC, { low: 0n, high: 2n })
  await until('replaying', () => state() === 'replaying')
  assert.equal(kafka.transactors.length, 2)
  assert.equal(kafka.fetched.get(TOPIC), 0n)
  assert.equal(await kafka.deliver(TOPIC, 0n, ['a', 'b']), 1n, 'the replay stops at the commit')
  await until('live', () => state() === 'live')
  await kafka.deliver(TOPIC, 1n, ['b'])
  await until('b is committed', () => kafka.committed.get(TOPIC) === 2n)
  assert.deepEqual(applied, ['a live', 'b live', 'a replay', 'b live'])
  assert.deepEqual(kafka.transactors[1]?.asked.map(keysOf), [['b']])
  assert.equal(count('all'), 2)
})

test('a restored shard gets what the ledger closed, and knows of scores that are no longer in it', async (t) => {
  const { kafka, pipeline, rescored, until, state, assign } = running(t)
  const entry = (id: string, kind: LedgerEntry['kind']) => ({ id, kind, predictionId: id }) as LedgerEntry
  kafka.ledger.push(entry('a', 'headline'), entry('b', 'scored'), entry('c', 'asked'), entry('d', 'censored'))
  kafka.ends.set('devops.ledger', { low: 7n, high: 11n })
  await assign()
  await until('live', () => state() === 'live')
  assert.deepEqual(rescored, ['b', 'd'])
  const dropped = pipeline.shard(SHARD)?.doorOpen.dropped() ?? []
  const lacking = dropped.filter(({ until: lost }) => lost !== null).map(({ kind, until: lost }) => [kind, lost])
  assert.deepEqual(lacking, [
    ['ci_run_scores', 1000],
    ['deployment_scores', 1000],
  ])
})

test('an unknown outcome that counted after all is not applied again as new', async (t) => {
  const { kafka, applied, until, state, assign, beat } = running(t)
  await assign()
  kafka.script.push(new OutcomeUnknown('t', 'commit', new Error('timeout')))
  await kafka.deliver(TOPIC, 0n, ['a'])
  await until('lost', () => state() === 'lost')
  kafka.committed.set(TOPIC, 1n)
  kafka.ends.set(TOPIC, { low: 0n, high: 1n })
  beat()
  beat()
  await until('replaying', () => state() === 'replaying')
  await kafka.deliver(TOPIC, 0n, ['a'])
  await until('live', () => state() === 'live')
  assert.deepEqual(applied, ['a live', 'a replay'])
})

test('an engine error in the midst of a record costs a restore: nothing is applied twice by halves', async (t) => {
  const { kafka, applied, fatal, trouble, count, until, drops, state, assign, beat } = running(t)
  await assign()
  await kafka.deliver(TOPIC, 0n, ['a'])
  await until('a is committed', () => kafka.committed.get(TOPIC) === 1n)
  trouble.push(new PoolFull('deployment_history', 1, 0, 0))
  assert.equal(await kafka.deliver(TOPIC, 1n, ['b', 'c']), null)
  assert.deepEqual([state(), await drops(), fatal], ['lost', ['apply_failed'], []])
  kafka.ends.set(TOPIC, { low: 0n, high: 3n })
  beat()
  beat()
  await until('replaying', () => state() === 'replaying')
  await kafka.deliver(TOPIC, 0n, ['a'])
  await until('live', () => state() === 'live')
  await kafka.deliver(TOPIC, 1n, ['b', 'c'])
  assert.deepEqual(applied, ['a live', 'a replay', 'b live', 'c live'])
  assert.deepEqual([count('a'), count('b'), count('c'), count('all')], [1, 1, 1, 3])
})

test('what begins while all that is active fills its region becomes a dead letter, and the shard goes on', async (t) => {
  const { kafka, pipeline, applied, fatal, trouble, until, drops, state, assign } = running(t)
  await assign()
  trouble.push(new PoolFull('active_operations', 8192, 4096, 0))
  await kafka.deliver(TOPIC, 0n, ['a', 'b'])
  await until('both are committed', () => kafka.committed.get(TOPIC) === 2n)
  assert.deepEqual([state(), await drops(), fatal, applied], ['live', [], [], ['b live']])
  const outputs = kafka.transactors.flatMap(({ asked }) => asked.flatMap(({ outputs }) => outputs))
  assert.deepEqual(
    outputs.map(({ topic }) => topic),
    ['devops.dead-letters', 'devops.signals'],
  )
  const dropped = pipeline.shard(SHARD)?.doorOpen.dropped() ?? []
  const lacking = dropped.filter(({ until }) => until !== null).map(({ kind }) => kind)
  assert.deepEqual(lacking.toSorted(), [
    'changes',
    'ci_run_scores',
    'ci_runs_failed',
    'ci_runs_successful',
    'deployment_scores',
    'deployments',
    'services',
  ])
})

test('what finds no room and changed nothing becomes a dead letter too, and the state says that it lacks it', async (t) => {
  const { kafka, pipeline, fatal, trouble, until, drops, state, assign } = running(t)
  await assign()
  for (const topic of ['devops.metrics', 'devops.infrastructure']) {
    trouble.push(new PoolFull('infrastructure_state', 8192, 4096, 0))
    await kafka.deliver(topic, 0n, ['a', 'b'])
    await until('both are committed', () => kafka.committed.get(topic) === 2n)
  }
  assert.deepEqual([state(), await drops(), fatal], ['live', [], []])
  const dropped = pipeline.shard(SHARD)?.doorOpen.dropped() ?? []
  const lacking = dropped.filter(({ until }) => until !== null).map(({ kind, records }) => [kind, records])
  assert.deepEqual(
    lacking,
    ['samples', 'samples_5m', 'samples_1h', 'series', 'resources', 'services'].map((kind) => [kind, 0]),
  )
})

test('a gap tells until when the state is not whole: by the record that follows it, else by when the shard was taken', async (t) => {
  const { kafka, pipeline, state, until, assign } = running(t)
  const untilOf = (kind: DroppedKind) =>
    pipeline
      .shard(SHARD)
      ?.doorOpen.dropped()
      .find((one) => one.kind === kind)?.until
  kafka.ends.set(TOPIC, { low: 3n, high: 5n })
  kafka.ends.set('devops.incidents', { low: 7n, high: 7n })
  await assign()
  await until('live', () => state() === 'live')
  assert.deepEqual([untilOf('deployments'), untilOf('incidents'), untilOf('samples')], [null, 0, null])
  await kafka.deliver(TOPIC, 3n, ['a'])
  assert.deepEqual([untilOf('deployments'), untilOf('ci_runs_failed')], [1000, 1000])
})

test('an error that no repeat mends is ours, and fatal', async (t) => {
  const { kafka, fatal, trouble, assign } = running(t)
  await assign()
  const bug = new TypeError('undefined is not a function')
  trouble.push(bug)
  assert.equal(await kafka.deliver(TOPIC, 0n, ['a']), null)
  assert.deepEqual(fatal, [bug])
})

test('while the registry is away a batch is delivered again, and the shard stays as it is', async (t) => {
  let away = true
  const prepare = () => (away ? Promise.reject(new RegistryUnavailable('http://r', 'refused')) : Promise.resolve())
  const { kafka, applied, fatal, drops, state, assign } = running(t, { prepare })
  await assign()
  assert.equal(await kafka.deliver(TOPIC, 0n, ['a']), null)
  assert.deepEqual([applied, fatal, await drops(), state()], [[], [], [], 'live'])
  away = false
  assert.equal(await kafka.deliver(TOPIC, 0n, ['a']), 1n)
  assert.deepEqual(applied, ['a live'])
})

for (const [what, hear] of [
  ['a batch', (kafka: KafkaUnderTest) => kafka.deliver(TOPIC, 0n, ['x'])],
  [
    'a stretch of nothing',
    (kafka: KafkaUnderTest) => {
      kafka.group.onNothing({ shard: SHARD, topic: TOPIC, fetchedFrom: 0n, next: 1n, highWatermark: 1n })
      return Promise.resolve(null)
    },
  ],
] as const) {
  test(`${what} of a log that ends before what is applied: the shard is restored and says what is gone`, async (t) => {
    const { kafka, pipeline, applied, until, drops, state, assign, beat } = running(t)
    await assign()
    await kafka.deliver(TOPIC, 0n, ['a', 'b', 'c'])
    await until('committed', () => kafka.committed.get(TOPIC) === 3n)
    // Deleted and made anew: kafkajs goes to the beginning and commits "none" for the group.
    kafka.committed.delete(TOPIC)
    kafka.ends.set(TOPIC, { low: 0n, high: 1n })
    await hear(kafka)
    await until('lost', () => state() === 'lost')
    assert.deepEqual(await drops(), ['position_lost'])
    beat()
    beat()
    await until('replaying', () => state() === 'replaying')
    await kafka.deliver(TOPIC, 0n, ['x'])
    await until('live', () => state() === 'live')
    assert.deepEqual(pipeline.shard(SHARD)?.gaps, [{ topic: TOPIC, from: 1n, to: 3n, neverApplied: false }])
    await kafka.deliver(TOPIC, 1n, ['y'])
    await until('committed anew', () => kafka.committed.get(TOPIC) === 2n)
    assert.deepEqual(applied.slice(3), ['x replay', 'y live'])
  })
}
