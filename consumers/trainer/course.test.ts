import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from '../models/random.ts'
import { FEATURES, FEATURE_NAMES } from '../models/features.ts'
import { compareLogLoss } from '../ledger/scores.ts'
import { learnBaselines } from './baselines.ts'
import { createCourse } from './course.ts'
import { referenceOf } from './inputDrift.ts'
import { OUTCOMES_MAX, OUTCOMES_MIN, RECENT, judgeChallenger, judgeChampion, judgeHeldOut, lastLook } from './judge.ts'
import type { HeldOut } from './judge.ts'
import type { Learnt } from './lesson.ts'
import { UNANSWERED_MS_MAX, isDue } from './schedule.ts'
import type { ScoredRow } from './scoredRow.ts'
import { scoredRow as row } from './scoredRowUnderTest.ts'
import { silentTelemetry } from './silentTelemetry.ts'
import type { TrainerTelemetry } from './telemetry.ts'

const schedule = { minSamples: 100, intervalMs: 3_600_000 }

function recorder(): TrainerTelemetry & { readonly stages: string[] } {
  const stages: string[] = []
  return { ...silentTelemetry, stages, staged: (_model, version, stage) => stages.push(`${version} ${stage}`) }
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

const heldOutOf = (heldOutP: number, count: number): HeldOut => ({
  rows: Array.from({ length: count }, (_, i) => ({
    success: i % 3 !== 0,
    plain: { base_rate: 0.7 },
    p: i % 3 !== 0 ? heldOutP : 1 - heldOutP,
  })),
})

const learnt = (version: string, heldOut: HeldOut | null = null): Learnt => ({
  weights: Buffer.from(version),
  sha256: version,
  card: '{}',
  heldOut,
})

test('a challenger wins, loses or stays undecided by the outcomes that it answered in the shadow', () => {
  const verdict = (count: number, sure: number) =>
    judgeChallenger(judged(count, sure, 0, 'challenger', 'a'), null).verdict
  assert.equal(verdict(OUTCOMES_MIN - 1, 0.9), 'undecided')
  assert.equal(verdict(OUTCOMES_MIN, 0.9), 'won')
  assert.equal(verdict(60, 0.4), 'lost')
})

test('better by less than the margin is undecided, and so is not better than the champion', () => {
  // Now better, now worse, a little more often better: a mean below zero by a part of its standard error.
  const near = Array.from({ length: 60 }, (_, i) =>
    row(i, { success: true, challengerVersion: 'a', challengerP: i % 2 === 0 ? 0.8 : 0.62 }),
  )
  const { mean, standardError } = compareLogLoss(
    near.map((one) => ({ a: one.challengerP ?? 0, b: 0.7, success: true })),
  )
  assert.ok(mean < 0 && mean > -standardError, `${mean} and ${standardError}`)
  assert.equal(judgeChallenger(near, null).verdict, 'undecided')
  const behind = judged(60, 0.8, 0, 'challenger', 'a').map((one) => ({ ...one, pSuccess: one.success ? 0.95 : 0.05 }))
  assert.equal(judgeChallenger(behind, null).verdict, 'lost')
})

test('looks come as outcomes double', () => {
  const looks = new Set(Array.from({ length: 300 }, (_, outcomes) => lastLook(outcomes)))
  assert.deepEqual([...looks], [0, 30, 60, 120, 240])
  assert.deepEqual([lastLook(29), lastLook(30), lastLook(239), lastLook(240)], [0, 30, 120, 240])
})

test('held-out rows judge as live ones do, where there are enough', () => {
  assert.equal(judgeHeldOut(heldOutOf(0.9, 40)).verdict, 'won')
  assert.equal(judgeHeldOut(heldOutOf(0.9, OUTCOMES_MIN - 1)).verdict, 'lost')
  assert.equal(judgeHeldOut(heldOutOf(0.4, 40)).verdict, 'lost')
})

test('a champion falls by live outcomes clearly worse than the base rate, not by chance', () => {
  const verdict = (count: number, sure: number) => judgeChampion(judged(count, sure, 0, 'champion', 'a')).verdict
  assert.equal(verdict(60, 0.9), 'won')
  assert.equal(verdict(60, 0.3), 'lost')
  assert.equal(verdict(2 * OUTCOMES_MIN - 1, 0.3), 'undecided', 'at one look only')
})

test('a champion that was good for long falls by its last outcomes', () => {
  const good = judged(1000, 0.9, 0, 'champion', 'a')
  const fallsAfter = Array.from({ length: 20 }, (_, look) => (look + 1) * OUTCOMES_MIN).find(
    (count) => judgeChampion([...good, ...judged(count, 0.2, 1000, 'champion', 'a')]).verdict === 'lost',
  )
  assert.ok(fallsAfter !== undefined && fallsAfter <= RECENT, `${fallsAfter} outcomes`)
})

test('a challenger must beat every plain answer, not the base rate alone', () => {
  const shadow = judged(60, 0.8, 0, 'challenger', 'a')
  assert.equal(judgeChallenger(shadow, null).verdict, 'won')
  const features = shadow.map((one) => {
    const own = new Float32Array(FEATURES)
    own[FEATURE_NAMES.indexOf('service.last')] = one.success ? -1 : 1
    return { ...one, features: own }
  })
  // Where the next outcome is as the last one, a share for each of the two is the better model.
  const baselines = learnBaselines(features)
  assert.ok(baselines.lastOutcome.passed > 0.9 && baselines.lastOutcome.failed < 0.2)
  assert.deepEqual(judgeChallenger(features, baselines).reason, 'lost against last_outcome on live outcomes')
})

test('a lesson is due at min_samples, then with as many new rows, or at the interval with enough to judge by', () => {
  const table = [
    [{ rows: 99, newRows: 99, lastTrainedAt: null }, false],
    [{ rows: 100, newRows: 100, lastTrainedAt: null }, true],
    [{ rows: 150, newRows: 50, lastTrainedAt: 0 }, false],
    [{ rows: 200, newRows: 100, lastTrainedAt: 0 }, true],
    [{ rows: 200, newRows: 29, lastTrainedAt: -4_000_000 }, false],
    [{ rows: 200, newRows: 30, lastTrainedAt: -4_000_000 }, true],
  ] as const
  for (const [progress, expected] of table)
    assert.equal(isDue({ ...progress, challenger: null }, schedule, 1000), expected)
})

test('no lesson while a challenger waits for its verdict, whatever else has come', () => {
  const table = [
    [{ outcomes: 0, lost: false, ageMs: 0 }, false],
    [{ outcomes: 0, lost: false, ageMs: UNANSWERED_MS_MAX }, true],
    [{ outcomes: 1, lost: false, ageMs: UNANSWERED_MS_MAX }, false],
    [{ outcomes: OUTCOMES_MAX - 1, lost: false, ageMs: 0 }, false],
    [{ outcomes: OUTCOMES_MIN, lost: true, ageMs: 0 }, true],
    [{ outcomes: OUTCOMES_MAX, lost: false, ageMs: 0 }, true],
  ] as const
  for (const [challenger, expected] of table) {
    const progress = { rows: 5000, newRows: 4000, lastTrainedAt: 0, challenger }
    assert.equal(isDue(progress, schedule, 10_000_000), expected, JSON.stringify(challenger))
  }
})

test('the course of a model: learn, shadow, promotion, a better one from its weights', () => {
  const telemetry = recorder()
  const course = createCourse('ci_run', schedule, telemetry)
  const feed = (rows: readonly ScoredRow[]) => {
    for (const each of rows) course.add(each)
  }
  feed(Array.from({ length: 100 }, (_, i) => row(i)))
  const lesson = course.due(0)
  assert.ok(lesson)
  // Live outcomes decide: nothing need be held out.
  assert.deepEqual([lesson.rows.length, lesson.holdOut, lesson.start], [100, false, null])
  assert.equal(course.due(1), null)
  const keys = course.learnt(learnt('a'), 1).map(({ key }) => key)
  assert.deepEqual(keys, ['weights/a', 'stage/ci_run/challenger'])
  assert.deepEqual(course.judge(2), [])
  feed(judged(OUTCOMES_MIN, 0.9, 100, 'challenger', 'a'))
  assert.deepEqual(
    course.judge(3).map(({ key }) => key),
    ['stage/ci_run/champion'],
  )
  feed(judged(69, 0.9, 200, 'champion', 'a'))
  assert.equal(course.due(4), null)
  feed(judged(1, 0.9, 269, 'champion', 'a'))
  const anew = course.due(4)
  assert.equal(anew?.start, null, 'the rows have doubled')
  course.learnt(learnt('lost'), 5)
  feed(
    judged(100, 0.6, 300, 'challenger', 'lost').map((one) => ({
      ...one,
      modelVersion: 'a',
      pSuccess: one.success ? 0.9 : 0.1,
    })),
  )
  assert.deepEqual(course.judge(6), [])
  const refined = course.due(6)
  assert.deepEqual(refined?.start, Buffer.from('a'), 'it goes on from the champion')
  course.learnt(learnt('b'), 7)
  feed(
    judged(OUTCOMES_MIN, 0.97, 400, 'challenger', 'b').map((one) => ({
      ...one,
      modelVersion: 'a',
      pSuccess: one.success ? 0.9 : 0.1,
    })),
  )
  assert.deepEqual(
    course.judge(8).map(({ key, value }) => [key, value === null]),
    [
      ['stage/ci_run/champion', false],
      ['stage/ci_run/previous', false],
    ],
  )
  assert.deepEqual(telemetry.stages, [
    'a challenger',
    'a champion',
    'lost challenger',
    'b challenger',
    'lost retired',
    'b champion',
    'a previous',
  ])
})

test('who brings history in gets a model at once, a second one too when the first lost', () => {
  const course = createCourse('ci_run', schedule, recorder())
  for (let i = 0; i < 100; i++) course.add(row(i, { backfilled: true }))
  assert.equal(course.due(0)?.holdOut, true)
  course.learnt(learnt('a', heldOutOf(0.4, OUTCOMES_MIN)), 1)
  assert.deepEqual(course.judge(1), [])
  course.learnt(learnt('b', heldOutOf(0.9, OUTCOMES_MIN)), 2)
  assert.deepEqual(
    course.judge(2).map(({ key }) => key),
    ['stage/ci_run/champion'],
  )
})

test('a challenger that history refused makes room as more history comes', () => {
  const course = createCourse('ci_run', schedule, recorder())
  for (let i = 0; i < 100; i++) course.add(row(i, { backfilled: true }))
  course.due(0)
  course.learnt(learnt('a', heldOutOf(0.4, OUTCOMES_MIN)), 1)
  course.judge(1)
  for (let i = 100; i < 200; i++) course.add(row(i, { backfilled: true }))
  assert.equal(course.due(2)?.rows.length, 200)
})

test('held-out rows count only while there is neither champion nor enough live outcomes', () => {
  const fed = (live: number) => {
    const course = createCourse('ci_run', schedule, recorder())
    for (let i = 0; i < 200; i++) course.add(row(i, { backfilled: i >= live }))
    const lesson = course.due(0)
    course.learnt(learnt('a', heldOutOf(0.9, 40)), 1)
    return [lesson?.holdOut, course.judge(2).length]
  }
  assert.deepEqual(fed(OUTCOMES_MIN - 1), [true, 1])
  assert.deepEqual(fed(OUTCOMES_MIN), [false, 0])
})

test('after a restart what the log of models told counts as trained, with the rows at hand', () => {
  const course = createCourse('ci_run', schedule, recorder())
  course.remember('champion', { version: 'a', card: '{}', weights: Buffer.from('a'), since: 1000, cause: 'won' })
  for (let i = 0; i < 150; i++) course.add(row(i))
  assert.equal(course.due(2000), null)
  for (let i = 150; i < 250; i++) course.add(row(i))
  const lesson = course.due(3000)
  assert.equal(lesson?.rows.length, 250)
  assert.deepEqual(lesson.start, Buffer.from('a'))
})

test('a restart is no further look at a challenger, whatever order its outcomes are read in', () => {
  const placed = { version: 'a', card: '{}', weights: Buffer.from('a'), since: 0, cause: 'learnt' } as const
  const shadow = [
    ...judged(OUTCOMES_MIN, 0.4, 0, 'challenger', 'a'),
    ...judged(OUTCOMES_MIN - 1, 0.99, OUTCOMES_MIN, 'challenger', 'a'),
  ]
  const course = (rows: readonly ScoredRow[]) => {
    const restarted = createCourse('ci_run', schedule, recorder())
    restarted.remember('challenger', placed)
    for (const each of rows) restarted.add(each)
    return restarted
  }
  assert.equal(judgeChallenger(shadow, null).verdict, 'won')
  assert.deepEqual(course(shadow).judge(100_000), [])
  assert.deepEqual(course(shadow.toReversed()).judge(100_000), [])
  const all = [...shadow, ...judged(1, 0.99, 2 * OUTCOMES_MIN, 'challenger', 'a')]
  assert.equal(course(all).judge(100_000).length, 1)
})

test('looks at a champion go on by its outcomes when the oldest are no longer kept', () => {
  const [kept, bad] = [20_040, 2 * OUTCOMES_MIN]
  const course = createCourse('ci_run', schedule, recorder())
  course.remember('champion', { version: 'a', card: '{}', weights: Buffer.from('a'), since: 0, cause: 'won' })
  const features = new Float32Array(FEATURES)
  const feed = (count: number, from: number, sure: number) => {
    for (const each of judged(count, sure, from, 'champion', 'a')) course.add({ ...each, features })
  }
  feed(kept - bad, 1, 0.9)
  feed(bad - 1, 1 + kept - bad, 0.001)
  assert.deepEqual(course.judge(kept * 1000), [], 'the second look has not come')
  feed(1, kept, 0.001)
  assert.equal(course.judge((kept + 1) * 1000)[0]?.value?.cause, 'demoted')
})

test('a row that comes twice counts once, and backfilled rows never enter live scores', () => {
  const scored: [string, number, number][] = []
  const known: [number, number][] = []
  const course = createCourse('ci_run', schedule, {
    ...recorder(),
    scored: (_model, { window, headline, baseRate }) => scored.push([window, headline?.rows ?? 0, baseRate?.rows ?? 0]),
    rowsKnown: (_model, live, backfilled) => known.push([live, backfilled]),
  })
  const random = createRandom(1)
  for (let i = 0; i < 10; i++) course.add(row(Math.floor(random() * 1e9), { backfilled: true }))
  course.report(2000)
  assert.deepEqual(scored.splice(0), [
    ['last_1000', 0, 0],
    ['7d', 0, 0],
    ['30d', 0, 0],
  ])
  course.add(row(1))
  course.add(row(1))
  course.report(10 * 86_400_000)
  assert.deepEqual(scored.splice(0), [
    ['last_1000', 1, 1],
    ['7d', 0, 0],
    ['30d', 1, 1],
  ])
  course.report(10 * 86_400_000 + 1)
  assert.deepEqual(scored, [])
  assert.deepEqual(known.at(-1), [1, 10])
})

test('who answers is told with its live scores, the base rate too, and again as outcomes come, not more often than now and then', () => {
  const course = createCourse('ci_run', schedule, recorder())
  const told = (now: number) =>
    course.report(now).map(({ key, value }) => [key, value?.sha256, value?.scores?.outcomes, value?.scores?.brier])
  assert.deepEqual(told(0), [])
  course.add(row(1, { success: true, pSuccess: 0.5 }))
  assert.deepEqual(told(1000), [['scores/ci_run', 'base-rate', 1, 0.25]])
  course.add(row(2))
  assert.deepEqual(told(2000), [])
  assert.deepEqual(
    told(40_000).map((one) => one[2]),
    [2],
  )
  course.remember('champion', { version: 'a', card: '{}', weights: Buffer.from('a'), since: 40_000, cause: 'won' })
  assert.deepEqual(told(40_001), [], 'it has no outcome yet')
  for (const each of judged(5, 0.9, 50, 'champion', 'a')) course.add(each)
  assert.deepEqual(
    told(41_000).map((one) => one.slice(0, 3)),
    [['scores/ci_run', 'a', 5]],
  )
})

test('drift is told of the inputs since a version is champion, against those of its card', () => {
  const drifts: (number | null)[] = []
  const course = createCourse('ci_run', schedule, {
    ...recorder(),
    drifted: (_model, drift) => drifts.push(drift?.find(({ group }) => group === 'service')?.drifted ?? null),
  })
  const random = createRandom(3)
  const features = (moved: number) => Float32Array.from({ length: FEATURES }, () => random() + moved)
  const inputs = referenceOf(Array.from({ length: 300 }, () => features(0)))
  const card = JSON.stringify({ inputs })
  course.remember('champion', { version: 'a', card, weights: Buffer.from('a'), since: 100_000, cause: 'won' })
  const feed = (count: number, from: number, moved: number) => {
    for (let i = from; i < from + count; i++) course.add(row(i, { modelVersion: 'a', features: features(moved) }))
    course.report((from + count) * 1000)
  }
  feed(100, 0, 2)
  feed(400, 101, 0)
  feed(600, 501, 2)
  assert.deepEqual(drifts, [null, 0, 1])
})
