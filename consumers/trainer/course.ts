/**
 * The course of one model (deployments or CI runs): its scored rows, its stages, when it learns, who answers. Decides and tells; the
 * caller publishes and keeps time. The trainer drives it by the wall clock, `evaluate` by the clock of its data set.
 */
import { OUTCOMES_MIN, judgeChallenger, judgeChampion, judgeHeldOut, nextLook } from './judge.ts'
import type { HeldOut } from './judge.ts'
import type { Learnt, Lesson } from './lesson.ts'
import { liveScores } from './liveScores.ts'
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
/** Scores of windows of time change also while no outcome comes. */
const REPORT_MS = 600_000

export interface Version {
  readonly version: string
  readonly card: string
  readonly weights: Buffer
}

interface Challenger extends Version {
  readonly since: number
  readonly heldOut: HeldOut | null
  /** Live outcomes that it answered in the shadow. */
  readonly shadow: ScoredRow[]
  nextLook: number
  lost: boolean
}

export interface Course {
  readonly model: string
  /** A row of the ledger; known ones are passed by. */
  add(row: ScoredRow): void
  /** A stage as devops.models told at the start, before any row. */
  remember(stage: 'champion' | 'challenger', version: Version, since: number): void
  /** What to learn now, null when nothing is due. Counts as begun. */
  due(now: number): Lesson | null
  /** The lesson was learnt: a new challenger. */
  learnt(result: Learnt, now: number): readonly ModelOutgoing[]
  /** Promotions and demotions by the outcomes at hand. */
  judge(now: number): readonly ModelOutgoing[]
  /** Exports the live scores of the windows that end now. */
  report(now: number): void
}

export function createCourse(model: string, schedule: Schedule, telemetry: TrainerTelemetry, seed = 0): Course {
  const rows = createRows(ROWS_MAX)
  let champion: Version | null = null
  let challenger: Challenger | null = null
  let lastTrainedAt: number | null = null
  /** null: trained by a process before this one; the rows that the ledger holds at the start count as old. */
  let rowsAtLesson: number | null = 0
  let rowsAtNewWeights: number | null = 0
  let judgedAt = -1
  let reported = { rows: -1, at: 0 }

  const stage = (entry: Version, to: 'challenger' | 'champion', reason: string, now: number) => {
    telemetry.staged(model, entry.version, to, reason)
    return stageRecord(model, entry.version, to, entry.card, now)
  }
  /** Its slot has a new holder already: only its weights are left. */
  const replaced = (entry: Version | null, reason: string): readonly ModelOutgoing[] => {
    if (entry === null) return []
    telemetry.staged(model, entry.version, 'retired', reason)
    return [weightsGone(entry.version)]
  }
  const promote = (winner: Version, reason: string, now: number) => {
    const before = champion
    champion = winner
    challenger = null
    return [stage(winner, 'champion', reason, now), ...replaced(before, 'a better one came')]
  }
  const demote = (loser: Version, reason: string, now: number) => {
    champion = null
    const vacant = vacantRecord(model, loser.version, 'champion', loser.card, now)
    return [vacant, ...replaced(loser, reason)]
  }
  const begin = (version: Version, since: number, heldOut: HeldOut | null): Challenger => ({
    ...version,
    since,
    heldOut,
    shadow: [],
    nextLook: OUTCOMES_MIN,
    lost: false,
  })
  const judgeBy = (waiting: Challenger) => {
    if (waiting.shadow.length >= waiting.nextLook) {
      waiting.nextLook = nextLook(waiting.shadow.length)
      return judgeChallenger(waiting.shadow)
    }
    // Where live outcomes decide, held-out rows don't.
    if (waiting.heldOut === null || champion !== null || rows.liveCount >= OUTCOMES_MIN) return null
    return judgeHeldOut(waiting.heldOut)
  }
  return {
    model,
    add: (row) => {
      if (!rows.add(row) || row.backfilled) return
      if (challenger !== null && row.challengerVersion === challenger.version && row.challengerP !== null)
        challenger.shadow.push(row)
    },
    remember: (to, version, since) => {
      lastTrainedAt = Math.max(since, lastTrainedAt ?? 0)
      rowsAtLesson = null
      rowsAtNewWeights = null
      if (to === 'champion') champion = version
      else challenger = begin(version, since, null)
    },
    due: (now) => {
      rowsAtLesson ??= rows.added
      rowsAtNewWeights ??= rows.added
      const newRows = rows.added - rowsAtLesson
      const waiting = challenger && {
        outcomes: challenger.shadow.length,
        lost: challenger.lost,
        ageMs: now - challenger.since,
      }
      if (!isDue({ rows: rows.learnableCount, newRows, lastTrainedAt, challenger: waiting }, schedule, now)) return null
      lastTrainedAt = now
      rowsAtLesson = rows.added
      const learnable = rows.toLearn()
      // The weights at hand fit what they have seen ever closer: once the rows have doubled, new ones begin.
      const isNew = champion === null || rows.added >= 2 * rowsAtNewWeights
      if (isNew) rowsAtNewWeights = rows.added
      return {
        model,
        // Each lesson draws anew, the same for the same rows.
        seed: seed * 1_000_003 + rows.added,
        rows: learnable,
        holdOut: champion === null && rows.liveCount < OUTCOMES_MIN,
        start: isNew ? null : (champion?.weights ?? null),
      }
    },
    learnt: ({ weights, sha256, card, heldOut }, now) => {
      if (sha256 === champion?.version || sha256 === challenger?.version) return []
      const before = challenger
      challenger = begin({ version: sha256, card, weights }, now, heldOut)
      judgedAt = -1
      return [
        weightsRecord(model, sha256, weights, card, now),
        stage(challenger, 'challenger', 'newly learnt', now),
        ...replaced(before, 'a newer challenger came'),
      ]
    },
    judge: (now) => {
      if (rows.added === judgedAt) return []
      judgedAt = rows.added
      const judgement = challenger && judgeBy(challenger)
      if (challenger !== null && judgement !== null) {
        challenger.lost = judgement.verdict === 'lost'
        if (judgement.verdict === 'won') return promote(challenger, judgement.reason, now)
      }
      if (champion !== null) {
        const { verdict, reason } = judgeChampion(champion.version, rows.live(LIVE_MAX))
        if (verdict === 'lost') return demote(champion, reason, now)
      }
      return []
    },
    report: (now) => {
      if (rows.added === reported.rows && now < reported.at + REPORT_MS) return
      reported = { rows: rows.added, at: now }
      telemetry.rowsKnown(model, rows.liveCount, rows.backfilledCount)
      for (const scores of liveScores(rows.live(ROWS_MAX), now)) telemetry.scored(model, scores)
    },
  }
}
