import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from 'prom-client'
import { FEATURES, FEATURE_SET } from '../models/features.ts'
import { liveScores } from './liveScores.ts'
import type { ScoredRow } from './scoredRow.ts'
import { createScoreGauges } from './scoreGauges.ts'

const DAY_MS = 86_400_000

const row = (i: number, success: boolean, pSuccess: number): ScoredRow => ({
  predictionId: `p${i}`,
  outcomeAt: i * DAY_MS,
  closedAt: i * DAY_MS,
  modelVersion: 'a',
  pSuccess,
  baseRate: 0.6,
  answerClass: pSuccess > 0.7 ? 'confident' : 'uncertain',
  challengerVersion: null,
  challengerP: null,
  featureSet: FEATURE_SET,
  backfilled: false,
  features: new Float32Array(FEATURES),
  success,
  durationSeconds: 10,
})

test('each window has its own samples, and a figure that is known no more has none', async () => {
  const registry = new Registry()
  const set = createScoreGauges(registry)
  const samples = async (now: number) => {
    for (const scores of liveScores([row(0, false, 0.2), row(1, true, 0.9), row(20, true, 0.8)], now))
      set('ci_run', scores)
    const lines = (await registry.metrics()).split('\n')
    return (name: string, window: string) =>
      lines
        .filter((line) => line.startsWith(`${name}{`) && line.includes(`window="${window}"`))
        .map((line) => Number(line.split(' ').at(-1)))
  }
  let of = await samples(20 * DAY_MS)
  assert.deepEqual(of('devops_model_accuracy', 'last_1000'), [1, 2 / 3])
  assert.deepEqual(of('devops_model_auc', '30d'), [1, 0.5])
  // Nothing failed in the last week: neither pairs nor failures to capture.
  assert.deepEqual([of('devops_model_auc', '7d'), of('devops_model_failure_capture', '7d')], [[], []])
  assert.deepEqual(of('devops_model_scored_outcomes', '7d'), [1])
  assert.deepEqual(of('devops_model_confident_coverage', '30d'), [2 / 3])
  assert.deepEqual(of('devops_model_confident_accuracy', '30d'), [1])

  of = await samples(49 * DAY_MS)
  assert.deepEqual([of('devops_model_auc', '30d'), of('devops_model_auc', 'last_1000')], [[], [1, 0.5]])
  assert.deepEqual([of('devops_prediction_success_rate', '30d'), of('devops_model_scored_outcomes', '7d')], [[1], [0]])
  assert.deepEqual(of('devops_prediction_success_rate', '7d'), [])
})
