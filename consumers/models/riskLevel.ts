/** A word for the probability of failure. Bounds: usual (< 0.1), worth a look (< 0.3), a failure in three or more, likelier than not (≥ 0.6). */
import type { RiskLevel } from '../../schemas/generated/events.ts'

export function riskLevelOf(pSuccess: number): RiskLevel {
  const failure = 1 - pSuccess
  if (failure < 0.1) return 'low'
  if (failure < 0.3) return 'medium'
  return failure < 0.6 ? 'high' : 'critical'
}
