/** How far an answer may be relied on. */
import type { AnswerClass } from '../../schemas/generated/events.ts'

export interface AnswerRules {
  /** learning.training.min_samples */
  readonly minSamples: number
  /** learning.prediction.confidence_threshold */
  readonly confidenceThreshold: number
}

/** Rows of other services count a tenth: services differ more than runs of one service do. */
const POOLED_WORTH = 0.1
/** Other services alone never make enough evidence: they count for half of what is asked at most. */
const POOLED_SHARE_MAX = 0.5

/** Effective samples behind an answer: outcomes of the service itself, plus what a model brings from others. */
export function evidenceOf(serviceOutcomes: number, modelRows: number, rules: AnswerRules): number {
  const others = Math.max(modelRows - serviceOutcomes, 0)
  return serviceOutcomes + Math.min(others * POOLED_WORTH, rules.minSamples * POOLED_SHARE_MAX)
}

/** `confidentFrom`: what the model has learnt of its own answers, see confidentFrom.ts; it can only ask for more than the rules. */
export function answerClassOf(
  pSuccess: number,
  evidence: number,
  rules: AnswerRules,
  confidentFrom: number,
): AnswerClass {
  if (evidence < rules.minSamples) return 'not_enough_evidence'
  const needed = Math.max(rules.confidenceThreshold, confidentFrom)
  return Math.max(pSuccess, 1 - pSuccess) >= needed ? 'confident' : 'uncertain'
}
