import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { EXPERTS, expertForecasts } from './forecastExperts.ts'
import { readHistory } from './forecastHistory.ts'
import { createRandom, normal } from './random.ts'

function noisy(seed: number, hours: number): Float64Array {
  const random = createRandom(seed)
  let walk = 100
  return Float64Array.from({ length: hours }, (_, t) => {
    walk += 0.2 * normal(random)
    return random() < 0.05 ? NaN : walk + 5 * Math.sin((2 * Math.PI * t) / 24) + normal(random)
  })
}

const cut = fc.record({
  seed: fc.integer(),
  hours: fc.integer({ min: 120, max: 600 }),
  share: fc.double({ min: 0.5, max: 0.95, noNaN: true }),
})

test('gaps are filled from the past alone', () => {
  fc.assert(
    fc.property(cut, ({ seed, hours, share }) => {
      const series = noisy(seed, hours)
      const end = Math.floor(hours * share)
      const lead = series.findIndex((value) => !Number.isNaN(value))
      const early = readHistory(series.slice(0, end))
      assert.deepEqual(early.values, readHistory(series).values.slice(0, end - lead))
      assert.ok(early.values.every(Number.isFinite))
    }),
  )
})

test('what comes after an origin changes nothing of its forecasts', () => {
  fc.assert(
    fc.property(cut, ({ seed, hours, share }) => {
      const { values, known } = readHistory(noisy(seed, hours))
      const origin = Math.max(48, Math.floor(values.length * share))
      const origins = [48, origin]
      const before = expertForecasts({ values: values.slice(0, origin), known: known.slice(0, origin) }, origins)
      const changed = values.map((value, t) => (t < origin ? value : -1e6))
      assert.deepEqual(expertForecasts({ values: changed, known }, origins), before)
    }),
  )
})

test('a regular week is forecast by those that know weeks, a regular day by all', () => {
  const day = Float64Array.from({ length: 500 }, (_, t) => 10 + Math.cos((2 * Math.PI * t) / 24))
  const [atDay = []] = expertForecasts(readHistory(day), [480])
  for (const [expert, forecast] of atDay.entries())
    forecast.forEach((value, h) => {
      const truth = 10 + Math.cos((2 * Math.PI * (480 + h)) / 24)
      assert.ok(Math.abs(value - truth) < 0.05, `${EXPERTS[expert] ?? '?'} hour ${h}: ${value} for ${truth}`)
    })

  // Hour 504 begins a day of rest after six working days.
  const load = (t: number): number => (Math.floor(t / 24) % 7 === 0 ? 1 : 5 + Math.sin((2 * Math.PI * t) / 24))
  const week = Float64Array.from({ length: 504 }, (_, t) => load(t))
  const [atWeek = []] = expertForecasts(readHistory(week), [504])
  const error = (expert: (typeof EXPERTS)[number]): number =>
    (atWeek[EXPERTS.indexOf(expert)] ?? new Float64Array()).reduce(
      (sum, value, h) => sum + Math.abs(value - load(504 + h)) / 24,
      0,
    )
  assert.ok(error('weekly') < 0.3 * error('seasonal_naive'), `${error('weekly')} against ${error('seasonal_naive')}`)
})
