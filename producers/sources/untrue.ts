/** What consumers would put among the dead letters is refused while its sender still listens. */
import type { IncidentEvent } from '../../schemas/generated/events.ts'
import { malformed, tooLarge } from '../refusal.ts'
import type { TopicEvent } from './mapping.ts'

const CLOCK_AHEAD_MS_MAX = 10 * 60 * 1000
/** Taken, and told: a clock that far off is on its way to being refused. */
const SKEW_MS_MAX = 5 * 60 * 1000
/** As the query API takes it. */
const SERVICE_CHARS_MAX = 256
/** Of the event as JSON: EVENT_BYTES_MAX of the engine's store. */
const EVENT_BYTES_MAX = 256 * 1024
/** A byte in Avro is at most six in JSON (\u0000); the names of the fields take less than this. */
const JSON_BYTES_PER_AVRO_BYTE = 6
const NAME_CHARS_MAX = 1024

export interface Untrue {
  readonly field: string
  readonly reason: string
}

/** The first thing about the event that cannot be; null where it can. `now`: this machine's clock. */
export function untrueOf({ topic, event }: TopicEvent, now: number): Untrue | null {
  const untrue = timeProblem('occurredAt', event.occurredAt, now) ?? serviceProblem(event)
  if (untrue !== null) return untrue
  if (topic === 'devops.incidents') return incidentProblem(event, now)
  if (topic === 'devops.deployments') {
    const texts = ['key', 'name', 'workflow', 'repository', 'branch', 'sha', 'actor', 'trigger'] as const
    const long = texts.find((field) => (event[field]?.length ?? 0) > NAME_CHARS_MAX)
    if (long !== undefined) return { field: long, reason: `at most ${NAME_CHARS_MAX} characters` }
  }
  return null
}

/** How far the event's clock is ahead of ours, where that is worth a word; null otherwise. */
export function skewOf({ event }: { readonly event: { readonly occurredAt: number } }, now: number): number | null {
  const aheadMs = event.occurredAt - now
  return aheadMs > SKEW_MS_MAX ? aheadMs : null
}

/** Throws a Refusal for what is not so, or larger than an event may be. */
export function refuseUntrue(of: TopicEvent, now: number): void {
  const untrue = untrueOf(of, now)
  if (untrue !== null) throw malformed(untrue.field, untrue.reason)
}

/** Throws a Refusal that names the largest field; `avroBytes` saves the count for all but the large ones. */
export function refuseLarge({ event }: TopicEvent, avroBytes: number): void {
  if (avroBytes * JSON_BYTES_PER_AVRO_BYTE < EVENT_BYTES_MAX / 2) return
  const bytes = jsonBytes(event)
  if (bytes <= EVENT_BYTES_MAX) return
  const [largest] = Object.entries(event).sort(([, a], [, b]) => jsonBytes(b) - jsonBytes(a))
  throw tooLarge(largest?.[0] ?? 'body', `makes an event of ${bytes} bytes, at most ${EVENT_BYTES_MAX} are accepted`)
}

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))

function timeProblem(field: string, time: number, now: number): Untrue | null {
  if (!(time > 0)) return { field, reason: `${time} is no time` }
  if (time - now > CLOCK_AHEAD_MS_MAX) {
    return { field, reason: `is ${time - now} ms ahead of the clock, ${CLOCK_AHEAD_MS_MAX} are allowed` }
  }
  return null
}

function serviceProblem({ service, environment }: TopicEvent['event']): Untrue | null {
  if (!service.startsWith(`${environment}/`)) return { field: 'service', reason: 'is not in its environment' }
  if (service.length > SERVICE_CHARS_MAX) {
    return { field: 'service', reason: `${service.length} characters, at most ${SERVICE_CHARS_MAX}` }
  }
  return null
}

/** Start and end become the times of signals, which have to be as true. */
function incidentProblem({ phase, startsAt, endsAt }: IncidentEvent, now: number): Untrue | null {
  const untrue = timeProblem('startsAt', startsAt, now)
  if (untrue !== null || endsAt === null) return untrue
  if (endsAt < startsAt) return { field: 'endsAt', reason: `lies ${startsAt - endsAt} ms before startsAt` }
  return phase === 'resolved' ? timeProblem('endsAt', endsAt, now) : null
}
