/** However long runs take, a good challenger is promoted: a fleet, its consumer and the trainer on one simulated clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FEATURES, FEATURE_SET } from '../models/features.ts'
import { createRandom } from '../models/random.ts'
import { createCourse } from './course.ts'
import type { Course } from './course.ts'
import type { ScoredRow } from './scoredRow.ts'
import { silentTelemetry } from './silentTelemetry.ts'

const HOUR_S = 3600
const LESSON_S = 10
/** What a model would read plays no part here. */
const features = new Float32Array(FEATURES)
const ROUND_S = 2

interface Fleet {
  readonly perSecond: number
  readonly runSeconds: number
  /** Of a learnt model on what really happens. */
  readonly sure: number
}

interface Told {
  readonly trainings: number
  readonly promotedAtS: number | null
}

/** A consumer that reads what the trainer publishes at once, and a course that learns in LESSON_S. */
function live({ perSecond, runSeconds, sure }: Fleet, hours: number): Told {
  const told = { trainings: 0, promotedAtS: null }
  const stages = { champion: null as string | null, challenger: null as string | null }
  const telemetry = {
    ...silentTelemetry,
    staged: (_model: string, version: string, stage: string) => {
      if (stage === 'champion') Object.assign(stages, { champion: version, challenger: null })
      else if (stage === 'challenger') stages.challenger = version
    },
  }
  const course: Course = createCourse('ci_run', { minSamples: 100, intervalMs: HOUR_S * 1000 }, telemetry)
  const random = createRandom(1)
  const running: ScoredRow[] = []
  let lessonEndsAt: number | null = null
  for (let i = 0; i < hours * HOUR_S * perSecond; i++) {
    const at = i / perSecond
    const success = random() < 0.7
    const answer = (version: string | null) => (version === null ? 0.7 : success ? sure : 1 - sure)
    running.push({
      predictionId: `p${i}`,
      outcomeAt: (at + runSeconds) * 1000,
      closedAt: (at + runSeconds) * 1000,
      modelVersion: stages.champion ?? 'base-rate',
      pSuccess: answer(stages.champion),
      baseRate: 0.7,
      challengerVersion: stages.challenger,
      answerClass: 'confident' as const,
      challengerP: stages.challenger === null ? null : answer(stages.challenger),
      featureSet: FEATURE_SET,
      backfilled: false,
      features,
      success,
      durationSeconds: runSeconds,
    })
    for (let first = running[0]; first !== undefined && first.outcomeAt <= at * 1000; first = running[0]) {
      course.add(first)
      running.shift()
    }
    if (i % Math.max(1, Math.floor(ROUND_S * perSecond)) !== 0) continue
    course.judge(at * 1000)
    if (stages.champion !== null) return { ...told, promotedAtS: at }
    if (lessonEndsAt === null) {
      if (course.due(at * 1000) !== null) lessonEndsAt = at + LESSON_S
    } else if (at >= lessonEndsAt) {
      lessonEndsAt = null
      told.trainings++
      const version = `v${told.trainings}`
      course.learnt({ weights: Buffer.from(version), sha256: version, card: '{}', heldOut: null }, at * 1000)
    }
  }
  return told
}

for (const [perSecond, runSeconds] of [
  [1, 300],
  [0.5, 600],
  [5, 60],
  [0.01, 6 * HOUR_S],
] as const) {
  test(`${perSecond} outcomes a second of runs that take ${runSeconds} s`, () => {
    const { promotedAtS } = live({ perSecond, runSeconds, sure: 0.95 }, 18)
    // min_samples outcomes, a lesson, then as many runs from start to end as a verdict needs.
    const soonest = 100 / perSecond + LESSON_S + 30 / perSecond + 2 * runSeconds
    assert.ok(
      promotedAtS !== null && promotedAtS <= soonest + 10 / perSecond + 2 * LESSON_S,
      `${promotedAtS} s, ${soonest}`,
    )
  })
}

test('challengers that are no better are replaced one by one, each after its verdict', () => {
  const { promotedAtS, trainings } = live({ perSecond: 1, runSeconds: 300, sure: 0.4 }, 6)
  assert.equal(promotedAtS, null)
  assert.ok(trainings > 10 && trainings < (6 * HOUR_S) / 300, `${trainings} trainings`)
})
