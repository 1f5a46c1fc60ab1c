/**
 * Learning while the replay runs: the trainer's own course on the scored rows so far, by the clock of the data set. Its records go to
 * the shelf as the consumer would read them; only the waiting is left out: a lesson takes no time of that clock.
 */
import type { Shelf } from '../consumers/models/shelf.ts'
import { createCourse } from '../consumers/trainer/course.ts'
import { learn } from '../consumers/trainer/lesson.ts'
import type { ModelOutgoing } from '../consumers/trainer/modelRecords.ts'
import { stageRecord, weightsRecord } from '../consumers/trainer/modelRecords.ts'
import type { Schedule } from '../consumers/trainer/schedule.ts'
import type { ScoredRow } from '../consumers/trainer/scoredRow.ts'
import { silentTelemetry } from '../consumers/trainer/silentTelemetry.ts'
import type { TrainerTelemetry } from '../consumers/trainer/telemetry.ts'
import { digestOf } from '../consumers/models/weights.ts'

const MODEL = 'ci_run'

export interface Learning {
  add(row: ScoredRow): void
  /** One round of the trainer at `now`, ms of the data set's clock. */
  round(now: number): Promise<void>
  /** Weights of the champion; null while the base rate answers. */
  weights(): Buffer | null
}

/** `say` gets what a trainer's log would tell. */
export function createLearning(shelf: Shelf, schedule: Schedule, seed: number, say: (line: string) => void): Learning {
  const course = createCourse(MODEL, schedule, telemetryOf(say), seed)
  const weights = new Map<string, Buffer>()
  const publish = async (records: readonly ModelOutgoing[]) => {
    for (const { value } of records) {
      if (value === null) continue
      if (value.weights !== null) weights.set(value.sha256, value.weights)
      await shelf.accept(value)
    }
  }
  return {
    add: (row) => {
      course.add(row)
    },
    round: async (now) => {
      await publish(course.judge(now))
      const lesson = course.due(now)
      if (lesson === null) return
      const begin = performance.now()
      const learnt = learn(lesson)
      const seconds = ((performance.now() - begin) / 1000).toFixed(1)
      say(`learnt from ${lesson.rows.length} scored rows in ${seconds} s${lesson.start === null ? ', anew' : ''}`)
      await publish(course.learnt(learnt, now))
      await publish(course.judge(now))
    },
    weights: () => weights.get(shelf.champion(MODEL)?.version ?? '') ?? null,
  }
}

/** As champion of CI runs, from the start. */
export async function putOnShelf(shelf: Shelf, weights: Buffer): Promise<void> {
  const version = digestOf(weights)
  for (const { value } of [
    weightsRecord(MODEL, version, weights, '{}', 0),
    stageRecord(MODEL, version, 'champion', '{}', 0, 'won'),
  ])
    if (value !== null) await shelf.accept(value)
}

const telemetryOf = (say: (line: string) => void): TrainerTelemetry => ({
  ...silentTelemetry,
  staged: (_model, version, stage, cause, reason) => {
    say(`${version.slice(0, 8)} ${stage}, ${cause}: ${reason}`)
  },
})
