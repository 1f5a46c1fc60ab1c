import assert from 'node:assert/strict'
import test from 'node:test'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { answerText } from './answerText.ts'

const FRESH = { freshThrough: null, complete: true, incompleteReason: null, completeSince: null }

function service(count: number): QueryOutput<'get_service'> {
  const outcomes = { finished: count, failed: 0, streak: -count, lastDays: [] }
  return {
    service: 'production/shop',
    environment: 'production',
    tier: 'production',
    firstSeenAt: 't',
    lastEventAt: 't',
    deployments: count,
    ciRuns: count,
    series: count,
    outcomes: { deployment: outcomes, ci_run: outcomes },
    recent: [],
    openIncidents: [],
    ...FRESH,
  }
}

test('one of a kind is told in the singular', () => {
  assert.match(answerText('get_service', service(1), 'm'), /^1 deployment \(.*1 failure in a row\), 1 CI run \(/)
  assert.match(
    answerText('get_service', service(12_345), 'm'),
    /^12345 deployments \(.*, 12345 CI runs \(.* 0 open incidents/,
  )
  const none = { items: [], nextCursor: null, ...FRESH }
  assert.equal(answerText('list_deployments', none, 'm'), '0 deployments and CI runs.')
})

test('a target that is missed is named', () => {
  const target = (name: string, p99Ms: number | null) => ({ name, targetMs: 50, p99Ms })
  const targets = [target('a', 51), target('b', 50), target('c', null)]
  const health = { status: 'ok' as const, memoryAlert: 'none', shards: [], models: [], targets, ...FRESH }
  const text = answerText('get_health', health, 'm')
  assert.deepEqual(text.split('\n').slice(1), [
    'a: p99 51 ms, target 50 ms, missed',
    'b: p99 50 ms, target 50 ms',
    'c: p99 unknown, target 50 ms',
  ])
})

const forecast = (mase: number | null, maseSeasonalNaive: number | null): QueryOutput<'forecast_capacity'> => ({
  series: null,
  status: 'ok',
  detail: null,
  modelVersion: 'v',
  hours: [{ at: '2026-01-05T10:00:00Z', p10: 1, p50: 2, p90: 3, seasonalNaive: 2 }],
  backtest: { windows: 7, mase, maseSeasonalNaive },
  freshThrough: null,
  complete: true,
  incompleteReason: null,
  completeSince: null,
})
const textOf = (answer: QueryOutput<'forecast_capacity'>): string => answerText('forecast_capacity', answer, 'mark')

test('a forecast is told with the errors of the model and of seasonal naive', () => {
  const text = textOf(forecast(0.5, 1))
  assert.match(text, /model 0\.5, seasonal naive 1\./)
  assert.doesNotMatch(text, /better/)
})

test('where seasonal naive did better, the text says to go by it', () => {
  assert.match(textOf(forecast(1.2, 0.9)), /model 1\.2, seasonal naive 0\.9\. Seasonal naive was the better forecast/)
})

test('a series that could not be judged has no errors to tell', () => {
  assert.doesNotMatch(textOf(forecast(null, null)), /MASE/)
})

test('a prediction is told with who answered and how right that was lately, beside the base rate', () => {
  const prediction: QueryOutput<'predict_deployment'> = {
    predictionId: 'p',
    service: 'production/shop',
    subject: 'deployment',
    pSuccess: 0.9,
    answerClass: 'confident',
    riskLevel: 'low',
    durationSeconds: null,
    evidence: {
      effectiveSamples: 200,
      minSamples: 100,
      serviceOutcomes: 200,
      baseRate: 0.8,
      baseRateInterval: { low: 0.7, high: 0.9 },
      assumed: {},
      missing: null,
    },
    modelVersion: 'abcdef0123456789',
    liveScore: {
      outcomes: 240,
      from: '2026-01-01T00:00:00Z',
      to: '2026-01-05T00:00:00Z',
      accuracy: 0.82,
      logLoss: 0.4,
      brier: 0.12,
      baseRate: { accuracy: 0.75, logLoss: 0.55, brier: 0.18 },
    },
    explanation: null,
    similarCases: [],
    lowerRisk: [],
    strategy: null,
    freshThrough: null,
    complete: true,
    incompleteReason: null,
    completeSince: null,
  }
  const text = answerText('predict_deployment', prediction, 'mark')
  assert.match(
    text,
    /Answered by model abcdef012345; on its last 240 live outcomes: accuracy 82\.0 %, Brier 0\.120, log loss 0\.400 \(base rate: 75\.0 %, 0\.180, 0\.550\)\./,
  )
  const plain = answerText('predict_deployment', { ...prediction, modelVersion: 'base-rate', liveScore: null }, 'mark')
  assert.match(plain, /Answered by the smoothed base rate; it has no live score yet\./)
})
