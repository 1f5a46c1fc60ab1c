/** What the HTTP server of a process tells of itself. */
import { Counter, Histogram, type Registry } from 'prom-client'
import type { Log } from '../telemetry/log.ts'

export interface HttpTelemetry {
  requestAnswered(method: string, route: string, status: number, seconds: number): void
  requestRefused(reason: 'host' | 'origin' | 'proxy'): void
  requestFailed(route: string, error: unknown): void
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

export function createHttpTelemetry(registry: Registry, log: Log): HttpTelemetry {
  const requests = new Counter({
    name: 'devops_http_requests_total',
    help: 'HTTP requests answered.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  })
  const latency = new Histogram({
    name: 'devops_http_request_duration_seconds',
    help: 'Time from the headers of a request to the end of its answer.',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  })
  const refused = new Counter({
    name: 'devops_http_refused_requests_total',
    help: 'Requests refused because of their Host or Origin, or since a proxy forwarded them.',
    labelNames: ['reason'],
    registers: [registry],
  })
  return {
    requestAnswered(method, route, status, seconds) {
      requests.inc({ method: METHODS.has(method) ? method : 'other', route, status })
      latency.observe({ route }, seconds)
    },
    requestRefused(reason) {
      refused.inc({ reason })
    },
    requestFailed(route, error) {
      log.error({ event: 'request_failed', route, err: error }, 'a request failed')
    },
  }
}
