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
  /** One more outcome in the ledger. */
  heard(): void
  /** The set that devops.models told at the start. */
  remember(set: PatternSet): void
  /** Mines where it is due: each interval, and sooner where much has come. Rejects like `run`, and where the outcomes cannot be had; then it is due again after a while. */
  round(now: () => number, run: (task: Task) => Promise<TaskResult>): Promise<readonly ModelOutgoing[]>
}

const SEED = 1
/** Least time between two rounds: consumers may still be restoring, and history comes in for a while. */
const AGAIN_MS = 30_000
/** So many times the outcomes of the last round are news, as when history was brought in. */
const GROWTH = 1.1

export function createPatternCourse(options: PatternCourseOptions): PatternCourse {
  const { intervalMs, runsMin, similarity, outcomes, telemetry } = options
  let known = EMPTY_SET
  let triedAt = -Infinity
  let heard = 0
  /** null: mined by a process before this one; the outcomes that the ledger holds at the start count as old. */
  let heardAtRound: number | null = 0
  const isDue = (now: number): boolean => {
    heardAtRound ??= heard
    if (heard < runsMin || now - triedAt < Math.min(AGAIN_MS, intervalMs)) return false
    return now - known.at >= intervalMs || heard >= GROWTH * heardAtRound
  }
  return {
    heard: () => {
      heard++
    },
    remember: (set) => {
      known = set
      heardAtRound = null
    },
    round: async (now, run) => {
      const begin = now()
      if (!isDue(begin)) return []
      triedAt = begin
      const heardNow = heard
      const rows = await outcomes()
      if (rows.length < runsMin) return []
      const result = await run({
        kind: 'patterns',
        seed: SEED,
        round: { known, rows, now: begin, similarity, runsMin },
      })
      if (result.kind !== 'patterns') throw new TypeError(`asked for patterns, got ${result.kind}`)
      const before = confirmedOf(known)
      const confirmed = [...confirmedOf(result.set)].filter((id) => !before.has(id))
      known = result.set
      heardAtRound = heardNow
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
