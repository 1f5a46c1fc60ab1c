/** A query of the adapter, for what is told at the end of a history. */
import type { z } from 'zod'
import type { QueryInput, QueryName } from '../../schemas/queries/queries.ts'

const REQUEST_MS_MAX = 30_000

/** Null where the adapter does not answer as it should: what is told is an extra. */
export async function askAdapter<N extends QueryName, O>(
  adapterUrl: string,
  name: N,
  input: Partial<QueryInput<N>>,
  output: z.ZodType<O>,
): Promise<O | null> {
  try {
    const answer = await fetch(`${adapterUrl}/api/v1/query/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
    })
    return answer.ok ? output.parse(await answer.json()) : null
  } catch {
    return null
  }
}
