/** Alertmanager's webhook, version "4": one event for each alert. */
import * as z from 'zod'
import type { IncidentEvent } from '../../schemas/generated/events.ts'
import { parsePayload } from '../jsonBody.ts'
import { firstProblem } from '../../runtime/input/problem.ts'
import { malformed, tooLarge, type Refusal } from '../refusal.ts'
import { namesOfLabels } from './labelNames.ts'
import { eventId, type Mapping, type TopicEvent } from './mapping.ts'
import { refusalOf, unfitOf } from './unfit.ts'

/**
 * More than alerts that say anything fit into a body of the usual 8 MiB. Alertmanager's own max_alerts is 0, all of them,
 * unless its owner sets it.
 */
const ALERTS_MAX = 65_536

const time = z.iso.datetime({ offset: true }).transform((value) => Date.parse(value))
const pairs = z.record(z.string().max(1024), z.string().max(64 * 1024))

const payload = z.object({
  version: z.literal('4', 'expected Alertmanager webhook version "4"'),
  alerts: z.array(z.unknown()),
})
const alert = z.object({
  status: z.enum(['firing', 'resolved']),
  labels: pairs,
  annotations: pairs.default({}),
  startsAt: time,
  endsAt: time.nullish(),
  generatorURL: z.string().max(8192).nullish(),
  fingerprint: z.string().min(1).max(128),
})

type Alert = z.output<typeof alert>

/** For each alert its event, or why there is none: Alertmanager drops a whole group that is refused. Yields after each. */
export function* mapAlertmanager(
  body: unknown,
  mapping: Mapping,
): Generator<undefined, readonly (TopicEvent | Refusal)[]> {
  const { alerts } = parsePayload(payload, body)
  if (alerts.length > ALERTS_MAX) {
    throw tooLarge(
      'alerts',
      `${alerts.length} alerts, at most ${ALERTS_MAX} in one group; max_alerts of the receiver bounds it`,
    )
  }
  const mapped: (TopicEvent | Refusal)[] = []
  for (const [index, sent] of alerts.entries()) {
    mapped.push(eventOrRefusal(sent, index, mapping))
    yield
  }
  return mapped
}

function eventOrRefusal(sent: unknown, index: number, mapping: Mapping): TopicEvent | Refusal {
  const unfit = unfitOf(sent)
  if (unfit !== null) return refusalOf(unfit, ['alerts', index])
  const parsed = alert.safeParse(sent)
  if (parsed.success) return { topic: 'devops.incidents', event: mapAlert(parsed.data, mapping) }
  const { field, reason } = firstProblem(parsed.error, sent)
  return malformed(['alerts', index, ...(field === '' ? [] : [field])].join('.'), reason)
}

function mapAlert(alert: Alert, mapping: Mapping): IncidentEvent {
  const key = `alertmanager:${alert.fingerprint}:${alert.startsAt}`
  const identity = mapping.catalog.resolve(namesOfLabels(alert.labels))
  // While an alert fires, Alertmanager sends the year 1 as its end.
  const endsAt = alert.status === 'resolved' && alert.endsAt && alert.endsAt > 0 ? alert.endsAt : null
  const { labels, annotations } = alert
  return {
    id: eventId('alertmanager', identity.service, key, alert.status),
    occurredAt: alert.status === 'resolved' ? (endsAt ?? mapping.now) : alert.startsAt,
    receivedAt: mapping.now,
    source: 'alertmanager',
    service: identity.service,
    environment: identity.environment,
    trace: mapping.trace,
    phase: alert.status,
    key,
    title: labels['alertname'] ?? `alert ${alert.fingerprint}`,
    severity: labels['severity'] ?? null,
    summary: annotations['summary'] ?? '',
    description: annotations['description'] ?? annotations['message'] ?? '',
    labels,
    annotations,
    startsAt: alert.startsAt,
    endsAt,
    generatorUrl: alert.generatorURL ?? null,
  }
}
