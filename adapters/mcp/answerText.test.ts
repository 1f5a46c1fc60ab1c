import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { answerText } from './answerText.ts'

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
