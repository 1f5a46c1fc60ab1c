import * as tf from '@tensorflow/tfjs'

import { CHECKED_DAYS, FORECAST_FEATURES } from '../models/forecastOutlook.ts'
import { Forecaster } from '../models/forecaster.ts'
import type { Backtest } from '../models/forecaster.ts'
import { writeForecastWeights } from '../models/forecastWeights.ts'
import { createRandom, permutation } from '../models/random.ts'
import { fitQuantiles } from './capacityFit.ts'
import type { FitOptions } from './capacityFit.ts'
import { joinSamples, samplesOf, standardise } from './capacitySamples.ts'
import type { Samples } from './capacitySamples.ts'
import { syntheticSeries } from './capacitySynthetic.ts'

export interface CapacityTraining extends FitOptions {
  /** Synthetic series learnt from, and others that only judge. */
  readonly syntheticSeries: number
  readonly syntheticSeriesHeldOut: number
  /** Own series learnt from, drawn by the seed where there are more. */
  readonly ownSeriesMax: number
  /** Networks whose outputs are averaged. */
  readonly members: number
}

export const CAPACITY_TRAINING: CapacityTraining = {
  syntheticSeries: 600,
  syntheticSeriesHeldOut: 40,
  ownSeriesMax: 300,
  members: 3,
  hidden: [32, 16],
  steps: 500,
  batch: 1024,
  learningRate: 0.004,
}

const SYNTHETIC_HOURS = 600
/** Hours by which the origins in an own series are shifted against each other, to see each day from several sides. */
const PHASES = [0, 6, 12, 18] as const

export interface CapacityModel {
  readonly weights: Buffer
  readonly card: CapacityCard
}

export interface CapacityCard {
  readonly model: 'capacity'
  readonly seed: number
  readonly backend: string
  readonly features: readonly string[]
  readonly training: CapacityTraining
  readonly samples: { readonly synthetic: number; readonly own: number }
  /** On series or days that were not learnt from; null where there are none. */
  readonly heldOut: { readonly synthetic: HeldOut | null; readonly own: HeldOut | null }
}

/** Means over series. */
export interface HeldOut {
  readonly series: number
  readonly mase: number
  readonly maseSeasonalNaive: number
  readonly coverage80: number
}

/**
 * Learns the forecaster's network on seeded synthetic series and on own hourly `series` (oldest first, NaN = gap; may be none).
 * The active TF.js backend computes. Same seed, series and backend: same weights.
 */
export function trainCapacity(
  { seed, series }: { readonly seed: number; readonly series: readonly Float64Array[] },
  training: CapacityTraining = CAPACITY_TRAINING,
): CapacityModel {
  const random = createRandom(seed)
  const synthetic: Samples[] = []
  for (let i = 0; i < training.syntheticSeries; i++) synthetic.push(samplesOf(syntheticSeries(random, SYNTHETIC_HOURS)))
  const unseen = Array.from({ length: training.syntheticSeriesHeldOut }, () => syntheticSeries(random, SYNTHETIC_HOURS))
  const chosen = [...permutation(series.length, random).subarray(0, training.ownSeriesMax)].flatMap(
    (i) => series[i] ?? [],
  )
  const own = chosen.flatMap((one) => {
    // The days that a backtest judges are not learnt from: an error shown beside a forecast is one of days never seen.
    const learnt = one.subarray(0, Math.max(0, one.length - CHECKED_DAYS * 24))
    return PHASES.map((phase) => samplesOf(learnt, phase))
  })

  const counts = { synthetic: count(synthetic), own: count(own) }
  const samples = joinSamples([...synthetic, ...own])
  const { center, scale } = standardise(samples.rows, FORECAST_FEATURES.length)
  const networks = []
  for (let member = 0; member < training.members; member++)
    networks.push(fitQuantiles(samples, FORECAST_FEATURES.length, training, random))
  const weights = writeForecastWeights({ features: FORECAST_FEATURES, center, scale, networks })

  const forecaster = new Forecaster(weights)
  const card: CapacityCard = {
    model: 'capacity',
    seed,
    backend: tf.getBackend(),
    features: FORECAST_FEATURES,
    training,
    samples: counts,
    heldOut: {
      synthetic: meanOf(unseen.map((one) => forecaster.backtest(one))),
      own: meanOf(chosen.map((one) => forecaster.backtest(one))),
    },
  }
  return { weights, card }
}

const count = (parts: readonly Samples[]): number => parts.reduce((sum, { targets }) => sum + targets.length, 0)

function meanOf(backtests: readonly Backtest[]): HeldOut | null {
  const scored = backtests.flatMap(({ mase, maseSeasonalNaive, coverage80 }) =>
    mase === null || maseSeasonalNaive === null || coverage80 === null ? [] : [{ mase, maseSeasonalNaive, coverage80 }],
  )
  if (scored.length === 0) return null
  const mean = (of: keyof (typeof scored)[number]): number =>
    scored.reduce((sum, one) => sum + one[of], 0) / scored.length
  return {
    series: scored.length,
    mase: mean('mase'),
    maseSeasonalNaive: mean('maseSeasonalNaive'),
    coverage80: mean('coverage80'),
  }
}
