/** Round after round: judge, publish, show the scores, start what is due. One training at a time, each in its own process. */
import { digestOf } from '../models/weights.ts'
import type { Course } from './course.ts'
import { judgeForecaster } from './judgeForecaster.ts'
import { stageRecord, weightsGone, weightsRecord } from './modelRecords.ts'
import type { ModelOutgoing } from './modelRecords.ts'
import type { PatternCourse } from './patternCourse.ts'
import type { Task, TaskResult } from './task.ts'
import type { TrainerTelemetry } from './telemetry.ts'

export interface LoopDeps {
  readonly courses: readonly Course[]
  readonly now: () => number
  readonly publish: (records: readonly ModelOutgoing[]) => Promise<void>
  readonly run: (task: Task) => Promise<TaskResult>
  /** Hourly series for the forecaster; none when none can be had. */
  readonly series: () => Promise<readonly Float64Array[]>
  readonly telemetry: TrainerTelemetry
  readonly nativeFolder: string | null
  /** A training that was stopped with the process did not fail. */
  readonly isStopping: () => boolean
  /** ms between two trainings of the forecaster. */
  readonly capacityIntervalMs: number
  readonly patterns: PatternCourse
}

export interface Loop {
  /** Doesn't wait for the training it may start; rejects when that, or one started before, failed for good. */
  round(): Promise<void>
  /** The training under way has ended. */
  idle(): Promise<void>
  /** The forecaster that answers now, as devops.models told at the start. */
  rememberCapacity(version: string, at: number): void
}

const CAPACITY = 'capacity'
const CAPACITY_SEED = 1
const PATTERNS = 'patterns'

export function createLoop(deps: LoopDeps): Loop {
  const { courses, now, publish, run, telemetry, nativeFolder } = deps
  let capacity: { readonly version: string; readonly at: number } | null = null
  let capacityTriedAt: number | null = null
  let training: Promise<void> | null = null
  let failure: Error | null = null

  const learnCourse = async (course: Course): Promise<void> => {
    const lesson = course.due(now())
    if (lesson === null) return
    const begin = now()
    const result = await run({ kind: 'classifier', nativeFolder, lesson })
    if (result.kind !== 'classifier') throw new TypeError(`asked for a classifier, got ${result.kind}`)
    const { learnt, backend } = result
    telemetry.trained(course.model, learnt.sha256, lesson.rows.length, backend, (now() - begin) / 1000)
    // With the verdict of held-out rows, which no restart has any more.
    await publish([...course.learnt(learnt, now()), ...course.judge(now())])
  }
  /**
   * The forecaster has no live scores yet: the newest answers if it beats seasonal naive on what was held out, and each answer shows
   * its error beside it.
   */
  const learnCapacity = async (): Promise<void> => {
    const lastAt = Math.max(capacity?.at ?? -Infinity, capacityTriedAt ?? -Infinity)
    if (now() - lastAt < deps.capacityIntervalMs) return
    const begin = now()
    const series = await deps.series()
    const result = await run({ kind: 'capacity', nativeFolder, seed: CAPACITY_SEED, series })
    if (result.kind !== 'capacity') throw new TypeError(`asked for a forecaster, got ${result.kind}`)
    const { weights, card, backend } = result
    const version = digestOf(weights)
    telemetry.trained(CAPACITY, version, series.length, backend, (now() - begin) / 1000)
    const verdict = judgeForecaster(card)
    if (!verdict.isBetter) {
      capacityTriedAt = now()
      telemetry.forecasterHeldBack(version, verdict.reason)
      return
    }
    const before = capacity
    capacity = { version, at: now() }
    if (before?.version === version) return
    telemetry.staged(CAPACITY, version, 'champion', 'won', verdict.reason)
    const text = JSON.stringify(card)
    await publish([
      weightsRecord(CAPACITY, version, weights, text, now()),
      stageRecord(CAPACITY, version, 'champion', text, now(), 'won'),
      ...(before === null ? [] : [weightsGone(before.version)]),
    ])
  }
  const attempted = async (model: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      // The rows stay; the next time is when more have come or the interval has passed.
      if ((error as { retryable?: unknown }).retryable !== true) throw error
      if (deps.isStopping()) return
      telemetry.trainingFailed(model, error)
      if (model === CAPACITY) capacityTriedAt = now()
    }
  }
  const learnAll = async (): Promise<void> => {
    for (const course of courses) await attempted(course.model, () => learnCourse(course))
    await attempted(PATTERNS, async () => publish(await deps.patterns.round(now, run)))
    await attempted(CAPACITY, learnCapacity)
  }
  return {
    rememberCapacity: (version, at) => {
      capacity = { version, at }
    },
    idle: async () => {
      await training
    },
    round: async () => {
      if (failure !== null) throw failure
      for (const course of courses) {
        await publish(course.judge(now()))
        await publish(course.report(now()))
      }
      training ??= learnAll()
        .catch((error: unknown) => {
          failure = error instanceof Error ? error : new Error(String(error))
        })
        .finally(() => {
          training = null
        })
    },
  }
}
