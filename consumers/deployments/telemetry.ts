/** What happens to deployments and their predictions, as metrics. One function for each thing that happens. */
import { Counter, Gauge, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import type { AnswerClass } from '../../schemas/generated/events.ts'
import type { PredictedSubject } from '../models/attempt.ts'
import type { OutcomeLabel } from './outcome.ts'

export interface DeploymentTelemetry {
  predicted(kind: 'headline' | 'asked', model: PredictedSubject, answerClass: AnswerClass, seconds: number): void
  closed(subject: PredictedSubject, outcome: OutcomeLabel, backfilled: boolean): void
  /** An attempt ended whose prediction was not at hand: nothing to score. */
  unpredicted(subject: PredictedSubject): void
}

export function createDeploymentTelemetry(registry: Registry): DeploymentTelemetry {
  const registers = [registry]
  const predictions = new Counter({
    name: 'devops_predictions_total',
    help: 'Predictions made, by kind (headline, asked), model and answer class.',
    labelNames: ['kind', 'model', 'class'] as const,
    registers,
  })
  const latency = new Histogram({
    name: 'devops_prediction_latency_seconds',
    help: 'Time to compute one prediction, features included.',
    labelNames: ['kind'] as const,
    buckets: [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.025, 0.1, 0.5],
    registers,
  })
  const deployments = new Counter({
    name: 'devops_deployments_total',
    help: 'Attempts that ended since the start of the process, by subject and outcome; backfilled ones apart.',
    labelNames: ['subject', 'outcome', 'backfilled'] as const,
    registers,
  })
  const rate = new Gauge({
    name: 'devops_deployment_success_rate',
    help: 'Share of successes among live attempts with a known outcome since the start of the process.',
    labelNames: ['subject'] as const,
    registers,
  })
  const unscored = new Counter({
    name: 'devops_unpredicted_outcomes_total',
    help: 'Outcomes without a prediction at hand, so not scored.',
    labelNames: ['subject'] as const,
    registers,
  })
  const known = { deployment: { all: 0, good: 0 }, ci_run: { all: 0, good: 0 } }
  return {
    predicted: (kind, model, answerClass, seconds) => {
      predictions.inc({ kind, model, class: answerClass })
      latency.observe({ kind }, seconds)
    },
    closed: (subject, outcome, backfilled) => {
      deployments.inc({ subject, outcome, backfilled: String(backfilled) })
      if (backfilled || outcome === 'censored') return
      known[subject].all++
      if (outcome === 'success') known[subject].good++
      rate.set({ subject }, known[subject].good / known[subject].all)
    },
    unpredicted: (subject) => {
      unscored.inc({ subject })
    },
  }
}
