/** One attempt, the past of its scopes and the model at hand become one prediction. Pure. */
import type { AnswerClass, RiskLevel } from '../../schemas/generated/events.ts'
import { answerClassOf, evidenceOf } from './answerClass.ts'
import type { AnswerRules } from './answerClass.ts'
import type { Attempt } from './attempt.ts'
import { ANY_ANSWER } from './confidentFrom.ts'
import type { Past } from './past.ts'
import { smoothedFailure } from './baseRate.ts'
import type { Classifier } from './classifier.ts'
import { featuresOf } from './features.ts'
import { riskLevelOf } from './riskLevel.ts'
import { foretell } from './timing.ts'
import type { DurationRange } from './timing.ts'

export const BASE_RATE_VERSION = 'base-rate'

export interface Prediction {
  readonly modelVersion: string
  readonly pSuccess: number
  readonly answerClass: AnswerClass
  readonly riskLevel: RiskLevel
  readonly duration: DurationRange | null
  readonly evidence: number
  /** Smoothed share of successes of the service. */
  readonly baseRate: number
  readonly challengerVersion: string | null
  readonly challengerP: number | null
  readonly features: Float32Array
}

/** `champion` null: the base rate answers. The challenger answers in the shadow and changes nothing. */
export function predict(
  attempt: Attempt,
  past: Past,
  champion: Classifier | null,
  challenger: Classifier | null,
  rules: AnswerRules,
): Prediction {
  const features = featuresOf(attempt, past)
  const { service } = past.outcomes
  const baseRate = 1 - smoothedFailure(service)
  const pSuccess = champion === null ? baseRate : champion.pSuccess(features)
  const evidence = evidenceOf(service.count, champion?.rows ?? 0, rules)
  return {
    modelVersion: champion?.version ?? BASE_RATE_VERSION,
    pSuccess,
    answerClass: answerClassOf(pSuccess, evidence, rules, champion?.confidentFrom ?? ANY_ANSWER),
    riskLevel: riskLevelOf(pSuccess),
    duration: foretell(past) ?? champion?.typicalDuration ?? null,
    evidence,
    baseRate,
    challengerVersion: challenger?.version ?? null,
    challengerP: challenger?.pSuccess(features) ?? null,
    features,
  }
}
