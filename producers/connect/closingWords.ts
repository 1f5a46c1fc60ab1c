/** What a history ends with: the first scorecard and the strongest patterns. */
import type { Configuration } from '../../runtime/configuration/configuration.ts'
import { scorecardSentence } from '../../schemas/scores/sentence.ts'
import { askScorecard } from './scorecard.ts'
import { askPatterns } from './strongestPatterns.ts'
import { urlOf } from '../../runtime/http/urlOf.ts'

export interface Closing {
  /** How far the scorecard reaches back. */
  readonly days: number
  readonly sleep: (ms: number) => Promise<void>
  readonly say: (line: string) => void
}

/** Sentences; none where the adapter does not answer. */
export async function closingWords(
  { server, learning }: Configuration,
  { days, sleep, say }: Closing,
): Promise<readonly string[]> {
  const adapterUrl = urlOf(server)
  const card = await askScorecard(adapterUrl, days, sleep)
  if (card === null) return []
  const patterns = await askPatterns({
    adapterUrl,
    outcomes: card.outcomes,
    outcomesMin: learning.training.minSamples,
    now: Date.now,
    sleep,
    say,
  })
  return [scorecardSentence(card), ...patterns]
}
