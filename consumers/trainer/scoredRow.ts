/** A scored entry of the ledger as the trainer keeps it. */
import type { AnswerClass, LedgerEntry } from '../../schemas/generated/events.ts'
import type { TrainingRow } from '../models/train.ts'

export interface ScoredRow extends TrainingRow {
  readonly predictionId: string
  readonly outcomeAt: number
  /** When its outcome was read, LogAppendTime, ms. */
  readonly closedAt: number
  readonly modelVersion: string
  readonly pSuccess: number
  readonly baseRate: number
  readonly answerClass: AnswerClass
  readonly challengerVersion: string | null
  readonly challengerP: number | null
  readonly featureSet: string
  readonly backfilled: boolean
}

/** Null for entries that are not scored. */
export function scoredRowOf(entry: LedgerEntry): ScoredRow | null {
  if (entry.kind !== 'scored' || entry.success === null) return null
  return {
    predictionId: entry.predictionId,
    outcomeAt: entry.outcomeAt ?? entry.occurredAt,
    closedAt: entry.receivedAt,
    modelVersion: entry.modelVersion,
    pSuccess: entry.pSuccess,
    baseRate: entry.baseRate,
    answerClass: entry.answerClass,
    challengerVersion: entry.challengerVersion,
    challengerP: entry.challengerP,
    featureSet: entry.featureSet,
    backfilled: entry.backfilled,
    features: Float32Array.from(entry.features),
    success: entry.success,
    durationSeconds: entry.durationSeconds,
  }
}
