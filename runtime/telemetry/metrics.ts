/** The metrics registry of a process, with what every process shows of itself. */
import { Gauge, Registry, collectDefaultMetrics } from 'prom-client'

export type { Registry } from 'prom-client'

/** Gauges whose names end in _total, which `promtool check metrics` refuses; nodejs_active_resources tells the same by type. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** `process`: gateway, consumer, trainer or adapter; a label of every metric. */
export function createRegistry(process: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ process })
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return registry
}

/** performance.targets of the configuration, beside which the measured latencies are read. */
export function exportTargets(
  registry: Registry,
  targets: {
    readonly deploymentPredictionLatency: number
    readonly incidentDetectionLatency: number
    readonly remediationExecutionTime: number
    readonly stateSyncLatency: number
  },
): void {
  const gauge = new Gauge({
    name: 'devops_performance_target_seconds',
    help: 'Configured target of a latency (performance.targets).',
    labelNames: ['target'],
    registers: [registry],
  })
  gauge.set({ target: 'deployment_prediction_latency' }, targets.deploymentPredictionLatency / 1000)
  gauge.set({ target: 'incident_detection_latency' }, targets.incidentDetectionLatency / 1000)
  gauge.set({ target: 'remediation_execution_time' }, targets.remediationExecutionTime / 1000)
  gauge.set({ target: 'state_sync_latency' }, targets.stateSyncLatency / 1000)
}
