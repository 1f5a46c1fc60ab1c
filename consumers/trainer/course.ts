/**
 * The course of one model (deployments or CI runs): its scored rows, its stages, when it learns, who answers. Decides and tells; the
 * caller publishes and keeps time. The trainer drives it by the wall clock, `evaluate` by the clock of its data set.
 */
import { loadClassifier } from '../models/classifier.ts'
import { FEATURE_SET } from '../models/features.ts'
import { watchedBy } from './card.ts'
import type { Watched } from './card.ts'
import { inputDrift } from './inputDrift.ts'
import {
  OUTCOMES_MIN,
  judgeChallenger,
  judgeChampion,
  judgeFallBack,
  judgeHeldOut,
  lastLook,
  lookedAt,
} from './judge.ts'
import type { HeldOut } from './judge.ts'
import type { Learnt, Lesson } from './lesson.ts'
import { answererScores, liveScores } from './liveScores.ts'
import { scoresRecord } from './modelRecords.ts'
import type { ModelOutgoing, Slot } from './modelRecords.ts'
import { rollBack } from './rollBack.ts'
import type { RolledBack } from './rollBack.ts'
import { createRows } from './rows.ts'
import { isDue } from './schedule.ts'
import type { Schedule } from './schedule.ts'
import type { ScoredRow } from './scoredRow.ts'
import { Slots } from './slots.ts'
import type { Placed } from './slots.ts'
import type { TrainerTelemetry } from './telemetry.ts'

/** Rows kept of a model: some 15 MB of features. */
const ROWS_MAX = 20_000
/** Scores of windows of time change also while no outcome comes. */
const REPORT_MS = 600_000
/** Scores of who answers go to devops.models no more often. */
const SCORES_MS = 30_000
/** Live rows that inputs are watched by: of the last week, so that each day of it has its part, and at most so many. */
const DRIFT_MS = 7 * 86_400_000
const DRIFT_ROWS_MAX = 2000

/** Since when a version answers. */
type Tenure = Pick<Placed, 'version' | 'since'>

/** What is known of the challenger beside its slot. */
interface Trial {
  readonly heldOut: HeldOut | null
  /** Live outcomes that it answered in the shadow. */
  readonly shadow: ScoredRow[]
  /** Outcomes at the last look. */
  looked: number
  lost: boolean
}

export interface Course {
  readonly model: string
  /** A row of the ledger; known ones are passed by. */
  add(row: ScoredRow): void
  /** A slot as devops.models told at the start, before any row. */
  remember(slot: Slot, placed: Placed): void
  /** What to learn now, null when nothing is due. Counts as begun. */
  due(now: number): Lesson | null
  /** The lesson was learnt: a new challenger. */
  learnt(result: Learnt, now: number): readonly ModelOutgoing[]
  /** Promotions and demotions by the outcomes at hand. */
  judge(now: number): readonly ModelOutgoing[]
  /** See rollBack.ts. Throws NothingToRollBackTo. */
  rollBack(to: string | null, now: number): RolledBack
  /** Exports the live scores of the windows that end now, and the drift; the scores of who answers, where they are due. */
  report(now: number): readonly ModelOutgoing[]
  holder(slot: Slot): Placed | null
}

export function createCourse(model: string, schedule: Schedule, telemetry: TrainerTelemetry, seed = 0): Course {
  const rows = createRows(ROWS_MAX)
  const slots = new Slots(model, telemetry)
  const newTrial = (heldOut: HeldOut | null): Trial => ({ heldOut, shadow: [], looked: 0, lost: false })
  let trial = newTrial(null)
  let lastTrainedAt: number | null = null
  /** null: trained by a process before this one; the rows that the ledger holds at the start count as old. */
  let rowsAtLesson: number | null = 0
  let rowsAtNewWeights: number | null = 0
  let judgedAt = -1
  let reported = { rows: -1, at: 0 }
  let told = { rows: -1, at: -Infinity, answering: '' }

  const watched = remembered(watchedBy)
  /** Live outcomes that a version answered since it holds its place. */
  const isOwn = (row: ScoredRow, { version, since }: Tenure) => row.modelVersion === version && row.closedAt > since
  const ownOf = (held: Tenure) => rows.live(ROWS_MAX).filter((row) => isOwn(row, held))

  /** How many there were of the champion, those that are no longer kept too. */
  let counted: { readonly champion: Placed; outcomes: number } | null = null
  const countedOf = (champion: Placed) => {
    if (counted?.champion !== champion) counted = { champion, outcomes: ownOf(champion).length }
    return counted
  }

  const judgeTrial = (challenger: Placed) => {
    const look = lastLook(trial.shadow.length)
    if (look > trial.looked) {
      trial.looked = look
      // A restart reads the partitions of the ledger in another order.
      const known = trial.shadow.toSorted((a, b) => a.closedAt - b.closedAt)
      return judgeChallenger(known.slice(0, look), watched(challenger.card).baselines)
    }
    // Where live outcomes decide, held-out rows don't.
    if (trial.heldOut === null || slots.at('champion') !== null || rows.liveCount >= OUTCOMES_MIN) return null
    return judgeHeldOut(trial.heldOut)
  }
  const demoteIfWorse = (champion: Placed, now: number): readonly ModelOutgoing[] => {
    const own = ownOf(champion)
    const { outcomes } = countedOf(champion)
    const judged = judgeChampion(own, outcomes)
    if (judged.verdict !== 'lost') return []
    const previous = slots.at('previous')
    // What an operator took back doesn't come again by itself.
    if (previous === null || previous.cause === 'rolled_back')
      return slots.vacate(champion, 'demoted', judged.reason, now)
    const before = loadClassifier(previous.weights)
    const readable = lookedAt(own, outcomes).filter((row) => row.featureSet === FEATURE_SET)
    const fallBack = judgeFallBack(readable, (features) => before.pSuccess(features))
    const reason = `${judged.reason}; the version before ${fallBack.reason}`
    return fallBack.verdict === 'won'
      ? slots.fallBack('fell_back', reason, now)
      : slots.vacate(champion, 'demoted', reason, now)
  }
  const tellScores = (now: number): readonly ModelOutgoing[] => {
    const { answering } = slots
    const isSame = answering === told.answering
    if (isSame && (rows.added === told.rows || now < told.at + SCORES_MS)) return []
    const scores = answererScores(ownOf({ version: answering, since: slots.at('champion')?.since ?? -Infinity }))
    if (scores === null) return []
    told = { rows: rows.added, at: now, answering }
    return [scoresRecord(model, answering, scores, now)]
  }
  const reportDrift = (now: number): void => {
    const champion = slots.at('champion')
    const inputs = champion && watched(champion.card).inputs
    const live = champion === null ? [] : ownOf(champion).filter((row) => row.featureSet === FEATURE_SET)
    const lately = live.filter(({ closedAt }) => closedAt >= now - DRIFT_MS).slice(-DRIFT_ROWS_MAX)
    const features = lately.map((row) => row.features)
    telemetry.drifted(model, inputs && inputDrift(inputs, features))
  }
  return {
    model,
    holder: (slot) => slots.at(slot),
    add: (row) => {
      const champion = slots.at('champion')
      const held = champion && countedOf(champion)
      if (!rows.add(row) || row.backfilled) return
      if (held !== null && isOwn(row, held.champion)) held.outcomes++
      const challenger = slots.at('challenger')
      if (challenger !== null && row.challengerVersion === challenger.version && row.challengerP !== null)
        trial.shadow.push(row)
    },
    remember: (slot, placed) => {
      lastTrainedAt = Math.max(placed.since, lastTrainedAt ?? 0)
      rowsAtLesson = null
      rowsAtNewWeights = null
      slots.remember(slot, placed)
    },
    due: (now) => {
      rowsAtLesson ??= rows.added
      rowsAtNewWeights ??= rows.added
      const newRows = rows.added - rowsAtLesson
      const challenger = slots.at('challenger')
      const waiting = challenger && {
        outcomes: trial.shadow.length,
        lost: trial.lost,
        ageMs: now - challenger.since,
      }
      if (!isDue({ rows: rows.learnableCount, newRows, lastTrainedAt, challenger: waiting }, schedule, now)) return null
      lastTrainedAt = now
      rowsAtLesson = rows.added
      const learnable = rows.toLearn()
      const champion = slots.at('champion')
      // The weights at hand fit what they have seen ever closer: once the rows have doubled, new ones begin.
      const isNew = champion === null || rows.added >= 2 * rowsAtNewWeights
      if (isNew) rowsAtNewWeights = rows.added
      return {
        model,
        // Each lesson draws anew, the same for the same rows.
        seed: seed * 1_000_003 + rows.added,
        rows: learnable,
        holdOut: champion === null && rows.liveCount < OUTCOMES_MIN,
        start: isNew ? null : champion.weights,
        at: now,
      }
    },
    learnt: ({ weights, sha256, card, heldOut }, now) => {
      if (slots.holds(sha256)) return []
      trial = newTrial(heldOut)
      judgedAt = -1
      return slots.challenge({ version: sha256, card, weights }, now)
    },
    judge: (now) => {
      if (rows.added === judgedAt) return []
      judgedAt = rows.added
      const challenger = slots.at('challenger')
      const judgement = challenger && judgeTrial(challenger)
      if (challenger !== null && judgement !== null) {
        trial.lost = judgement.verdict === 'lost'
        if (judgement.verdict === 'won') return slots.promote(challenger, judgement.reason, now)
      }
      const champion = slots.at('champion')
      return champion === null ? [] : demoteIfWorse(champion, now)
    },
    rollBack: (to, now) => {
      const done = rollBack(slots, to, now)
      telemetry.rolledBack(model, done.from, done.to, done.changed)
      return done
    },
    report: (now) => {
      if (rows.added !== reported.rows || now >= reported.at + REPORT_MS) {
        reported = { rows: rows.added, at: now }
        telemetry.rowsKnown(model, rows.liveCount, rows.backfilledCount)
        for (const scores of liveScores(rows.live(ROWS_MAX), now)) telemetry.scored(model, scores)
        reportDrift(now)
      }
      return tellScores(now)
    },
  }
}

/** A card is parsed once: the last few of them. */
function remembered(parse: (card: string) => Watched): (card: string) => Watched {
  const known = new Map<string, Watched>()
  return (card) => {
    const found = known.get(card) ?? parse(card)
    if (known.size >= 4) known.clear()
    known.set(card, found)
    return found
  }
}
