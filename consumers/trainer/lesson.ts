/** One training of a deployment or CI run model: what is given, what is learnt, and the card that tells of it. */
import { scoresOf } from '../ledger/scores.ts'
import { loadClassifier } from '../models/classifier.ts'
import { FEATURES, FEATURE_SET } from '../models/features.ts'
import { TRAINING, trainClassifier } from '../models/train.ts'
import type { TrainingRow } from '../models/train.ts'
import { digestOf, serialise } from '../models/weights.ts'
import type { HeldOut } from './judge.ts'

export interface LessonRow extends TrainingRow {
  readonly baseRate: number
  readonly outcomeAt: number
  readonly backfilled: boolean
}

export interface Lesson {
  readonly model: string
  readonly seed: number
  /** In the order of time. */
  readonly rows: readonly LessonRow[]
  /** Keep the last rows out of learning: while no champion is there, they judge. Else live outcomes do, and all rows teach. */
  readonly holdOut: boolean
}

export interface Learnt {
  readonly weights: Buffer
  readonly sha256: string
  /** Model card, JSON. */
  readonly card: string
  readonly heldOut: HeldOut
}

const HELD_OUT_SHARE = 0.2

export function learn(lesson: Lesson): Learnt {
  const cut = lesson.holdOut ? Math.floor(lesson.rows.length * (1 - HELD_OUT_SHARE)) : lesson.rows.length
  const earlier = lesson.rows.slice(0, cut)
  const weights = serialise(trainClassifier(earlier, { ...TRAINING, seed: lesson.seed }))
  const classifier = loadClassifier(weights)
  const heldOut = lesson.rows.slice(cut).map(({ features, baseRate, success }) => ({
    p: classifier.pSuccess(features),
    baseRate,
    success,
  }))
  return { weights, sha256: digestOf(weights), card: cardOf(lesson, earlier, heldOut), heldOut: { rows: heldOut } }
}

function cardOf(lesson: Lesson, learnt: readonly LessonRow[], heldOut: HeldOut['rows']): string {
  const time = (at: number | undefined) => (at === undefined ? null : new Date(at).toISOString())
  return JSON.stringify({
    model: lesson.model,
    label: 'rollout_failed',
    featureSet: FEATURE_SET,
    features: FEATURES,
    training: { ...TRAINING, seed: lesson.seed },
    learnt: {
      rows: learnt.length,
      backfilled: learnt.filter((row) => row.backfilled).length,
      failed: learnt.filter((row) => !row.success).length,
      from: time(learnt[0]?.outcomeAt),
      to: time(learnt.at(-1)?.outcomeAt),
    },
    heldOut: {
      model: scoresOf(heldOut),
      baseRate: scoresOf(heldOut.map(({ baseRate, success }) => ({ p: baseRate, success }))),
    },
  })
}
