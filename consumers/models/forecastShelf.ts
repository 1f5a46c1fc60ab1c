import type { ModelRecord } from '../../schemas/generated/events.ts'
import { Forecaster } from './forecaster.ts'
import { WeightsInvalid, digestOf } from './weights.ts'

export interface ServedForecaster {
  readonly forecaster: Forecaster
  /** Digest of the weights. */
  readonly version: string
}

/** The champion forecaster, as the records of devops.models name it; other models' records are passed by. */
export interface ForecastShelf {
  /** Throws WeightsInvalid for weights that don't match their digest or this program. */
  accept(record: ModelRecord): void
  champion(): ServedForecaster | null
}

/** Weights that are no champion (yet): a restart reads the compacted topic, where a stage may come long after its weights. */
const WAITING_MAX = 4

export function createForecastShelf(): ForecastShelf {
  const loaded = new Map<string, Forecaster>()
  let championVersion: string | null = null

  function forget(): void {
    const waiting = [...loaded.keys()].filter((version) => version !== championVersion)
    for (const version of waiting.slice(0, Math.max(0, waiting.length - WAITING_MAX))) loaded.delete(version)
  }

  return {
    accept: (record) => {
      if (record.model !== 'capacity') return
      if (record.kind === 'stage') {
        if (record.stage === 'champion') championVersion = record.sha256
        else if (record.stage === 'retired' && championVersion === record.sha256) championVersion = null
      } else if (record.weights !== null && !loaded.has(record.sha256)) {
        const digest = digestOf(record.weights)
        if (digest !== record.sha256) throw new WeightsInvalid(`digest ${digest} under the name ${record.sha256}`)
        loaded.set(digest, new Forecaster(record.weights))
      }
      forget()
    },
    champion: () => {
      const forecaster = championVersion === null ? undefined : loaded.get(championVersion)
      return forecaster === undefined || championVersion === null ? null : { forecaster, version: championVersion }
    },
  }
}
