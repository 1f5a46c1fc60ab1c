/** What happens in the trainer, logged and counted. */
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Log } from '../../runtime/telemetry/log.ts'
import type { Scores } from '../ledger/scores.ts'

export interface TrainerTelemetry {
  trained(model: string, version: string, rows: number, backend: string, seconds: number): void
  trainingFailed(model: string, error: unknown): void
  staged(model: string, version: string, stage: 'challenger' | 'champion' | 'retired', reason: string): void
  /** Scores of live headlines of a model and of a plain baseline on the same outcomes. */
  scored(model: string, predictor: 'headline' | 'base_rate', scores: Scores): void
  rowsKnown(model: string, live: number, backfilled: number): void
  modelUnreadable(model: string, error: unknown): void
  seriesUnavailable(error: unknown): void
  forecasterHeldBack(version: string, reason: string): void
}

export function createTrainerTelemetry(registry: Registry, log: Log): TrainerTelemetry {
  const registers = [registry]
  const perPredictor = (name: string, help: string) =>
    new Gauge({ name, help, labelNames: ['model', 'predictor'] as const, registers })
  const accuracy = perPredictor('devops_model_accuracy', 'Share of live outcomes where the likelier outcome came.')
  const logLoss = perPredictor('devops_model_log_loss', 'Mean log loss on live outcomes, natural logarithm.')
  const brier = perPredictor('devops_model_brier_score', 'Mean squared error of the probability on live outcomes.')
  const auc = perPredictor('devops_model_auc', 'Area under the ROC curve on live outcomes.')
  const ece = perPredictor('devops_model_calibration_error', 'Expected calibration error on live outcomes.')
  const success = new Gauge({
    name: 'devops_prediction_success_rate',
    help: 'Share of live headline predictions whose likelier outcome came.',
    labelNames: ['model'] as const,
    registers,
  })
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
    help: 'Versions put into a stage.',
    labelNames: ['model', 'stage'] as const,
    registers,
  })
  const heldBack = new Counter({
    name: 'devops_forecasters_held_back_total',
    help: 'Trained forecasters that did not beat seasonal naive on what was held out.',
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
    staged: (model, version, stage, reason) => {
      stages.inc({ model, stage })
      log.info({ event: 'model_staged', model, version, stage, reason }, `a version became ${stage}`)
    },
    scored: (model, predictor, scores) => {
      const labels = { model, predictor }
      accuracy.set(labels, scores.accuracy)
      logLoss.set(labels, scores.logLoss)
      brier.set(labels, scores.brier)
      ece.set(labels, scores.ece)
      if (scores.auc !== null) auc.set(labels, scores.auc)
      if (predictor === 'headline') success.set({ model }, scores.accuracy)
    },
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
    seriesUnavailable: (error) => {
      log.warn(
        { event: 'series_unavailable', err: error },
        'no own series: the forecaster learns on synthetic ones alone',
      )
    },
  }
}
