/** Our own JSON, POST /v1/events: one item or a list of them, all accepted or none. The shape is in eventItems.ts. */
import type { DeploymentEvent, IncidentEvent, InfrastructureEvent } from '../../schemas/generated/events.ts'
import type { Identity, SourceNames } from '../../runtime/configuration/identity.ts'
import { problemsOf } from '../../runtime/input/problem.ts'
import { Refusal, tooLarge, type Problem } from '../refusal.ts'
import {
  ENVIRONMENT,
  ENVIRONMENT_RULE,
  eventItem,
  type DeploymentItem,
  type EventItem,
  type IncidentItem,
  type InfrastructureItem,
} from './eventItems.ts'
import { CI_ENVIRONMENT, eventId, type Mapping, type TopicEvent } from './mapping.ts'
import { fieldOf, refusalOf, unfitOf } from './unfit.ts'
import { untrueOf } from './untrue.ts'

/** Problems named in one answer; a list of thousands helps nobody. */
const PROBLEMS_MAX = 100

/** Yields after each item, so that many are no one's wait. Throws a Refusal unless all are valid. */
export function* mapEvents(
  body: unknown,
  eventsMax: number,
  mapping: Mapping,
): Generator<undefined, readonly TopicEvent[]> {
  const items: readonly unknown[] = Array.isArray(body) ? body : [body]
  if (items.length > eventsMax) throw tooLarge('body', `${items.length} events, at most ${eventsMax} in one request`)
  const problems: Problem[] = []
  const events: TopicEvent[] = []
  let bad = 0
  for (const [index, raw] of items.entries()) {
    const unfit = unfitOf(raw)
    if (unfit?.kind === 'too_large') throw refusalOf(unfit, Array.isArray(body) ? [index] : [])
    const mapped =
      unfit === null ? eventOrProblems(raw, mapping) : [{ field: fieldOf(unfit.path), reason: unfit.reason }]
    if ('event' in mapped) events.push(mapped)
    else {
      bad += 1
      const room = PROBLEMS_MAX - problems.length
      problems.push(...mapped.slice(0, room).map((problem) => ({ index, ...problem })))
    }
    yield
  }
  if (bad > 0) throw invalid(problems, bad, items.length)
  return events
}

function eventOrProblems(raw: unknown, mapping: Mapping): TopicEvent | readonly Omit<Problem, 'index'>[] {
  const result = eventItem.safeParse(raw)
  if (!result.success) return problemsOf(result.error, raw)
  const place = placeOf(result.data, mapping)
  if (typeof place === 'string') return [{ field: 'service', reason: place }]
  const event = mapItem(result.data, place, mapping)
  const untrue = untrueOf(event, mapping.now)
  return untrue === null ? event : [untrue]
}

function invalid(problems: readonly Problem[], bad: number, items: number): Refusal {
  return new Refusal(400, 'malformed', `${bad} of ${items} events are invalid; none was accepted`, {
    problems,
  })
}

type Place = Pick<Identity, 'service' | 'environment'>

/** The identity, or the reason why the item has none. */
function placeOf(item: EventItem, mapping: Mapping): Place | string {
  const names = namesOf(item)
  if (item.service === undefined) return mapping.catalog.resolve(names)
  const slash = item.service.indexOf('/')
  const environment = slash < 0 ? item.environment : item.service.slice(0, slash)
  const name = item.service.slice(slash + 1)
  if (environment === undefined) return 'expected <environment>/<name>, or a name and the field environment'
  if (item.environment !== undefined && item.environment !== environment) {
    return `names environment ${environment}, the field environment says ${item.environment}`
  }
  if (!/^\w[\w.:@/-]*$/.test(name))
    return 'the name starts with a letter or digit and may have letters, digits and . _ : @ / -'
  if (!ENVIRONMENT.test(environment)) return ENVIRONMENT_RULE
  const identity = mapping.catalog.resolve({ environment, explicit: name })
  // A service named outright needs no catalog entry; an alias in the catalog still counts.
  return identity.mapped ? identity : { ...identity, service: `${identity.environment}/${name}` }
}

function namesOf(item: EventItem): SourceNames {
  const repository = item.type === 'deployment' ? item.repository : null
  const workflow = item.type === 'deployment' ? item.name : null
  return {
    environment: item.environment ?? null,
    ...(repository === null ? {} : { repository }),
    ...(repository === null || workflow === null ? {} : { workflow }),
    ...withoutUndefined(item.names),
  }
}

function withoutUndefined(names: EventItem['names']): Omit<SourceNames, 'environment'> {
  return JSON.parse(JSON.stringify(names ?? {})) as Omit<SourceNames, 'environment'>
}

function mapItem(item: EventItem, place: Place, mapping: Mapping): TopicEvent {
  switch (item.type) {
    case 'deployment':
      return { topic: 'devops.deployments', event: mapDeployment(item, place, mapping) }
    case 'incident':
      return { topic: 'devops.incidents', event: mapIncident(item, place, mapping) }
    case 'infrastructure':
      return { topic: 'devops.infrastructure', event: mapInfrastructure(item, place, mapping) }
  }
}

/** An item without an id gets one from what it tells, so that a repeat is recognised. */
function enveloped(item: EventItem, place: Place, mapping: Mapping, identity: readonly (string | number | null)[]) {
  return {
    id: item.id ?? eventId(item.source, item.type, place.service, ...identity),
    occurredAt: item.occurredAt ?? mapping.now,
    receivedAt: mapping.now,
    source: item.source,
    service: place.service,
    environment: place.environment,
    trace: item.trace ?? mapping.trace,
  }
}

/** Keys of several sources may meet in one service, so they start with who gave them. */
const keyOf = (item: { source: string; key: string }): string =>
  /^[a-z][a-z0-9_-]*:/.test(item.key) ? item.key : `${item.source}:${item.key}`

function mapDeployment(item: DeploymentItem, place: Place, mapping: Mapping): DeploymentEvent {
  const key = keyOf(item)
  const state = item.step === null ? null : `${item.step.key} ${item.step.state}`
  const usual = place.environment === CI_ENVIRONMENT ? 'ci_run' : 'deployment'
  return {
    ...enveloped(item, place, mapping, [key, item.phase, item.attempt, item.conclusion, state]),
    subject: item.subject ?? (item.phase === 'changed' ? 'change' : usual),
    phase: item.phase,
    key,
    attempt: item.attempt,
    conclusion: item.conclusion,
    name: item.name,
    workflow: item.workflow,
    repository: item.repository,
    branch: item.branch,
    sha: item.sha,
    actor: item.actor === null ? null : mapping.pseudonym(item.actor),
    trigger: item.trigger,
    pullRequest: item.pullRequest,
    change: item.change,
    step: item.step,
    links: item.links,
    backfilled: item.backfilled,
  }
}

function mapIncident(item: IncidentItem, place: Place, mapping: Mapping): IncidentEvent {
  const key = keyOf(item)
  const common = enveloped(item, place, mapping, [key, item.phase])
  const endsAt = item.endsAt ?? (item.phase === 'resolved' ? common.occurredAt : null)
  return {
    ...common,
    phase: item.phase,
    key,
    title: item.title,
    severity: item.severity,
    summary: item.summary,
    description: item.description,
    labels: item.labels,
    annotations: item.annotations,
    startsAt: item.startsAt ?? Math.min(common.occurredAt, endsAt ?? Infinity),
    endsAt,
    generatorUrl: item.generatorUrl,
  }
}

function mapInfrastructure(item: InfrastructureItem, place: Place, mapping: Mapping): InfrastructureEvent {
  const state = eventId(JSON.stringify([item.attributes, item.quantities]))
  return {
    ...enveloped(item, place, mapping, [item.resource, item.occurredAt ?? null, item.deleted ? 1 : 0, state]),
    resource: item.resource,
    kind: item.kind,
    deleted: item.deleted,
    attributes: item.attributes,
    quantities: item.quantities,
  }
}
