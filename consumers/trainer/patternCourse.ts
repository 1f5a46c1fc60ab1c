/** When patterns are mined anew, and from what. */
import { EMPTY_SET, SUBJECTS } from '../patterns/patternSet.ts'
import type { PatternSet, SubjectRow } from '../patterns/patternSet.ts'
import { patternsRecord } from './modelRecords.ts'
import type { ModelOutgoing } from './modelRecords.ts'
import type { Task, TaskResult } from './task.ts'
import type { TrainerTelemetry } from './telemetry.ts'

export interface PatternCourseOptions {
  /** ms between two rounds. */
  readonly intervalMs: number
  /** Fewer runs are not mined. */
  readonly runsMin: number
  /** learning.patterns.similarity_threshold */
  readonly similarity: number
  readonly outcomes: () => Promise<readonly SubjectRow[]>
  readonly telemetry: Pick<TrainerTelemetry, 'patternsMined'>
}

export interface PatternCourse {
  /** The set that devops.models told at the start. */
  remember(set: PatternSet): void
  /** Mines where it is due. Rejects like `run`, and where the outcomes cannot be had; then it is due again after a while. */
  round(now: () => number, run: (task: Task) => Promise<TaskResult>): Promise<readonly ModelOutgoing[]>
}

const SEED = 1
/** After a round that had too few runs or failed: consumers may still be restoring. */
const AGAIN_MS = 60_000

export function createPatternCourse(options: PatternCourseOptions): PatternCourse {
  const { intervalMs, runsMin, similarity, outcomes, telemetry } = options
  let known = EMPTY_SET
  let triedAt = -Infinity
  return {
    remember: (set) => {
      known = set
    },
    round: async (now, run) => {
      const begin = now()
      if (begin - known.at < intervalMs || begin - triedAt < Math.min(AGAIN_MS, intervalMs)) return []
      triedAt = begin
      const rows = await outcomes()
      if (rows.length < runsMin) return []
      const result = await run({ kind: 'patterns', seed: SEED, round: { known, rows, now: begin, similarity } })
      if (result.kind !== 'patterns') throw new TypeError(`asked for patterns, got ${result.kind}`)
      const before = confirmedOf(known)
      const confirmed = [...confirmedOf(result.set)].filter((id) => !before.has(id))
      known = result.set
      telemetry.patternsMined(rows.length, confirmed, (now() - begin) / 1000)
      return [patternsRecord(known)]
    },
  }
}

const confirmedOf = ({ subjects }: PatternSet): ReadonlySet<string> =>
  new Set(
    SUBJECTS.flatMap((subject) =>
      subjects[subject].patterns.flatMap(({ id, status }) => (status === 'confirmed' ? [`${subject} ${id}`] : [])),
    ),
  )
