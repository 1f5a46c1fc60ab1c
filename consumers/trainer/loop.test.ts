import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '../models/weights.ts'
import { CAPACITY_TRAINING } from './capacity.ts'
import { createCourse } from './course.ts'
import { judgeForecaster } from './judgeForecaster.ts'
import { createLoop } from './loop.ts'
import type { LoopDeps } from './loop.ts'
import { createPatternCourse } from './patternCourse.ts'
import { TrainingFailed } from './runTask.ts'
import { scoredRow } from './scoredRowUnderTest.ts'
import { silentTelemetry } from './silentTelemetry.ts'
import type { Task, TaskResult } from './task.ts'
import type { TrainerTelemetry } from './telemetry.ts'

const HOUR_MS = 3_600_000

function world(run: (task: Task) => Promise<TaskResult>) {
  const published: string[] = []
  const failed: string[] = []
  const heldBack: string[] = []
  const telemetry: TrainerTelemetry = {
    ...silentTelemetry,
    trainingFailed: (model) => failed.push(model),
    forecasterHeldBack: (version) => heldBack.push(version),
  }
  const clock = { now: 0, stopping: false }
  const course = createCourse('ci_run', { minSamples: 100, intervalMs: HOUR_MS }, telemetry)
  const deps: LoopDeps = {
    courses: [course],
    now: () => clock.now,
    publish: (records) => {
      published.push(...records.map(({ key }) => key))
      return Promise.resolve()
    },
    run,
    series: () => Promise.resolve([]),
    telemetry,
    isStopping: () => clock.stopping,
    nativeFolder: null,
    capacityIntervalMs: 24 * HOUR_MS,
    patterns: createPatternCourse({
      intervalMs: HOUR_MS,
      runsMin: 100,
      similarity: 0.85,
      outcomes: () => Promise.resolve([]),
      telemetry,
    }),
  }
  return { loop: createLoop(deps), course, clock, published, failed, heldBack }
}

const forecaster = (text: string, mase = 0.9): TaskResult => ({
  kind: 'capacity',
  backend: 'cpu',
  weights: Buffer.from(text),
  card: {
    model: 'capacity',
    seed: 1,
    backend: 'cpu',
    features: [],
    training: CAPACITY_TRAINING,
    samples: { synthetic: 1, own: 0 },
    heldOut: { synthetic: { series: 1, mase, maseSeasonalNaive: 1, coverage80: 0.8 }, own: null },
  },
})

function feed(course: ReturnType<typeof world>['course'], count: number): void {
  for (let i = 0; i < count; i++) {
    course.add(scoredRow(i, { backfilled: true, success: true }))
  }
}

test('the forecaster is learnt at once and again after its interval; the one before goes', async () => {
  let made = 0
  const { loop, clock, published } = world(() => Promise.resolve(forecaster(`w${made++}`)))
  const round = async () => {
    await loop.round()
    await loop.idle()
  }
  await round()
  await round()
  const [first, second] = ['w0', 'w1'].map((text) => digestOf(Buffer.from(text)))
  assert.deepEqual(published, [`weights/${first}`, 'stage/capacity/champion'])
  clock.now = 25 * HOUR_MS
  await round()
  assert.deepEqual(published.slice(2), [`weights/${second}`, 'stage/capacity/champion', `weights/${first}`])
})

test('a forecaster that does not beat seasonal naive is held back, and the one before goes on answering', async () => {
  const results = [forecaster('good'), forecaster('bad', 1.1), forecaster('naive', 1)]
  const { loop, clock, published, heldBack } = world(() => Promise.resolve(results.shift() ?? forecaster('none')))
  for (const hours of [0, 25, 26, 50]) {
    clock.now = hours * HOUR_MS
    await loop.round()
    await loop.idle()
  }
  assert.deepEqual(published, [`weights/${digestOf(Buffer.from('good'))}`, 'stage/capacity/champion'])
  assert.deepEqual(
    heldBack,
    ['bad', 'naive'].map((text) => digestOf(Buffer.from(text))),
  )
})

test('a forecaster must beat seasonal naive on own series and on synthetic ones', () => {
  const figures = (mase: number) => ({ series: 3, mase, maseSeasonalNaive: 1, coverage80: 0.8 })
  assert.equal(judgeForecaster({ heldOut: { synthetic: figures(0.9), own: figures(0.8) } }).isBetter, true)
  assert.equal(judgeForecaster({ heldOut: { synthetic: figures(0.9), own: figures(1.2) } }).isBetter, false)
  assert.equal(judgeForecaster({ heldOut: { synthetic: null, own: figures(0.8) } }).isBetter, true)
  assert.equal(judgeForecaster({ heldOut: { synthetic: null, own: null } }).isBetter, false)
})

test('rounds go on while a training runs, and start no second one', async () => {
  const gate = Promise.withResolvers<TaskResult>()
  let runs = 0
  const { loop } = world(() => {
    runs++
    return gate.promise
  })
  await loop.round()
  await loop.round()
  await new Promise(setImmediate)
  assert.equal(runs, 1)
  gate.resolve(forecaster('w'))
  await loop.idle()
})

test('held-out rows judge a model at once: a trainer that ends then leaves no challenger that only they could judge', async () => {
  const { loop, course, published } = world((task) => {
    if (task.kind === 'capacity') return Promise.resolve(forecaster('w'))
    const rows = Array.from({ length: 40 }, () => ({ p: 0.9, plain: { base_rate: 0.5 }, success: true }))
    const learnt = { weights: Buffer.from('m'), sha256: 'm', card: '{}', heldOut: { rows } }
    return Promise.resolve({ kind: 'classifier', backend: 'cpu', learnt })
  })
  feed(course, 120)
  await loop.round()
  await loop.idle()
  assert.deepEqual(
    published.filter((key) => key.includes('ci_run')),
    ['stage/ci_run/challenger', 'stage/ci_run/champion'],
  )
})

test('a failed training is told and tried again when due; a stopped one is no failure; a mistake of ours ends the loop', async () => {
  const { loop, course, clock, failed } = world(() => Promise.reject(new TrainingFailed('no memory')))
  feed(course, 120)
  await loop.round()
  await loop.idle()
  assert.deepEqual(failed, ['ci_run', 'capacity'])
  clock.stopping = true
  clock.now = 30 * HOUR_MS
  await loop.round()
  await loop.idle()
  assert.equal(failed.length, 2)

  const broken = world(() => Promise.reject(new TypeError('ours')))
  await broken.loop.round()
  await broken.loop.idle()
  await assert.rejects(broken.loop.round(), TypeError)
})
