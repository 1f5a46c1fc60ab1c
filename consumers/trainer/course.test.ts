import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from '../models/random.ts'
import { FEATURES, FEATURE_SET } from '../models/features.ts'
import { createCourse } from './course.ts'
import { OUTCOMES_MIN, judgeChallenger, judgeChampion } from './judge.ts'
import type { Learnt } from './lesson.ts'
import { isDue } from './schedule.ts'
import type { ScoredRow } from './scoredRow.ts'
import type { TrainerTelemetry } from './telemetry.ts'

const schedule = { minSamples: 100, intervalMs: 3_600_000 }
const nothing = () => undefined

function recorder(): TrainerTelemetry & { readonly stages: string[] } {
  const stages: string[] = []
  return {
    stages,
    trained: nothing,
    trainingFailed: nothing,
    staged: (_model, version, stage) => stages.push(`${version} ${stage}`),
    scored: nothing,
    rowsKnown: nothing,
    modelUnreadable: nothing,
    seriesUnavailable: nothing,
  }
}

function row(i: number, over: Partial<ScoredRow> = {}): ScoredRow {
  return {
    predictionId: `p${i}`,
    outcomeAt: i * 1000,
    modelVersion: 'base-rate',
    pSuccess: 0.7,
    baseRate: 0.7,
    challengerVersion: null,
    challengerP: null,
    featureSet: FEATURE_SET,
    backfilled: false,
    features: new Float32Array(FEATURES),
    success: i % 3 !== 0,
    durationSeconds: 10,
    ...over,
  }
}

/** Rows on which a model with probability `sure` on the right side answers, live. */
const judged = (count: number, sure: number, from: number, who: 'challenger' | 'champion', version: string) =>
  Array.from({ length: count }, (_, k) => {
    const i = from + k
    const p = i % 3 !== 0 ? sure : 1 - sure
    return who === 'challenger'
      ? row(i, { challengerVersion: version, challengerP: p })
      : row(i, { modelVersion: version, pSuccess: p })
  })

const learnt = (version: string, heldOutP: number, heldOutRows: number): Learnt => ({
  weights: Buffer.from(version),
  sha256: version,
  card: '{}',
  heldOut: {
    rows: Array.from({ length: heldOutRows }, (_, i) => ({
      success: i % 3 !== 0,
      baseRate: 0.7,
      p: i % 3 !== 0 ? heldOutP : 1 - heldOutP,
    })),
  },
})

test('a challenger is promoted by later live outcomes that it answered in the shadow, not by others', () => {
  const good = (count: number) => judged(count, 0.9, 0, 'challenger', 'a')
  assert.equal(judgeChallenger('a', good(OUTCOMES_MIN - 1), null, false).act, false)
  assert.equal(judgeChallenger('a', good(OUTCOMES_MIN), null, false).act, true)
  assert.equal(judgeChallenger('b', good(OUTCOMES_MIN), null, false).act, false)
  assert.equal(judgeChallenger('a', judged(60, 0.4, 0, 'challenger', 'a'), null, true).act, false)
})

test('a challenger that beats the base rate and not the champion stays challenger', () => {
  const rows = judged(60, 0.8, 0, 'challenger', 'a').map((one) => ({ ...one, pSuccess: one.success ? 0.95 : 0.05 }))
  assert.equal(judgeChallenger('a', rows, null, true).act, false)
})

test('held-out rows count only while there is neither champion nor enough live outcomes', () => {
  const { heldOut } = learnt('a', 0.9, 40)
  assert.equal(judgeChallenger('a', [], heldOut, false).act, true)
  assert.equal(judgeChallenger('a', [], heldOut, true).act, false)
  assert.equal(
    judgeChallenger(
      'a',
      Array.from({ length: 40 }, (_, i) => row(i)),
      heldOut,
      false,
    ).act,
    false,
  )
  assert.equal(judgeChallenger('a', [], learnt('a', 0.9, OUTCOMES_MIN - 1).heldOut, false).act, false)
  assert.equal(judgeChallenger('a', [], learnt('a', 0.4, 40).heldOut, false).act, false)
})

test('a champion falls by live outcomes clearly worse than the base rate, not by chance', () => {
  assert.equal(judgeChampion('a', judged(60, 0.9, 0, 'champion', 'a')).act, false)
  assert.equal(judgeChampion('a', judged(60, 0.3, 0, 'champion', 'a')).act, true)
  assert.equal(judgeChampion('a', judged(OUTCOMES_MIN - 1, 0.3, 0, 'champion', 'a')).act, false)
})

test('training is due at min_samples, then with as many new rows, or at the interval with enough to judge by', () => {
  const table = [
    [{ rows: 99, newRows: 99, lastTrainedAt: null }, false],
    [{ rows: 100, newRows: 100, lastTrainedAt: null }, true],
    [{ rows: 150, newRows: 50, lastTrainedAt: 0 }, false],
    [{ rows: 200, newRows: 100, lastTrainedAt: 0 }, true],
    [{ rows: 200, newRows: 29, lastTrainedAt: -4_000_000 }, false],
    [{ rows: 200, newRows: 30, lastTrainedAt: -4_000_000 }, true],
  ] as const
  for (const [progress, expected] of table) assert.equal(isDue(progress, schedule, 1000), expected)
})

test('the course of a model: learn, shadow, promotion, a better one, demotion', () => {
  const telemetry = recorder()
  const course = createCourse('ci_run', schedule, telemetry)
  const feed = (rows: readonly ScoredRow[]) => {
    for (const each of rows) course.add(each)
  }
  feed(Array.from({ length: 100 }, (_, i) => row(i)))
  const lesson = course.due(0)
  assert.ok(lesson?.holdOut)
  assert.equal(lesson.rows.length, 100)
  assert.equal(course.due(1), null)
  const keys = course.learnt(learnt('a', 0.9, 20), 1).map(({ key }) => key)
  assert.deepEqual(keys, ['weights/a', 'stage/ci_run/challenger'])
  assert.deepEqual(course.judge(2), [])
  feed(judged(OUTCOMES_MIN, 0.9, 100, 'challenger', 'a'))
  assert.deepEqual(
    course.judge(3).map(({ key }) => key),
    ['stage/ci_run/champion'],
  )
  feed(judged(100, 0.9, 200, 'champion', 'a'))
  assert.equal(course.due(4)?.holdOut, false)
  course.learnt(learnt('b', 0.9, 0), 5)
  feed(
    judged(OUTCOMES_MIN, 0.97, 400, 'challenger', 'b').map((one) => ({
      ...one,
      modelVersion: 'a',
      pSuccess: one.success ? 0.9 : 0.1,
    })),
  )
  const records = course.judge(6)
  assert.deepEqual(
    records.map(({ key, value }) => [key, value === null]),
    [
      ['stage/ci_run/champion', false],
      ['weights/a', true],
    ],
  )
  feed(judged(1000, 0.2, 500, 'champion', 'b'))
  assert.deepEqual(
    course.judge(7).map(({ key, value }) => [key, value?.stage]),
    [
      ['stage/ci_run/champion', 'retired'],
      ['weights/b', undefined],
    ],
  )
  assert.deepEqual(telemetry.stages, [
    'a challenger',
    'a champion',
    'b challenger',
    'b champion',
    'a retired',
    'b retired',
  ])
})

test('after a restart what the log of models told counts as trained, with the rows at hand', () => {
  const course = createCourse('ci_run', schedule, recorder())
  course.remember('champion', 'a', '{}', 1000)
  for (let i = 0; i < 150; i++) course.add(row(i))
  assert.equal(course.due(2000), null)
  for (let i = 150; i < 250; i++) course.add(row(i))
  assert.equal(course.due(3000)?.rows.length, 250)
})

test('a row that comes twice counts once, and backfilled rows never enter live scores', () => {
  const scored: number[] = []
  const known: [number, number][] = []
  const course = createCourse('ci_run', schedule, {
    ...recorder(),
    scored: (_model, _predictor, scores) => scored.push(scores.rows),
    rowsKnown: (_model, live, backfilled) => known.push([live, backfilled]),
  })
  const random = createRandom(1)
  for (let i = 0; i < 10; i++) course.add(row(Math.floor(random() * 1e9), { backfilled: true }))
  course.report()
  assert.deepEqual(scored, [])
  course.add(row(1))
  course.add(row(1))
  course.report()
  assert.deepEqual(scored, [1, 1])
  assert.deepEqual(known.at(-1), [1, 10])
})
