/** One training of a deployment or CI run model: what is given, what is learnt, and the card that tells of it. */
import { createClassifier } from '../models/classifier.ts'
import { confidentFrom } from '../models/confidentFrom.ts'
import { FEATURE_NAMES, FEATURE_SET } from '../models/features.ts'
import { BASE_RATE_VERSION } from '../models/predict.ts'
import { TRAINING, trainClassifier } from '../models/train.ts'
import type { TrainingRow } from '../models/train.ts'
import { deserialise, digestOf, serialise } from '../models/weights.ts'
import type { ClassifierWeights } from '../models/weights.ts'
import { learnBaselines, plainAnswers } from './baselines.ts'
import { heldOutScores } from './card.ts'
import type { ModelCard } from './card.ts'
import { referenceOf } from './inputDrift.ts'
import { OUTCOMES_MIN } from './judge.ts'
import type { HeldOut } from './judge.ts'

export interface LessonRow extends TrainingRow {
  readonly baseRate: number
  /** Who answered at the start of the attempt, and how. */
  readonly modelVersion: string
  readonly pSuccess: number
  readonly outcomeAt: number
  readonly backfilled: boolean
}

export interface Lesson {
  readonly model: string
  readonly seed: number
  /** In the order of time. */
  readonly rows: readonly LessonRow[]
  /** The last rows judge first what the earlier ones taught. */
  readonly holdOut: boolean
  /** Weights to go on from; null: new ones. */
  readonly start: Buffer | null
  /** When it began, ms. */
  readonly at: number
}

export interface Learnt {
  readonly weights: Buffer
  readonly sha256: string
  /** Model card, JSON. */
  readonly card: string
  /** null: live outcomes judge alone. */
  readonly heldOut: HeldOut | null
}

const HELD_OUT_SHARE = 0.2

/** Enough for a verdict, but never more than half. */
const heldOutOf = (rows: number): number =>
  Math.min(Math.max(OUTCOMES_MIN, Math.floor(rows * HELD_OUT_SHARE)), Math.floor(rows / 2))

/**
 * Where rows are held out, they judge what the earlier ones taught; then all are learnt from in the same way, since the freshest teach
 * most. What was judged is the way of learning, a little short of rows.
 */
export function learn(lesson: Lesson): Learnt {
  const { rows, seed } = lesson
  const start = lesson.start === null ? null : deserialise(lesson.start)
  const heldOutRows = lesson.holdOut ? heldOutOf(rows.length) : 0
  const cut = rows.length - heldOutRows
  const train = (taught: readonly LessonRow[]) => trainClassifier(taught, { ...TRAINING, seed }, start)
  const earlier = train(rows.slice(0, cut))
  const judge = createClassifier(earlier, 'earlier')
  const baselines = learnBaselines(rows.slice(0, cut))
  const heldOut = rows.slice(cut).map((row) => ({
    p: judge.pSuccess(row.features),
    plain: plainAnswers(baselines, row),
    success: row.success,
  }))
  const learnt = heldOutRows === 0 ? earlier : train(rows)
  const weights = serialise({ ...learnt, confidentFrom: boundOf(lesson, heldOut, start) })
  return {
    weights,
    sha256: digestOf(weights),
    card: cardOf(lesson, heldOut),
    heldOut: heldOutRows === 0 ? null : { rows: heldOut },
  }
}

/** By held-out rows, else as the weights at hand have it, else by what models answered live. */
function boundOf({ rows }: Lesson, heldOut: HeldOut['rows'], start: ClassifierWeights | null): number {
  if (heldOut.length > 0) return confidentFrom(heldOut)
  if (start !== null) return start.confidentFrom
  const answered = rows.filter(({ backfilled, modelVersion }) => !backfilled && modelVersion !== BASE_RATE_VERSION)
  return confidentFrom(answered.map(({ pSuccess, success }) => ({ p: pSuccess, success })))
}

function cardOf({ model, seed, rows, start, at }: Lesson, heldOut: HeldOut['rows']): string {
  const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString())
  const card: ModelCard = {
    model,
    label: 'rollout_failed',
    learntAt: new Date(at).toISOString(),
    featureSet: FEATURE_SET,
    features: FEATURE_NAMES,
    training: { ...TRAINING, seed, start: start === null ? null : digestOf(start) },
    learnt: {
      rows: rows.length,
      backfilled: rows.filter((row) => row.backfilled).length,
      failed: rows.filter((row) => !row.success).length,
      from: time(rows[0]?.outcomeAt),
      to: time(rows.at(-1)?.outcomeAt),
    },
    heldOut: heldOutScores(heldOut),
    baselines: learnBaselines(rows),
    inputs: referenceOf(rows.map((row) => row.features)),
  }
  return JSON.stringify(card)
}
