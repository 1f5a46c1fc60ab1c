/** What happens in the trainer, logged and counted. */
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Log } from '../../runtime/telemetry/log.ts'
import type { LiveScores } from './liveScores.ts'
import { createDriftGauges } from './driftGauges.ts'
import type { GroupDrift } from './inputDrift.ts'
import type { Cause, Slot } from './modelRecords.ts'
import { createScoreGauges } from './scoreGauges.ts'

export interface TrainerTelemetry {
  trained(model: string, version: string, rows: number, backend: string, seconds: number): void
  trainingFailed(model: string, error: unknown): void
  staged(model: string, version: string, stage: Slot | 'retired', cause: Cause, reason: string): void
  /** An operator asked for it; `from` and `to` answer before and after. */
  rolledBack(model: string, from: string, to: string, changed: boolean): void
  /** Scores of live headlines of a model and of a plain baseline on the same outcomes, in one window. */
  scored(model: string, scores: LiveScores): void
  /** How far the inputs have moved from those that the champion learnt on; null where that is not known. */
  drifted(model: string, drift: readonly GroupDrift[] | null): void
  rowsKnown(model: string, live: number, backfilled: number): void
  modelUnreadable(model: string, error: unknown): void
  seriesUnavailable(error: unknown): void
  outcomesUnavailable(error: unknown): void
  forecasterHeldBack(version: string, reason: string): void
  /** `confirmed`: ids of patterns that later runs confirmed in this round. */
  patternsMined(runs: number, confirmed: readonly string[], seconds: number): void
}

/** `models`: their demotions and rollbacks count from 0, so that the first one is seen as a rise. */
export function createTrainerTelemetry(registry: Registry, log: Log, models: readonly string[]): TrainerTelemetry {
  const registers = [registry]
  const setScores = createScoreGauges(registry)
  const setDrift = createDriftGauges(registry)
  const outcomes = new Gauge({
    name: 'devops_scored_predictions',
    help: 'Scored predictions at hand; backfilled ones train and never count as live scores.',
    labelNames: ['model', 'backfilled'] as const,
    registers,
  })
  const trainings = new Counter({
    name: 'devops_model_trainings_total',
    help: 'Trainings, by model and result.',
    labelNames: ['model', 'result'] as const,
    registers,
  })
  const stages = new Counter({
    name: 'devops_model_stage_changes_total',
    help: 'Versions put into a stage, by the cause: demoted, fell_back and rolled_back are what to look at.',
    labelNames: ['model', 'stage', 'cause'] as const,
    registers,
  })
  for (const model of models) {
    for (const cause of ['fell_back', 'rolled_back'] as const) stages.inc({ model, stage: 'champion', cause }, 0)
    for (const cause of ['demoted', 'rolled_back'] as const) stages.inc({ model, stage: 'previous', cause }, 0)
  }
  const heldBack = new Counter({
    name: 'devops_forecasters_held_back_total',
    help: 'Trained forecasters that did not beat seasonal naive on what was held out.',
    registers,
  })
  const patterns = new Counter({
    name: 'devops_patterns_discovered_total',
    help: 'Patterns that runs later than those that found them confirmed.',
    registers,
  })
  return {
    trained: (model, version, rows, backend, seconds) => {
      trainings.inc({ model, result: 'done' })
      log.info({ event: 'model_trained', model, version, rows, backend, seconds }, 'a model was trained')
    },
    trainingFailed: (model, error) => {
      trainings.inc({ model, result: 'failed' })
      log.error({ event: 'model_training_failed', model, err: error }, 'a training failed')
    },
    staged: (model, version, stage, cause, reason) => {
      stages.inc({ model, stage, cause })
      const told = { event: 'model_staged', model, version, stage, cause, reason }
      if (cause === 'demoted' || cause === 'fell_back')
        log.warn(told, `a version became ${stage}: the champion was demoted`)
      else log.info(told, `a version became ${stage}`)
    },
    rolledBack: (model, from, to, changed) => {
      log.warn({ event: 'model_rolled_back', model, from, to, changed }, 'an operator asked for a rollback')
    },
    scored: setScores,
    drifted: setDrift,
    rowsKnown: (model, live, backfilled) => {
      outcomes.set({ model, backfilled: 'false' }, live)
      outcomes.set({ model, backfilled: 'true' }, backfilled)
    },
    modelUnreadable: (model, error) => {
      log.error({ event: 'model_unreadable', model, err: error }, 'a model record cannot be used')
    },
    forecasterHeldBack: (version, reason) => {
      heldBack.inc()
      log.warn(
        { event: 'forecaster_held_back', version, reason },
        'a forecaster that does not beat seasonal naive does not answer',
      )
    },
    patternsMined: (runs, confirmed, seconds) => {
      patterns.inc(confirmed.length)
      log.info({ event: 'patterns_mined', runs, confirmed, seconds }, 'patterns were mined')
    },
    outcomesUnavailable: (error) => {
      log.warn({ event: 'outcomes_unavailable', err: error }, 'patterns are mined later')
    },
    seriesUnavailable: (error) => {
      log.warn(
        { event: 'series_unavailable', err: error },
        'no own series: the forecaster learns on synthetic ones alone',
      )
    },
  }
}
