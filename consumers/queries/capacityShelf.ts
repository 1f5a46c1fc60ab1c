/** The capacity model that is champion, from the records of devops.models: weights under their digest, then their stage. */
import { createHash } from 'node:crypto'
import type { ModelRecord } from '../../schemas/generated/events.ts'
import { Forecaster } from '../models/forecaster.ts'
import { WeightsInvalid } from '../models/weights.ts'
import type { CapacityForecaster, QueryContext } from './context.ts'

const MODEL = 'capacity'
/** Weights without a stage yet wait for it; more than these are forgotten, oldest first. */
const WEIGHTS_MAX = 4

export interface CapacityShelf {
  /** Throws WeightsInvalid for weights that aren't what they are called, or that this program can't serve. */
  accept(record: ModelRecord): void
  champion(): CapacityForecaster | null
  list(): ReturnType<QueryContext['models']>
}

export function createCapacityShelf(): CapacityShelf {
  const loaded = new Map<string, Forecaster>()
  const stages = new Map<string, { stage: 'champion' | 'challenger'; since: number }>()
  const versionOf = (wanted: string): string | null =>
    [...stages].find(([version, { stage }]) => stage === wanted && loaded.has(version))?.[0] ?? null

  return {
    accept(record) {
      if (record.model !== MODEL) return
      const { kind, sha256, stage, weights } = record
      if (kind === 'weights') {
        if (weights === null || loaded.has(sha256)) return
        const digest = createHash('sha256').update(weights).digest('hex')
        if (digest !== sha256) throw new WeightsInvalid(`digest ${digest} under the name ${sha256}`)
        loaded.set(sha256, new Forecaster(weights))
      } else if (stage === null || stage === 'retired') stages.delete(sha256)
      else {
        // One version holds a stage; who held it before lost it by this record.
        for (const [version, held] of stages) if (held.stage === stage) stages.delete(version)
        stages.set(sha256, { stage, since: record.at })
      }
      const waiting = [...loaded.keys()].filter((version) => !stages.has(version))
      for (const version of waiting.slice(0, Math.max(waiting.length - WEIGHTS_MAX, 0))) loaded.delete(version)
    },
    champion() {
      const version = versionOf('champion')
      const forecaster = version === null ? undefined : loaded.get(version)
      if (version === null || forecaster === undefined) return null
      return {
        version,
        forecast: (hourly, firstHourMs, steps) => forecaster.forecast(hourly, firstHourMs, steps),
        backtest: (hourly) => forecaster.backtest(hourly),
      }
    },
    list: () =>
      [...stages]
        .filter(([version]) => loaded.has(version))
        .map(([version, { stage, since }]) => ({
          model: MODEL,
          stage,
          version,
          since: new Date(since).toISOString(),
        })),
  }
}
