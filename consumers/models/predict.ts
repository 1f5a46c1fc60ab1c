/** One attempt, the past of its scopes and the model at hand become one prediction. Pure. */
import type { AnswerClass, RiskLevel } from '../../schemas/generated/events.ts'
import { answerClassOf, evidenceOf } from './answerClass.ts'
import type { AnswerRules } from './answerClass.ts'
import type { Attempt } from './attempt.ts'
import type { Past } from './past.ts'
import { smoothedFailure } from './baseRate.ts'
import type { Classifier, DurationRange } from './classifier.ts'
import { durationReference, featuresOf } from './features.ts'
import { riskLevelOf } from './riskLevel.ts'

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
    answerClass: answerClassOf(pSuccess, evidence, rules),
    riskLevel: riskLevelOf(pSuccess),
    duration: champion?.duration(features) ?? runningDuration(past.outcomes),
    evidence,
    baseRate,
    challengerVersion: challenger?.version ?? null,
    challengerP: challenger?.pSuccess(features) ?? null,
    features,
  }
}

/** z of the 90th percentile of a normal distribution. */
const Z_90 = 1.2816
/** Deviation of a log duration assumed before the service's own is known: a factor of 1.6. */
const LOG_DEVIATION = 0.5

/** Without a model: the running median, and a log-normal range about it from the service's own spread. */
function runningDuration(outcomes: Past['outcomes']): DurationRange | null {
  const median = durationReference(outcomes)
  if (median === null) return null
  const { varLogDuration, durations } = outcomes.service
  const deviation = durations >= 3 && varLogDuration > 0 ? Math.sqrt(varLogDuration) : LOG_DEVIATION
  const factor = Math.exp(Z_90 * deviation)
  return { p10: median / factor, p50: median, p90: median * factor }
}
