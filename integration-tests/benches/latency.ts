/** Latency of the loop at a steady rate: accepted, visible, predicted. The load is open: a late answer delays no later event. */
import type { System } from '../harness/system.ts'
import { type Quantiles, quantiles } from './quantiles.ts'

export interface LatencyRow {
  readonly eventsPerSecond: number
  readonly accepted: Quantiles
  /** From the 2xx of the gateway to the first query that sees the event; polled without a pause, so a poll's own time counts. */
  readonly visible: Quantiles
  readonly prediction: Quantiles
}

const WATCHED_EVERY_MS = 100
const services = 200

function event(run: string, i: number): { service: string; key: string; body: string } {
  const service = `production/bench-${String(i % services)}`
  const key = `bench:${run}/${String(i)}`
  const body = JSON.stringify({
    type: 'deployment',
    service,
    subject: 'deployment',
    phase: 'started',
    key,
    branch: 'main',
    occurredAt: Date.now(),
  })
  return { service, key, body }
}

async function visibleAfter(system: System, service: string, key: string, acceptedAt: number): Promise<number> {
  for (;;) {
    const page = (await system.query('list_deployments', { service, limit: 5 })) as { items: { key: string }[] }
    if (page.items.some((d) => d.key === key)) return performance.now() - acceptedAt
    if (performance.now() - acceptedAt > 10_000) throw new Error(`${key} was accepted and is not visible after 10 s`)
  }
}

export async function benchLatency(system: System, eventsPerSecond: number, seconds: number): Promise<LatencyRow> {
  const run = `${String(eventsPerSecond)}-${String(Date.now())}`
  const accepted: number[] = []
  const visible: number[] = []
  const prediction: number[] = []
  const pending: Promise<void>[] = []
  const begin = performance.now()
  let watchedAt = -Infinity
  const total = eventsPerSecond * seconds
  let sent = 0
  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - begin) / 1000) * eventsPerSecond) + 1)
    for (; sent < due; sent += 1) {
      const watched = performance.now() - watchedAt >= WATCHED_EVERY_MS
      if (watched) watchedAt = performance.now()
      pending.push(one(event(run, sent), watched))
    }
    await new Promise((next) => setTimeout(next, 1))
  }
  await Promise.all(pending)
  return {
    eventsPerSecond,
    accepted: quantiles(accepted),
    visible: quantiles(visible),
    prediction: quantiles(prediction),
  }

  async function one({ service, key, body }: ReturnType<typeof event>, watched: boolean): Promise<void> {
    const start = performance.now()
    const answer = await system.post('/v1/events', body)
    const acceptedAt = performance.now()
    await answer.arrayBuffer()
    if (!answer.ok) throw new Error(`refused: ${String(answer.status)}`)
    accepted.push(acceptedAt - start)
    if (!watched) return
    visible.push(await visibleAfter(system, service, key, acceptedAt))
    const asked = performance.now()
    await system.query('predict_deployment', { service, branch: 'main' })
    prediction.push(performance.now() - asked)
  }
}
