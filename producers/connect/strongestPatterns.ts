/** The strongest patterns of the history that was just read. */
import { withoutUnseen } from '../../runtime/text/unseen.ts'
import { QUERIES } from '../../schemas/queries/queries.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { patternSentence } from '../../schemas/scores/patternSentence.ts'
import { askAdapter } from './askAdapter.ts'

/** The trainer mines soon after much has come; longer than this nobody waits. */
const SECONDS_MAX = 60
const SHOWN = 3
/** Patterns mined so shortly before the end of the history have nearly all of it. */
const FRESH_MS = 60_000

export interface Asking {
  readonly adapterUrl: string
  /** Outcomes of the history. */
  readonly outcomes: number
  /** learning.training.min_samples: fewer are not mined. */
  readonly outcomesMin: number
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** That it waits. */
  readonly say: (line: string) => void
}

/** Sentences. None where the adapter does not answer. */
export async function askPatterns(asking: Asking): Promise<readonly string[]> {
  const { adapterUrl, outcomes, outcomesMin, now, sleep, say } = asking
  const begin = now()
  const isFresh = ({ freshThrough }: Answer): boolean =>
    freshThrough !== null && Date.parse(freshThrough) >= begin - FRESH_MS
  let answer = await ask(adapterUrl, 'confirmed')
  for (let seconds = 0; outcomes >= outcomesMin && seconds < SECONDS_MAX; seconds++) {
    if (answer === null || isFresh(answer)) break
    if (seconds === 0) say(`patterns of the history are mined now; waiting at most ${SECONDS_MAX} s for them`)
    await sleep(1000)
    answer = await ask(adapterUrl, 'confirmed')
  }
  if (answer === null) return []
  if (answer.patterns.length > 0) return told('The strongest patterns, confirmed by later runs:', answer)
  const candidates = await ask(adapterUrl, 'candidate')
  if (candidates === null || candidates.patterns.length === 0) return [noneYet(answer, asking)]
  return told('The strongest patterns so far; runs that come later will confirm them or not:', candidates)
}

type Answer = QueryOutput<'find_patterns'>

const told = (title: string, { patterns }: Answer): readonly string[] => [
  title,
  ...patterns.map((pattern) => `  ${withoutUnseen(patternSentence(pattern))}.`),
]

function noneYet({ freshThrough }: Answer, { outcomes, outcomesMin }: Asking): string {
  if (freshThrough !== null)
    return 'No patterns yet: nothing in the history goes with more or fewer failures by more than chance.'
  if (outcomes < outcomesMin)
    return `No patterns yet: they are mined from ${outcomesMin} outcomes on, there are ${outcomes}.`
  return 'No patterns yet: the trainer has not mined any; find_patterns tells them later.'
}

const ask = (adapterUrl: string, status: 'candidate' | 'confirmed'): Promise<Answer | null> =>
  askAdapter(adapterUrl, 'find_patterns', { status, limit: SHOWN }, QUERIES.find_patterns.output)
