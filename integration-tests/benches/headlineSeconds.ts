/** What the consumer's own histogram tells of headline predictions. */
import type { System } from '../harness/system.ts'
import type { Quantiles } from './quantiles.ts'

const BUCKET = /^devops_prediction_latency_seconds_bucket\{(?=[^}]*kind="headline")[^}]*le="([^"]+)"[^}]*\} (\d+)$/gmu

export interface HeadlineSeconds {
  /** Cumulative count by upper bound in seconds, ascending. */
  readonly buckets: ReadonlyMap<number, number>
  since(before: HeadlineSeconds): Quantiles
}

export async function headlineSeconds(system: System): Promise<HeadlineSeconds> {
  const text = await (await fetch(`${system.process('consumer').url}/metrics`)).text()
  const buckets = new Map(
    [...text.matchAll(BUCKET)].map(([, bound, count]) => [bound === '+Inf' ? Infinity : Number(bound), Number(count)]),
  )
  return {
    buckets,
    since(before) {
      const grown = [...buckets].map(([bound, count]) => ({ bound, count: count - (before.buckets.get(bound) ?? 0) }))
      const n = grown.at(-1)?.count ?? 0
      const at = (q: number) => (grown.find(({ count }) => n > 0 && count >= q * n)?.bound ?? NaN) * 1000
      return { n, p50: at(0.5), p99: at(0.99), max: at(1) }
    },
  }
}
