/** Asks the consumers that seeds know of, over the query API. */
import type { QueryInput, QueryName, QueryOutput } from '../../schemas/queries/queries.ts'

const ANSWER_MS_MAX = 10_000

class NoAnswer extends Error {
  constructor(status: number, what: string) {
    super(`status ${status} for ${what}`)
    this.name = 'NoAnswer'
  }
}

/** Base URLs of consumers, each once; seeds that do not answer become troubles. */
export async function consumersBehind(seeds: readonly string[], troubles: string[]): Promise<ReadonlySet<string>> {
  const consumers = new Set<string>()
  for (const seed of seeds) {
    try {
      const response = await got(seed, '/v1/owners')
      const { address, members } = (await response.json()) as { address: string; members: { address: string }[] }
      for (const url of [address, ...members.map((member) => member.address)]) consumers.add(new URL(url).origin)
    } catch (error) {
      troubles.push(troubleOf(seed, error))
    }
  }
  return consumers
}

/** Rejects while a consumer restores shards: its answers leave those out. */
export async function checkReady(consumer: string): Promise<void> {
  const response = await got(consumer, '/readyz')
  await response.body?.cancel()
}

async function got(consumer: string, path: string): Promise<Response> {
  const response = await fetch(new URL(path, consumer), { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
  if (!response.ok) throw new NoAnswer(response.status, path)
  return response
}

export const troubleOf = (consumer: string, error: unknown): string =>
  `${consumer}: ${error instanceof Error ? error.message : String(error)}`

/** The answer of one consumer for its own shards. Rejects where it does not answer, or not with 200. */
export async function ask<N extends QueryName>(
  consumer: string,
  name: N,
  input: QueryInput<N>,
): Promise<QueryOutput<N>> {
  const response = await fetch(new URL(`/v1/query/${name}`, consumer), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  })
  if (!response.ok) throw new NoAnswer(response.status, name)
  return (await response.json()) as QueryOutput<N>
}
