/** The HTTP API that Prometheus and VictoriaMetrics have in common. */
import type { Served } from './peer.ts'

interface Result {
  /** Seconds and value. */
  readonly values: readonly (readonly [number, string])[]
}

/** The samples of one series before a time: ms and value. */
export async function samples(
  served: Served,
  selector: string,
  rangeMs: number,
  timeMs: number,
): Promise<readonly (readonly [number, number])[]> {
  const query = `${selector}[${rangeMs}ms]`
  const found = await ask(served, 'query', { query, time: new Date(timeMs).toISOString() })
  return (found[0]?.values ?? []).map(([seconds, value]) => [Math.round(seconds * 1000), Number(value)])
}

/** The values of the one series that the query makes, none of them from a cache. */
export async function steps(
  served: Served,
  query: string,
  fromMs: number,
  toMs: number,
  stepMs: number,
): Promise<readonly number[]> {
  const [start, end] = [fromMs, toMs].map((time) => new Date(time).toISOString()) as [string, string]
  const found = await ask(served, 'query_range', { query, start, end, step: String(stepMs / 1000), nocache: '1' })
  return (found[0]?.values ?? []).map(([, value]) => Number(value))
}

async function ask({ url, signal }: Served, what: string, input: Record<string, string>): Promise<readonly Result[]> {
  const answer = await fetch(`${url}/api/v1/${what}`, { method: 'POST', body: new URLSearchParams(input), signal })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`)
  return (JSON.parse(text) as { data: { result: Result[] } }).data.result
}
