import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { HISTORY_HOURS_MAX, missingHours } from './forecastHistory.ts'
import { Forecaster, NotEnoughHistory } from './forecaster.ts'
import { FORECAST_FEATURES } from './forecastOutlook.ts'
import { writeForecastWeights } from './forecastWeights.ts'
import { createRandom, normal } from './random.ts'
import { WeightsInvalid } from './packedWeights.ts'

/** Any weights must give sane forecasts: these were never trained. */
function untrained(seed: number, features: readonly string[] = FORECAST_FEATURES): Forecaster {
  const random = createRandom(seed)
  const layer = (inputs: number, outputs: number) => ({
    inputs,
    outputs,
    kernel: Float32Array.from({ length: inputs * outputs }, () => 0.3 * normal(random)),
    bias: Float32Array.from({ length: outputs }, () => 0.3 * normal(random)),
  })
  const width = features.length
  return new Forecaster(
    writeForecastWeights({
      features,
      center: new Float32Array(width),
      scale: new Float32Array(width).fill(1),
      networks: [{ layers: [layer(width, 8), layer(8, 3)] }],
    }),
  )
}

interface Shape {
  readonly hours: number
  readonly level: number
  readonly swing: number
  readonly noise: number
  readonly gaps: number
  readonly seed: number
}

function seriesOf({ hours, level, swing, noise, gaps, seed }: Shape): Float64Array {
  const random = createRandom(seed)
  return Float64Array.from({ length: hours }, (_, t) => {
    const value = level + swing * Math.sin((2 * Math.PI * t) / 24) + noise * normal(random)
    return random() < gaps ? NaN : value
  })
}

const daily = (hours: number, noise = 0.3): Float64Array =>
  seriesOf({ hours, level: 50, swing: 10, noise, gaps: 0, seed: 5 })

const shapes: fc.Arbitrary<Shape> = fc.record({
  hours: fc.integer({ min: 150, max: 900 }),
  level: fc.double({ min: -1e6, max: 1e9, noNaN: true }),
  swing: fc.double({ min: 0, max: 1e6, noNaN: true }),
  noise: fc.constantFrom(0, 1e-6, 1, 1e5),
  gaps: fc.constantFrom(0, 0.02, 0.3),
  seed: fc.integer(),
})

test('quantiles are finite and never cross, whatever the series and the weights', () => {
  fc.assert(
    fc.property(shapes, fc.integer(), (shape, seed) => {
      const { p10, p50, p90, seasonalNaive } = untrained(seed).forecast(seriesOf(shape), 0)
      for (let h = 0; h < 24; h++) {
        const [low, middle, high] = [p10[h] ?? NaN, p50[h] ?? NaN, p90[h] ?? NaN]
        assert.ok(low <= middle && middle <= high, `hour ${h}: ${low} ${middle} ${high}`)
        assert.ok(Number.isFinite(low) && Number.isFinite(high) && Number.isFinite(seasonalNaive[h]))
      }
    }),
    { numRuns: 150 },
  )
})

test('the unit of a series does not matter', () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(1e-6, 0.001, 7, 1e6), (seed, factor) => {
      const series = seriesOf({ hours: 400, level: 20, swing: 5, noise: 1, gaps: 0.02, seed })
      const forecaster = untrained(seed)
      const plain = forecaster.forecast(series, 0)
      const scaled = forecaster.forecast(
        series.map((value) => value * factor),
        0,
      )
      for (const name of ['p10', 'p50', 'p90'] as const)
        plain[name].forEach((value, h) => {
          const other = (scaled[name][h] ?? NaN) / factor
          assert.ok(Math.abs(other - value) < 1e-3, `${name} ${h}: ${other} for ${value}`)
        })
    }),
    { numRuns: 40 },
  )
})

test('three observed days are the least', () => {
  const forecaster = untrained(1)
  assert.equal(missingHours(new Float64Array(0)), 72)
  assert.equal(missingHours(daily(71)), 1)
  assert.throws(
    () => forecaster.forecast(daily(71), 0),
    (error) => error instanceof NotEnoughHistory && error.missingHours === 1,
  )
  assert.equal(missingHours(daily(72)), 0)
  assert.equal(forecaster.forecast(daily(72), 0).p50.length, 24)
})

test('hours from before a long silence do not count', () => {
  const silent = daily(600)
  silent.fill(NaN, 240)
  assert.equal(missingHours(silent), 72)
  silent.fill(50, 560)
  assert.equal(missingHours(silent), 32)
})

test('a series that stood still goes on standing still', () => {
  for (const level of [0, 5, -3, 1e9]) {
    const { p10, p90 } = untrained(2).forecast(new Float64Array(300).fill(level), 0)
    const most = 1e-6 * Math.max(1e-3, Math.abs(level))
    for (const value of [...p10, ...p90]) assert.ok(Math.abs(value - level) <= most, `${value} for ${level}`)
  }
})

test('a gap of a day changes the forecast of a regular series little', () => {
  const whole = daily(500)
  const holed = whole.slice()
  holed.fill(NaN, 440, 464)
  const forecaster = untrained(3)
  const [a, b] = [forecaster.forecast(whole, 0), forecaster.forecast(holed, 0)]
  a.seasonalNaive.forEach((value, h) => {
    assert.ok(Math.abs(value - (b.seasonalNaive[h] ?? NaN)) < 2)
    assert.ok(Math.abs((a.p50[h] ?? NaN) - (b.p50[h] ?? NaN)) < 2)
  })
})

test('leading gaps and an unobserved last day are bridged', () => {
  const series = daily(300)
  series.fill(NaN, 0, 100)
  series.fill(NaN, 280)
  const { p50, seasonalNaive } = untrained(4).forecast(series, 0)
  assert.ok([...p50, ...seasonalNaive].every(Number.isFinite))
})

test('what was never negative is not forecast negative', () => {
  const bursts = Float64Array.from({ length: 400 }, (_, t) => (t % 24 === 3 ? 100 : 0))
  for (let seed = 0; seed < 20; seed++)
    assert.ok(
      untrained(seed)
        .forecast(bursts, 0)
        .p10.every((value) => value >= 0),
    )
})

test('time is UTC: where a series begins only dates its forecast', () => {
  const forecaster = untrained(5)
  const beforeSummerTime = Date.UTC(2026, 2, 28)
  const a = forecaster.forecast(daily(400), 0)
  const b = forecaster.forecast(daily(400), beforeSummerTime)
  assert.equal(b.firstHourMs, beforeSummerTime + 400 * 3_600_000)
  assert.deepEqual(b.p50, a.p50)
})

test('fewer steps are the first ones of a day', () => {
  const forecaster = untrained(6)
  assert.deepEqual(forecaster.forecast(daily(200), 0, 5).p90, forecaster.forecast(daily(200), 0).p90.slice(0, 5))
  assert.throws(() => forecaster.forecast(daily(200), 0, 25), RangeError)
  assert.throws(() => forecaster.forecast(daily(200), 0, 0), RangeError)
})

test('a backtest judges past days from the hours before each', () => {
  const series = daily(400)
  const forecaster = untrained(7)
  const { windows, mase, maseSeasonalNaive, coverage80 } = forecaster.backtest(series, 2)
  assert.equal(windows, 2)

  const first = 400 - 48
  let scale = 0
  for (let t = 24; t < first; t++) scale += Math.abs((series[t] ?? NaN) - (series[t - 24] ?? NaN)) / (first - 24)
  let missed = 0
  let naive = 0
  for (const origin of [first, first + 24]) {
    const { p50 } = forecaster.forecast(series.slice(0, origin), 0)
    p50.forEach((value, h) => {
      const truth = series[origin + h] ?? NaN
      missed += Math.abs(truth - value) / 48
      naive += Math.abs(truth - (series[origin + h - 24] ?? NaN)) / 48
    })
  }
  assert.ok(Math.abs((mase ?? NaN) - missed / scale) < 1e-9)
  assert.ok(Math.abs((maseSeasonalNaive ?? NaN) - naive / scale) < 1e-9)
  assert.ok(coverage80 !== null && coverage80 >= 0 && coverage80 <= 1)
})

test('a backtest of too little or of nothing but sameness has no error to tell', () => {
  assert.deepEqual(untrained(8).backtest(daily(80)), {
    windows: 0,
    mase: null,
    maseSeasonalNaive: null,
    coverage80: null,
  })
  assert.equal(untrained(8).backtest(new Float64Array(300).fill(4)).mase, null)
})

test('weights made for other features are refused', () => {
  assert.throws(() => untrained(9, FORECAST_FEATURES.slice(1)), WeightsInvalid)
})

test('hours before the last four weeks cost nothing and change nothing', () => {
  const forecaster = untrained(10)
  const years = daily(20_000)
  const weeks = years.subarray(years.length - HISTORY_HOURS_MAX)
  assert.deepEqual(forecaster.forecast(years, 0).p50, forecaster.forecast(weeks, 0).p50)
})
