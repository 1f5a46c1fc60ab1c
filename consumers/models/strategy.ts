/** How to roll out at a given risk. */
import type { AnswerClass, RiskLevel } from '../../schemas/generated/events.ts'

export const STRATEGIES = ['rolling', 'canary', 'canary_with_hold', 'postpone'] as const
export type Strategy = (typeof STRATEGIES)[number]

const AT_RISK: Readonly<Record<RiskLevel, Strategy>> = {
  low: 'rolling',
  medium: 'canary',
  high: 'canary_with_hold',
  critical: 'postpone',
}

/**
 * The usual practice of progressive delivery: the likelier a failure, the fewer users see it first. Without evidence a few see it
 * first, whatever the base rate says, and nobody is told to wait.
 */
export function strategyOf(risk: RiskLevel, answerClass: AnswerClass): Strategy {
  if (answerClass !== 'not_enough_evidence') return AT_RISK[risk]
  return risk === 'low' || risk === 'medium' ? 'canary' : 'canary_with_hold'
}
