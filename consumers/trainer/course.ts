/**
 * The course of one model (deployments or CI runs): its scored rows, its stages, when it learns, who answers. Decides and tells; the
 * caller publishes and keeps time.
 */
import { scoresOf } from '../ledger/scores.ts'
import { judgeChallenger, judgeChampion } from './judge.ts'
import type { HeldOut, Verdict } from './judge.ts'
import type { Learnt, Lesson } from './lesson.ts'
import { stageRecord, vacantRecord, weightsGone, weightsRecord } from './modelRecords.ts'
import type { ModelOutgoing } from './modelRecords.ts'
import { createRows } from './rows.ts'
import { isDue } from './schedule.ts'
import type { Schedule } from './schedule.ts'
import type { ScoredRow } from './scoredRow.ts'
import type { TrainerTelemetry } from './telemetry.ts'

/** Rows kept of a model: some 15 MB of features. */
const ROWS_MAX = 20_000
/** Live outcomes that tell how a model does now. */
const LIVE_MAX = 1000

interface Staged {
  readonly version: string
  readonly card: string
}

export interface Course {
  readonly model: string
  /** A row of the ledger; known ones are passed by. */
  add(row: ScoredRow): void
  /** A stage as devops.models told at the start. */
  remember(stage: 'champion' | 'challenger', version: string, card: string, since: number): void
  /** What to learn now, null when nothing is due. Counts as begun. */
  due(now: number): Lesson | null
  /** The lesson was learnt: a new challenger. */
  learnt(result: Learnt, now: number): readonly ModelOutgoing[]
  /** Promotions and demotions by the outcomes at hand. */
  judge(now: number): readonly ModelOutgoing[]
  /** Exports the live scores. */
  report(): void
}

export function createCourse(model: string, schedule: Schedule, telemetry: TrainerTelemetry): Course {
  const rows = createRows(ROWS_MAX)
  let champion: Staged | null = null
  let challenger: (Staged & { readonly heldOut: HeldOut | null }) | null = null
  let lastTrainedAt: number | null = null
  /** null: trained by a process before this one; the rows that the ledger holds at the start count as old. */
  let rowsAtTraining: number | null = 0
  let judgedAt = -1
  let reportedAt = -1

  const stage = (entry: Staged, to: 'challenger' | 'champion', reason: string, now: number) => {
    telemetry.staged(model, entry.version, to, reason)
    return stageRecord(model, entry.version, to, entry.card, now)
  }
  /** Its slot has a new holder already: only its weights are left. */
  const replaced = (entry: Staged | null, reason: string): readonly ModelOutgoing[] => {
    if (entry === null) return []
    telemetry.staged(model, entry.version, 'retired', reason)
    return [weightsGone(entry.version)]
  }
  const promote = (verdict: Verdict, winner: Staged, now: number) => {
    const before = champion
    champion = winner
    challenger = null
    return [stage(winner, 'champion', verdict.reason, now), ...replaced(before, 'a better one came')]
  }
  const demote = (verdict: Verdict, loser: Staged, now: number) => {
    champion = null
    const vacant = vacantRecord(model, loser.version, 'champion', loser.card, now)
    return [vacant, ...replaced(loser, verdict.reason)]
  }
  return {
    model,
    add: (row) => {
      rows.add(row)
    },
    remember: (to, version, card, since) => {
      lastTrainedAt = Math.max(since, lastTrainedAt ?? 0)
      rowsAtTraining = null
      if (to === 'champion') champion = { version, card }
      else challenger = { version, card, heldOut: null }
    },
    due: (now) => {
      const learnable = rows.toLearn()
      rowsAtTraining ??= rows.added
      const progress = { rows: learnable.length, newRows: rows.added - rowsAtTraining, lastTrainedAt }
      if (!isDue(progress, schedule, now)) return null
      lastTrainedAt = now
      rowsAtTraining = rows.added
      return { model, seed: learnable.length, rows: learnable, holdOut: champion === null }
    },
    learnt: ({ weights, sha256, card, heldOut }, now) => {
      if (sha256 === champion?.version || sha256 === challenger?.version) return []
      const before = challenger
      challenger = { version: sha256, card, heldOut }
      return [
        weightsRecord(model, sha256, weights, card, now),
        stage(challenger, 'challenger', 'newly learnt', now),
        ...replaced(before, 'a newer challenger came'),
      ]
    },
    judge: (now) => {
      // Nothing new, nothing to judge; a fresh challenger may be judged by held-out rows at once.
      const state = rows.added * 2 + (challenger?.heldOut == null ? 0 : 1)
      if (state === judgedAt) return []
      judgedAt = state
      const live = rows.live(LIVE_MAX)
      if (challenger !== null) {
        const verdict = judgeChallenger(challenger.version, live, challenger.heldOut, champion !== null)
        if (verdict.act) return promote(verdict, challenger, now)
      }
      if (champion !== null) {
        const verdict = judgeChampion(champion.version, live)
        if (verdict.act) return demote(verdict, champion, now)
      }
      return []
    },
    report: () => {
      if (rows.added === reportedAt) return
      reportedAt = rows.added
      const live = rows.live(LIVE_MAX)
      telemetry.rowsKnown(model, rows.liveCount, rows.backfilledCount)
      const headline = scoresOf(live.map(({ pSuccess, success }) => ({ p: pSuccess, success })))
      const baseRate = scoresOf(live.map((row) => ({ p: row.baseRate, success: row.success })))
      if (headline !== null) telemetry.scored(model, 'headline', headline)
      if (baseRate !== null) telemetry.scored(model, 'base_rate', baseRate)
    },
  }
}
