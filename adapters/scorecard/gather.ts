/** Everything that a report tells, asked over the query API: the whole, each service, each month, the models. */
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import { scoreWindow } from '../../schemas/scores/window.ts'
import type { QueryClient } from '../queries/client.ts'
import type { Scorecard } from './lines.ts'

/** Services with a line of their own. */
const SERVICES_MAX = 200
const PAGE = 100

export interface ScorecardQuestion {
  readonly service?: string | undefined
  readonly subject: 'deployment' | 'ci_run'
  readonly source: 'live' | 'backfilled'
  readonly days: number
}

export interface Part {
  readonly name: string
  readonly card: Scorecard
}

export interface Gathered {
  readonly whole: Scorecard
  readonly services: readonly Part[]
  /** There are more services than were asked about. */
  readonly servicesCut: boolean
  readonly months: readonly Part[]
  readonly models: QueryOutput<'get_health'>['models']
}

type Client = Pick<QueryClient, 'ask'>

/** `now`, ms since the epoch, ends the window of every part. Throws a QueryFailure. */
export async function gather(client: Client, question: ScorecardQuestion, now: number): Promise<Gathered> {
  const { days, ...what } = question
  const { from, to } = scoreWindow({ days }, now)
  const between = (begin: number, end: number) => ({ from: timeText(begin), to: timeText(end) })
  const ask = (input: object) => client.ask('get_scorecard', { ...what, ...between(from, to), ...input })
  const whole = await ask({})
  const { names, isCut } = question.service === undefined ? await serviceNames(client) : { names: [], isCut: false }
  const services: Part[] = []
  // One after the other: a report has time, and the consumers have other work.
  for (const name of names) services.push({ name, card: await ask({ service: name }) })
  const months: Part[] = []
  for (const [begin, end] of monthsOf(from, to)) {
    months.push({ name: timeText(begin).slice(0, 7), card: await ask(between(begin, end)) })
  }
  const { models } = await client.ask('get_health', {})
  const scored = ({ card }: Part): boolean => card.outcomes > 0
  return {
    whole,
    services: services.filter(scored).sort((a, b) => b.card.outcomes - a.card.outcomes),
    servicesCut: isCut,
    months: months.filter(scored),
    models: models.filter(({ model }) => model === question.subject),
  }
}

async function serviceNames(client: Client): Promise<{ readonly names: readonly string[]; readonly isCut: boolean }> {
  const names: string[] = []
  let cursor: string | undefined
  do {
    const page = await client.ask('list_services', { limit: PAGE, cursor })
    names.push(...page.items.map(({ service }) => service))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined && names.length < SERVICES_MAX)
  return { names: names.slice(0, SERVICES_MAX), isCut: cursor !== undefined || names.length > SERVICES_MAX }
}

/** The months of UTC in [from, to), the first and the last one cut to it. */
export function monthsOf(from: number, to: number): readonly (readonly [number, number])[] {
  const months: [number, number][] = []
  for (let begin = from; begin < to;) {
    const date = new Date(begin)
    const end = Math.min(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1), to)
    months.push([begin, end])
    begin = end
  }
  return months
}

const timeText = (at: number): string => new Date(at).toISOString()
