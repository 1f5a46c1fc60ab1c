/** What the consumer's own histograms tell: how long it computed, without the network and without waiting for its turn. */
import type { System } from '../harness/system.ts'
import type { Quantiles } from './quantiles.ts'

const HISTOGRAMS = {
  headline: ['devops_prediction_latency_seconds', 'kind="headline"'],
  asked: ['devops_query_duration_seconds', 'query="predict_deployment"'],
  forecast: ['devops_query_duration_seconds', 'query="forecast_capacity"'],
} as const
export type Computed = keyof typeof HISTOGRAMS

/** Cumulative count by upper bound in seconds, ascending. */
type Buckets = ReadonlyMap<number, number>
export type ConsumerTimes = Readonly<Record<Computed, Buckets>>

export async function consumerTimes(system: System): Promise<ConsumerTimes> {
  const text = await (await fetch(`${system.process('consumer').url}/metrics`)).text()
  const read = (what: Computed): Buckets => {
    const [name, label] = HISTOGRAMS[what]
    const line = new RegExp(`^${name}_bucket\\{(?=[^}]*${label})[^}]*le="([^"]+)"[^}]*\\} (\\d+)$`, 'gmu')
    return new Map(
      [...text.matchAll(line)].map(([, bound, count]) => [bound === '+Inf' ? Infinity : Number(bound), Number(count)]),
    )
  }
  return { headline: read('headline'), asked: read('asked'), forecast: read('forecast') }
}

/** In ms; each value counts as the upper bound of its bucket. */
export function grownBetween(before: Buckets, after: Buckets): Quantiles {
  const grown = [...after].map(([bound, count]) => ({ bound, count: count - (before.get(bound) ?? 0) }))
  const n = grown.at(-1)?.count ?? 0
  const at = (q: number) => (grown.find(({ count }) => n > 0 && count >= q * n)?.bound ?? NaN) * 1000
  return { n, p50: at(0.5), p99: at(0.99), max: at(1) }
}
