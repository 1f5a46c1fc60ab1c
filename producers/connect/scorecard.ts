/** The first scorecard: what the predictions would have been worth on the history that was just read. */
import { QUERIES } from '../../schemas/queries/queries.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { askAdapter } from './askAdapter.ts'

/** What was sent last is scored within a moment; longer than this nobody waits. */
const SECONDS_MAX = 30

type Scorecard = QueryOutput<'get_scorecard'>

/**
 * The scorecard of backfilled CI runs, once two in a row have the same outcomes. Null where the adapter does not answer.
 * `days`: how far the window reaches back.
 */
export async function askScorecard(
  adapterUrl: string,
  days: number,
  sleep: (ms: number) => Promise<void>,
): Promise<Scorecard | null> {
  let before = await ask(adapterUrl, days)
  for (let seconds = 0; before !== null && seconds < SECONDS_MAX; seconds++) {
    await sleep(1000)
    const card = await ask(adapterUrl, days)
    if (card === null || (card.outcomes === before.outcomes && card.outcomes > 0)) break
    before = card
  }
  return before
}

const ask = (adapterUrl: string, days: number): Promise<Scorecard | null> =>
  askAdapter(
    adapterUrl,
    'get_scorecard',
    { days, subject: 'ci_run', source: 'backfilled' },
    QUERIES.get_scorecard.output,
  )
