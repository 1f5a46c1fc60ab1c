/** Answers a query from the consumers: of one owner where a service decides, of all of them, merged, elsewhere. */
import { resolveQuestion } from '../../runtime/configuration/identity.ts'
import type { Environment } from '../../runtime/configuration/schema.ts'
import { compareTexts } from '../../schemas/queries/place.ts'
import type { QueryInput, QueryName, QueryOutput } from '../../schemas/queries/queries.ts'
import { askList } from './askList.ts'
import type { Courier } from './courier.ts'
import type { Directory } from './directory.ts'
import { Busy, InvalidInput, NotFound, Unavailable } from './errors.ts'
import { fanOut } from './fanOut.ts'
import { assertFits, fitIncident, fitMetrics } from './fit.ts'
import { joinFreshness } from './freshness.ts'
import { parseInput } from './inputs.ts'
import type { QueryLimits } from './limits.ts'
import { isList } from './lists.ts'
import { joinMetrics } from './mergeMetrics.ts'
import { findPatterns } from './patterns.ts'
import { joinHealth, joinMemory } from './mergeReports.ts'
import { countScores, scorecard } from './scorecard.ts'

export interface QueryClient {
  /** Checks the input and answers within the limits. Throws a QueryFailure. */
  ask<Name extends QueryName>(name: Name, input: unknown, signal?: AbortSignal): Promise<QueryOutput<Name>>
}

export interface QueryClientDependencies {
  readonly directory: Directory
  readonly courier: Courier
  readonly limits: QueryLimits
  /** A question may name them by their aliases; the owner of a service goes by the name it stands for. */
  readonly environments: readonly Environment[]
  /** Under which names a service's records were kept before the catalog mapped them. */
  readonly formerServices: (service: string) => readonly string[]
  /** Names of persons go no further than this process; null: unknown, the question is about anybody. */
  readonly pseudonym: (person: string) => string | null
  /** Ms since the epoch. */
  readonly clock: () => number
}

export function createQueryClient(dependencies: QueryClientDependencies): QueryClient {
  const { limits } = dependencies
  let inFlight = 0
  return {
    async ask(name, input, signal = new AbortController().signal) {
      if (inFlight >= limits.inFlightMax) throw new Busy(inFlight, limits.inFlightMax)
      inFlight += 1
      try {
        const answer = await answerTo(dependencies, name, input, signal)
        return assertFits(answer, limits.answerBytesMax) as QueryOutput<typeof name>
      } finally {
        inFlight -= 1
      }
    },
  }
}

async function answerTo(
  dependencies: QueryClientDependencies,
  name: QueryName,
  raw: unknown,
  signal: AbortSignal,
): Promise<object> {
  const questionOf = <Name extends QueryName>(of: Name): QueryInput<Name> =>
    resolveQuestion(parseInput(of, raw), dependencies.environments)
  if (isList(name)) {
    return askList(dependencies, name, questionOf(name), signal)
  }
  switch (name) {
    case 'get_incident':
      return incident(dependencies, questionOf(name), signal)
    case 'query_metrics':
      return metrics(dependencies, questionOf(name), signal)
    case 'get_scorecard':
      return scorecard(dependencies, questionOf(name), signal)
    case 'find_patterns':
      return findPatterns(dependencies, questionOf(name), signal)
    case 'count_scores':
      return countScores(dependencies, questionOf(name), signal)
    case 'get_memory': {
      const { answers, freshness } = await report(dependencies, name, questionOf(name), signal)
      return joinMemory(answers, freshness)
    }
    case 'get_health': {
      const { answers, absences, membership, freshness } = await report(dependencies, name, questionOf(name), signal)
      return joinHealth(answers, absences, membership.unownedShards, freshness)
    }
    case 'predict_deployment': {
      const input = withPseudonym(questionOf(name), dependencies.pseudonym)
      return dependencies.courier.toService(input.service, name, input, signal)
    }
    case 'get_service':
    case 'best_window':
    case 'forecast_capacity': {
      const input = questionOf(name)
      return dependencies.courier.toService(input.service, name, input, signal)
    }
  }
}

function withPseudonym(
  { actor, ...question }: QueryInput<'predict_deployment'>,
  pseudonym: QueryClientDependencies['pseudonym'],
): QueryInput<'predict_deployment'> {
  const known = actor === undefined ? null : pseudonym(actor)
  return known === null ? question : { ...question, actor: known }
}

/** What every owner says of its own shards. Throws when none answers. */
async function report<Name extends 'get_memory' | 'get_health' | 'query_metrics'>(
  { directory, courier }: QueryClientDependencies,
  name: Name,
  input: object,
  signal: AbortSignal,
) {
  const membership = await directory.current()
  const heard = await fanOut(membership.owners, (owner) => courier.toOwner(owner.address, name, input, signal))
  if (heard.answers.length === 0) {
    throw heard.failures[0] ?? new Unavailable('no consumer owns any shard at the moment')
  }
  return { ...heard, membership, freshness: joinFreshness(heard.answers, heard.absences, membership) }
}

async function metrics(
  dependencies: QueryClientDependencies,
  input: QueryInput<'query_metrics'>,
  signal: AbortSignal,
): Promise<QueryOutput<'query_metrics'>> {
  const { courier, limits } = dependencies
  if (input.service !== undefined) {
    const answer = await courier.toService(input.service, 'query_metrics', input, signal)
    return fitMetrics(answer, limits.answerBytesMax)
  }
  const { answers, freshness } = await report(dependencies, 'query_metrics', input, signal)
  return fitMetrics(joinMetrics(answers, input.limit, freshness), limits.answerBytesMax)
}

/** Without a service the key does not tell the shard, so every owner is asked. */
async function incident(
  { directory, courier, limits }: QueryClientDependencies,
  input: QueryInput<'get_incident'>,
  signal: AbortSignal,
): Promise<QueryOutput<'get_incident'>> {
  if (input.service !== undefined) {
    return fitIncident(await courier.toService(input.service, 'get_incident', input, signal), limits.answerBytesMax)
  }
  const membership = await directory.current()
  const heard = await fanOut(membership.owners, (owner) =>
    courier.toOwner(owner.address, 'get_incident', input, signal),
  )
  const found = heard.answers[0]
  // An owner that loses a shard may answer beside the one that gained it: that is the same incident.
  const services = [...new Set(heard.answers.map((answer) => answer.incident.service))].sort(compareTexts)
  if (services.length > 1) {
    throw new InvalidInput('service', `is needed: several services have this incident key: ${services.join(', ')}`)
  }
  if (found !== undefined) return fitIncident(found, limits.answerBytesMax)
  const silent = heard.absences.filter((_, index) => !(heard.failures[index] instanceof NotFound))
  if (silent.length === 0 && membership.unownedShards.length === 0) {
    throw new NotFound(`no incident has the key ${input.key}`)
  }
  const reasons = silent.map((absence) => absence.reason)
  if (membership.unownedShards.length > 0) reasons.push(`shards ${membership.unownedShards.join(', ')} have no owner`)
  throw new Unavailable(`no consumer that answers knows this incident, but not all answer: ${reasons.join('; ')}`)
}
