import { Counter } from 'prom-client'
import type { Registry } from 'prom-client'
import type { IncidentTelemetry } from './handler.ts'

export function createIncidentTelemetry(registry: Registry): IncidentTelemetry {
  const incidents = new Counter({
    name: 'devops_incidents_total',
    help: 'Changes of alerts and incidents that were applied, by the state they led to.',
    labelNames: ['state'],
    registers: [registry],
  })
  for (const state of ['firing', 'acknowledged', 'resolved']) incidents.inc({ state }, 0)
  return {
    incidentChanged(state, phase) {
      if (phase === 'live') incidents.inc({ state })
    },
  }
}
