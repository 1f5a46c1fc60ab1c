/** What is measured beside performance.targets: the last thousand of each kind. */
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { Latency } from './latency.ts'

export interface Targets {
  readonly deploymentPredictionLatency: number
  readonly incidentDetectionLatency: number
  readonly remediationExecutionTime: number
  readonly stateSyncLatency: number
}

export class Latencies {
  readonly #targets: Targets
  readonly #prediction = new Latency()
  readonly #incident = new Latency()
  readonly #state = new Latency()

  constructor(targets: Targets) {
    this.#targets = targets
  }

  predicted(ms: number): void {
    this.#prediction.add(ms)
  }

  /** From the gateway's acceptance of an event to the state. */
  visible(topic: string, ms: number): void {
    this.#state.add(ms)
    if (topic === 'devops.incidents') this.#incident.add(ms)
  }

  targets(): QueryOutput<'get_health'>['targets'] {
    const { deploymentPredictionLatency, incidentDetectionLatency, remediationExecutionTime, stateSyncLatency } =
      this.#targets
    return [
      {
        name: 'deployment_prediction_latency',
        targetMs: deploymentPredictionLatency,
        p99Ms: this.#prediction.p99(),
      },
      { name: 'incident_detection_latency', targetMs: incidentDetectionLatency, p99Ms: this.#incident.p99() },
      // Nothing is remediated yet.
      { name: 'remediation_execution_time', targetMs: remediationExecutionTime, p99Ms: null },
      { name: 'state_sync_latency', targetMs: stateSyncLatency, p99Ms: this.#state.p99() },
    ]
  }
}
