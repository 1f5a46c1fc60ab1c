/** Live scores as metrics, by model, predictor and window. A figure that is not known has no sample. */
import { Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Scores } from '../ledger/scores.ts'
import type { LiveScores } from './liveScores.ts'

export function createScoreGauges(registry: Registry): (model: string, scores: LiveScores) => void {
  const registers = [registry]
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) => {
    const made = new Gauge({ name, help, labelNames, registers })
    return (labels: Record<L, string>, value: number | null): void => {
      if (value === null) made.remove(labels)
      else made.set(labels, value)
    }
  }
  const perPredictor = (name: string, help: string) => gauge(name, help, ['model', 'predictor', 'window'])
  const perModel = (name: string, help: string) => gauge(name, help, ['model', 'window'])
  const figures: readonly [ReturnType<typeof perPredictor>, (scores: Scores) => number | null][] = [
    [
      perPredictor('devops_model_accuracy', 'Share of live outcomes where the likelier outcome came.'),
      ({ accuracy }) => accuracy,
    ],
    [
      perPredictor('devops_model_log_loss', 'Mean log loss on live outcomes, natural logarithm.'),
      ({ logLoss }) => logLoss,
    ],
    [
      perPredictor('devops_model_brier_score', 'Mean squared error of the probability on live outcomes.'),
      ({ brier }) => brier,
    ],
    [perPredictor('devops_model_auc', 'Area under the ROC curve on live outcomes.'), ({ auc }) => auc],
    [
      perPredictor('devops_model_calibration_error', 'Expected calibration error on live outcomes, ten groups.'),
      ({ ece }) => ece,
    ],
    [
      perPredictor('devops_model_failure_capture', 'Share of live failures among the riskiest tenth of the outcomes.'),
      ({ captured }) => captured,
    ],
  ]
  const byChance = perModel(
    'devops_model_calibration_error_by_chance',
    'Calibration error that right probabilities would show by chance.',
  )
  const bias = perModel(
    'devops_model_calibration_bias',
    'Mean probability of success less the share of live successes.',
  )
  const biasLow = perModel('devops_model_calibration_bias_low', 'Lower end of its 95 % interval.')
  const biasHigh = perModel('devops_model_calibration_bias_high', 'Upper end of its 95 % interval.')
  const rows = perModel('devops_model_scored_outcomes', 'Live outcomes that the scores of a window rest on.')
  const success = perModel(
    'devops_prediction_success_rate',
    'Share of live headline predictions whose likelier outcome came.',
  )
  const coverage = perModel('devops_model_confident_coverage', 'Share of live answers of class confident.')
  const confident = perModel(
    'devops_model_confident_accuracy',
    'Share of live answers of class confident whose likelier outcome came.',
  )
  return (model, { window, headline, baseRate, bias: biased, confidentCoverage, confidentAccuracy }) => {
    for (const [set, of] of figures) {
      set({ model, predictor: 'headline', window }, headline && of(headline))
      set({ model, predictor: 'base_rate', window }, baseRate && of(baseRate))
    }
    byChance({ model, window }, headline?.eceByChance ?? null)
    bias({ model, window }, biased?.value ?? null)
    biasLow({ model, window }, biased?.low ?? null)
    biasHigh({ model, window }, biased?.high ?? null)
    rows({ model, window }, headline?.rows ?? 0)
    success({ model, window }, headline?.accuracy ?? null)
    coverage({ model, window }, confidentCoverage)
    confident({ model, window }, confidentAccuracy)
  }
}
