/** The first scorecard: what the predictions would have been worth on the history that was just read. */
import { QUERIES } from '../../schemas/queries/queries.ts'
import { scorecardSentence } from '../../schemas/scores/sentence.ts'

const REQUEST_MS_MAX = 30_000
/** What was sent last is scored within a moment; longer than this nobody waits. */
const SECONDS_MAX = 30

/**
 * The scorecard of backfilled CI runs as a sentence, once two in a row have the same outcomes. Null where the adapter does not answer.
 * `days`: how far the window reaches back.
 */
export async function askScorecard(
  adapterUrl: string,
  days: number,
  sleep: (ms: number) => Promise<void>,
): Promise<string | null> {
  let before = await ask(adapterUrl, days)
  for (let seconds = 0; before !== null && seconds < SECONDS_MAX; seconds++) {
    await sleep(1000)
    const card = await ask(adapterUrl, days)
    if (card === null || (card.outcomes === before.outcomes && card.outcomes > 0)) break
    before = card
  }
  return before === null ? null : scorecardSentence(before)
}

async function ask(adapterUrl: string, days: number) {
  try {
    const answer = await fetch(`${adapterUrl}/api/v1/query/get_scorecard`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ days, subject: 'ci_run', source: 'backfilled' }),
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
    })
    return answer.ok ? QUERIES.get_scorecard.output.parse(await answer.json()) : null
  } catch {
    return null
  }
}
