/** The first scorecard: what the predictions would have been worth on the history that was just read. */
const REQUEST_MS_MAX = 30_000

/** The query `get_scorecard` of the adapter, as a sentence. Null where the adapter does not answer or has no such query. */
export async function askScorecard(adapterUrl: string, days: number): Promise<string | null> {
  try {
    const answer = await fetch(`${adapterUrl}/api/v1/query/get_scorecard`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ days }),
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
    })
    if (!answer.ok) return null
    const { sentence } = (await answer.json()) as { readonly sentence?: unknown }
    return typeof sentence === 'string' ? sentence : null
  } catch {
    return null
  }
}
