/** The model card: what a version learnt from and how, how right it was on later rows, and what it is watched by. JSON. */
import { scoresOf } from '../ledger/scores.ts'
import type { Scores } from '../ledger/scores.ts'
import type { Baselines, PlainAnswers } from './baselines.ts'
import type { InputReference } from './inputDrift.ts'

export interface HeldOutRow {
  readonly p: number
  readonly plain: PlainAnswers
  readonly success: boolean
}

export interface ModelCard {
  readonly model: string
  /** What is foretold. */
  readonly label: string
  readonly learntAt: string
  readonly featureSet: string
  readonly features: readonly string[]
  /** Options of the training with its seed, and the version it went on from. */
  readonly training: Readonly<Record<string, unknown>>
  readonly learnt: {
    readonly rows: number
    readonly backfilled: number
    readonly failed: number
    readonly from: string | null
    readonly to: string | null
  }
  /** By predictor on the last rows, of weights learnt from the rows before these, beside the plain answers; none where nothing was held out. */
  readonly heldOut: Readonly<Record<string, Scores | null>>
  readonly baselines: Baselines
  readonly inputs: readonly InputReference[]
}

/** Scores of held-out rows by predictor. */
export function heldOutScores(rows: readonly HeldOutRow[]): ModelCard['heldOut'] {
  const names = Object.keys(rows[0]?.plain ?? {})
  const plain = names.map(
    (name) => [name, scoresOf(rows.map((row) => ({ p: row.plain[name] ?? NaN, success: row.success })))] as const,
  )
  return { model: scoresOf(rows), ...Object.fromEntries(plain) }
}

/** What is read of a card to judge and to watch its model; null where a card has none. */
export interface Watched {
  readonly baselines: Baselines | null
  readonly inputs: readonly InputReference[] | null
}

export function watchedBy(card: string): Watched {
  const { baselines = null, inputs = null } = JSON.parse(card) as Partial<ModelCard>
  return { baselines, inputs }
}
