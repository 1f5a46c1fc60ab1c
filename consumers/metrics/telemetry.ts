import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'
import type { MetricTelemetry } from './handler.ts'

export function createMetricTelemetry(registry: Registry): MetricTelemetry {
  const samples = new Counter({
    name: 'devops_samples_total',
    help: 'Samples of metric series, by what became of them; unannounced ones are kept too.',
    labelNames: ['result'],
    registers: [registry],
  })
  return {
    samplesApplied({ applied, duplicates, outOfOrder, unannounced }, phase) {
      if (phase === 'replay') return
      samples.inc({ result: 'applied' }, applied)
      samples.inc({ result: 'duplicate' }, duplicates)
      samples.inc({ result: 'out_of_order' }, outOfOrder)
      samples.inc({ result: 'unannounced' }, unannounced)
    },
  }
}
