/** The forecaster that is champion, from the records of devops.models: weights under their digest, and the stage that a version holds. */
import type { ModelRecord } from '../../schemas/generated/events.ts'
import { Forecaster } from './forecaster.ts'
import type { Backtest, Forecast } from './forecaster.ts'
import { WeightsInvalid } from './packedWeights.ts'
import { digestOf } from './weights.ts'

const MODEL = 'capacity'
/** Weights without a stage wait for it: a restart reads the compacted topic, where one may come long after the other. */
const WAITING_MAX = 4

export interface ServedForecaster {
  /** Digest of the weights. */
  readonly version: string
  forecast(hourly: Float64Array, firstHourMs: number, steps?: number): Forecast
  backtest(hourly: Float64Array): Backtest
}

export interface StagedForecaster {
  readonly model: string
  readonly version: string
  readonly stage: 'champion' | 'challenger'
  readonly since: number
}

export interface ForecastShelf {
  /** Records of other models are passed by. Throws WeightsInvalid for weights that don't match their digest or this program. */
  accept(record: ModelRecord): void
  champion(): ServedForecaster | null
  /** Versions that can be served. */
  list(): readonly StagedForecaster[]
}

export function createForecastShelf(): ForecastShelf {
  const loaded = new Map<string, Forecaster>()
  const stages = new Map<string, StagedForecaster>()
  const list = () => [...stages.values()].filter(({ version }) => loaded.has(version))

  return {
    accept: (record) => {
      if (record.model !== MODEL) return
      const { kind, sha256, stage, weights } = record
      if (kind === 'weights') {
        if (weights === null || loaded.has(sha256)) return
        const digest = digestOf(weights)
        if (digest !== sha256) throw new WeightsInvalid(`digest ${digest} under the name ${sha256}`)
        loaded.set(sha256, new Forecaster(weights))
      } else if (kind === 'scores') return
      else if (stage !== 'champion' && stage !== 'challenger') stages.delete(sha256)
      else {
        // One version holds a stage; who held it before lost it by this record.
        for (const [version, held] of stages) if (held.stage === stage) stages.delete(version)
        stages.set(sha256, { model: MODEL, version: sha256, stage, since: record.at })
      }
      const waiting = [...loaded.keys()].filter((version) => !stages.has(version))
      for (const version of waiting.slice(0, Math.max(waiting.length - WAITING_MAX, 0))) loaded.delete(version)
    },
    champion: () => {
      const version = list().find(({ stage }) => stage === 'champion')?.version
      const forecaster = version === undefined ? undefined : loaded.get(version)
      if (version === undefined || forecaster === undefined) return null
      return {
        version,
        forecast: (hourly, firstHourMs, steps) => forecaster.forecast(hourly, firstHourMs, steps),
        backtest: (hourly) => forecaster.backtest(hourly),
      }
    },
    list,
  }
}
