import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Log } from '../../runtime/telemetry/log.ts'
import { createRarely } from '../../runtime/telemetry/rarely.ts'
import type { MetricTelemetry } from './handler.ts'

export function createMetricTelemetry(registry: Registry, log: Log, now: () => number): MetricTelemetry {
  const samples = new Counter({
    name: 'devops_samples_total',
    help: 'Samples of metric series, by what became of them; unannounced ones are kept too.',
    labelNames: ['result'],
    registers: [registry],
  })
  const rarely = createRarely(now)
  return {
    samplesApplied(target, { applied, duplicates, outOfOrder, unannounced }, phase) {
      if (phase === 'replay') return
      samples.inc({ result: 'applied' }, applied)
      samples.inc({ result: 'duplicate' }, duplicates)
      samples.inc({ result: 'out_of_order' }, outOfOrder)
      samples.inc({ result: 'unannounced' }, unannounced)
      if (outOfOrder === 0) return
      rarely('samples_late', () => {
        log.warn({ event: 'samples_late', target, samples: outOfOrder }, 'samples came too late to be kept')
      })
    },
  }
}
