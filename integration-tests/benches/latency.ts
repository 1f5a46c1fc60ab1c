/** Latency of the loop at a steady rate: accepted, visible, predicted. The load is open: a late answer delays no later event. */
import type { System } from '../harness/system.ts'
import { type Computed, consumerTimes, grownBetween } from './consumerTimes.ts'
import { createEventSender } from './eventSender.ts'
import { SERVED_METRIC, type ServedSeries } from './models.ts'
import { type Quantiles, quantiles } from './quantiles.ts'

export interface LatencyRow {
  readonly eventsPerSecond: number
  readonly accepted: Quantiles
  /** From the 2xx of the gateway to the first query that sees the event; polled without a pause, so a poll's own time counts. */
  readonly visible: Quantiles
  /** Inside the consumer. */
  readonly computed: Readonly<Record<Computed, Quantiles>>
  /** predict_deployment of the consumer, HTTP included. */
  readonly asked: Quantiles
  /** forecast_capacity of a series that was not asked about before, HTTP included. */
  readonly forecast: Quantiles
  /** The same series asked about again. */
  readonly forecastAgain: Quantiles
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
    const page = (await system.query('list_deployments', { service, limit: 100 })) as { items: { key: string }[] }
    if (page.items.some((d) => d.key === key)) return performance.now() - acceptedAt
    if (performance.now() - acceptedAt > 10_000) throw new Error(`${key} was accepted and is not visible after 10 s`)
  }
}

/** Takes the series that it asks about out of `series`. */
export async function benchLatency(
  system: System,
  series: ServedSeries[],
  eventsPerSecond: number,
  seconds: number,
): Promise<LatencyRow> {
  const run = `${String(eventsPerSecond)}-${String(Date.now())}`
  const accepted: number[] = []
  const visible: number[] = []
  const asked: number[] = []
  const forecast: number[] = []
  const forecastAgain: number[] = []
  const before = await consumerTimes(system)
  const pending: Promise<void>[] = []
  const sender = createEventSender(system.process('gateway').url)
  const begin = performance.now()
  let watchedAt = -Infinity
  const total = eventsPerSecond * seconds
  let sent = 0
  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - begin) / 1000) * eventsPerSecond) + 1)
    for (; sent < due; sent += 1) {
      const watched = performance.now() - watchedAt >= WATCHED_EVERY_MS
      if (watched) watchedAt = performance.now()
      const answered = one(event(run, sent), watched)
      pending.push(answered)
      // Awaited below; until then a refusal must not end the process before it has stopped what it started.
      answered.catch(() => undefined)
    }
    await new Promise((next) => setTimeout(next, 1))
  }
  await Promise.all(pending)
  sender.close()
  const after = await consumerTimes(system)
  return {
    eventsPerSecond,
    accepted: quantiles(accepted),
    visible: quantiles(visible),
    computed: {
      headline: grownBetween(before.headline, after.headline),
      asked: grownBetween(before.asked, after.asked),
      forecast: grownBetween(before.forecast, after.forecast),
    },
    asked: quantiles(asked),
    forecast: quantiles(forecast),
    forecastAgain: quantiles(forecastAgain),
  }

  async function one({ service, key, body }: ReturnType<typeof event>, watched: boolean): Promise<void> {
    const start = performance.now()
    const status = await sender.post(body)
    const acceptedAt = performance.now()
    if (status !== 202) throw new Error(`refused: ${String(status)}`)
    accepted.push(acceptedAt - start)
    if (!watched) return
    visible.push(await visibleAfter(system, service, key, acceptedAt))
    const input = { service, branch: 'main' }
    asked.push(
      await timed(async () => {
        answeredByModel(await system.query('predict_deployment', input))
      }),
    )
    const next = series.pop()
    if (next === undefined) return
    const capacity = { service: next.service, metric: SERVED_METRIC, labels: { shard: next.shard } }
    const ask = async () => {
      forecastMade(await system.query('forecast_capacity', capacity))
    }
    forecast.push(await timed(ask))
    forecastAgain.push(await timed(ask))
  }
}

async function timed(act: () => Promise<void>): Promise<number> {
  const begin = performance.now()
  await act()
  return performance.now() - begin
}

function answeredByModel(answer: unknown): void {
  const { modelVersion } = answer as { modelVersion: string }
  if (modelVersion === 'base-rate') throw new Error('the base rate answered, not a model')
}

function forecastMade(answer: unknown): void {
  const { status, detail } = answer as { status: string; detail: string | null }
  if (status !== 'ok') throw new Error(`no forecast: ${status} ${detail ?? ''}`)
}
