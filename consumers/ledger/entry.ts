/** Entries of the ledger, from a prediction and what became of it. */
import type { CensorReason, LedgerEntry, LedgerKind } from '../../schemas/generated/events.ts'
import { FEATURE_SET } from '../models/features.ts'
import type { Prediction } from '../models/predict.ts'
import type { PredictedSubject } from '../models/attempt.ts'
import type { Headline } from './attachment.ts'
import { entryId } from './predictionId.ts'

/** Whose prediction it is, and when the entry arises. */
export interface EntryContext {
  readonly service: string
  readonly environment: string
  readonly trace: string | null
  readonly subjectKey: string
  readonly attempt: number
  readonly occurredAt: number
  /** LogAppendTime of the event that caused it; of the question for asked. */
  readonly receivedAt: number
  readonly backfilled: boolean
}

export function headlineFrom(predictionId: string, model: PredictedSubject, prediction: Prediction): Headline {
  return {
    predictionId,
    model,
    modelVersion: prediction.modelVersion,
    pSuccess: prediction.pSuccess,
    answerClass: prediction.answerClass,
    riskLevel: prediction.riskLevel,
    durationP10: prediction.duration?.p10 ?? null,
    durationP50: prediction.duration?.p50 ?? null,
    durationP90: prediction.duration?.p90 ?? null,
    evidence: prediction.evidence,
    baseRate: prediction.baseRate,
    challengerVersion: prediction.challengerVersion,
    challengerP: prediction.challengerP,
    featureSet: FEATURE_SET,
    features: Array.from(prediction.features),
  }
}

/** What happened: an outcome that counts is scored, anything else is censored. */
export interface Outcome {
  readonly at: number
  /** null: censored */
  readonly success: boolean | null
  readonly censoredBy: CensorReason | null
  readonly durationSeconds: number | null
}

export function predictedEntry(kind: 'headline' | 'asked', headline: Headline, context: EntryContext): LedgerEntry {
  return entry(kind, headline, context, null)
}

export function closedEntry(headline: Headline, context: EntryContext, outcome: Outcome): LedgerEntry {
  return entry(outcome.success === null ? 'censored' : 'scored', headline, context, outcome)
}

function entry(kind: LedgerKind, headline: Headline, context: EntryContext, outcome: Outcome | null): LedgerEntry {
  return {
    id: entryId(headline.predictionId, kind),
    occurredAt: context.occurredAt,
    receivedAt: context.receivedAt,
    source: 'consumer',
    service: context.service,
    environment: context.environment,
    trace: context.trace,
    kind,
    subjectKey: context.subjectKey,
    attempt: context.attempt,
    backfilled: context.backfilled,
    ...headline,
    success: kind === 'scored' ? (outcome?.success ?? null) : null,
    durationSeconds: kind === 'scored' ? (outcome?.durationSeconds ?? null) : null,
    outcomeAt: outcome?.at ?? null,
    censoredBy: kind === 'censored' ? (outcome?.censoredBy ?? null) : null,
  }
}
