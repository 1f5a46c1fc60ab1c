/** The scorecard of one service through all its names, or of everything: counts of the owners, added, as figures. */
import type { QueryInput, QueryOutput } from '../../schemas/queries/queries.ts'
import { scorecardOf, sumOfCounts } from '../../schemas/scores/scorecard.ts'
import { scoreWindow } from '../../schemas/scores/window.ts'
import { partitionOf } from '../../schemas/topics.ts'
import type { Courier } from './courier.ts'
import type { Directory } from './directory.ts'
import { Unavailable } from './errors.ts'
import { fanOut } from './fanOut.ts'
import { joinFreshness } from './freshness.ts'

/** Names that one scorecard is read through, each by a request of its own. */
const FORMER_SERVICES_MAX = 32

export interface ScorecardDependencies {
  readonly directory: Directory
  readonly courier: Courier
  readonly formerServices: (service: string) => readonly string[]
  /** Ms since the epoch: all owners are asked for one window. */
  readonly clock: () => number
}

export type Counted = QueryOutput<'count_scores'>

export async function countScores(
  dependencies: ScorecardDependencies,
  input: QueryInput<'count_scores'>,
  signal: AbortSignal,
): Promise<Counted> {
  const { from, to } = scoreWindow(input, dependencies.clock())
  const asked = { ...input, from: new Date(from).toISOString(), to: new Date(to).toISOString() }
  return input.service === undefined
    ? ofAll(dependencies, asked, signal)
    : ofService(dependencies, asked, input.service, signal)
}

export async function scorecard(
  dependencies: ScorecardDependencies,
  input: QueryInput<'get_scorecard'>,
  signal: AbortSignal,
): Promise<QueryOutput<'get_scorecard'>> {
  const { from, to } = scoreWindow(input, dependencies.clock())
  const window = { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
  const { counts, ...freshness } = await countScores(dependencies, { ...input, ...window }, signal)
  return { subject: input.subject, source: input.source, ...window, ...scorecardOf(counts), ...freshness }
}

async function ofAll(
  { directory, courier }: ScorecardDependencies,
  input: QueryInput<'count_scores'>,
  signal: AbortSignal,
): Promise<Counted> {
  const membership = await directory.current()
  const { answers, absences, failures } = await fanOut(membership.owners, ({ address }) =>
    courier.toOwner(address, 'count_scores', input, signal),
  )
  if (answers.length === 0) throw failures[0] ?? new Unavailable('no consumer owns any shard at the moment')
  const counts = sumOfCounts(answers.map((answer) => answer.counts))
  return { counts, ...joinFreshness(answers, absences, membership) }
}

async function ofService(
  { courier, formerServices }: ScorecardDependencies,
  input: QueryInput<'count_scores'>,
  service: string,
  signal: AbortSignal,
): Promise<Counted> {
  const ask = (name: string) => courier.toService(name, 'count_scores', { ...input, service: name }, signal)
  const former = formerServices(service).slice(0, FORMER_SERVICES_MAX)
  const targets = former.map((name) => ({ name, shards: [partitionOf(name)] }))
  const [own, heard] = await Promise.all([ask(service), fanOut(targets, ({ name }) => ask(name))])
  const answers = [own, ...heard.answers]
  const counts = sumOfCounts(answers.map((answer) => answer.counts))
  return { counts, ...joinFreshness(answers, heard.absences, { unownedShards: [] }) }
}
