/** For tests: a live row that the base rate answered, its outcome known by second `i`. */
import { FEATURES, FEATURE_SET } from '../models/features.ts'
import type { ScoredRow } from './scoredRow.ts'

export function scoredRow(i: number, over: Partial<ScoredRow> = {}): ScoredRow {
  return {
    predictionId: `p${i}`,
    outcomeAt: i * 1000,
    closedAt: i * 1000,
    modelVersion: 'base-rate',
    pSuccess: 0.7,
    baseRate: 0.7,
    challengerVersion: null,
    answerClass: 'confident',
    challengerP: null,
    featureSet: FEATURE_SET,
    backfilled: false,
    features: new Float32Array(FEATURES),
    success: i % 3 !== 0,
    durationSeconds: 10,
    ...over,
  }
}
