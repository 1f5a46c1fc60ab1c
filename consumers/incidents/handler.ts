/** An alert or incident: its state in the engine, and a signal for what crosses services when it starts or ends. */
import { createHash } from 'node:crypto'
import type { IncidentRecord } from '../../rust-engine/ts/records.ts'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import type { IncidentEvent, Signal } from '../../schemas/generated/events.ts'
import type { Output, Phase, Position } from '../../schemas/outputs.ts'
import { InvalidEvent } from '../../schemas/invalidEvent.ts'
import { partitionOf } from '../../schemas/topics.ts'

export interface IncidentTelemetry {
  incidentChanged(state: IncidentRecord['state'], phase: Phase): void
}

export function createIncidentHandler(telemetry: IncidentTelemetry) {
  return (event: IncidentEvent, position: Position, shard: ShardDoor, phase: Phase): readonly Output[] => {
    validate(event)
    const { changed, record } = shard.applyIncident(JSON.stringify(event), position.at)
    if (!changed) return []
    telemetry.incidentChanged(record.state, phase)
    // An acknowledgement is between the people on call; it tells other services nothing.
    if (record.state === 'acknowledged' || phase === 'replay') return []
    return [signalOf(record, position.at)]
  }
}

function validate(event: IncidentEvent): void {
  if (event.key === '') throw new InvalidEvent('key', 'is empty')
  if (!event.service.startsWith(`${event.environment}/`)) {
    throw new InvalidEvent('service', `is not in environment ${event.environment}`)
  }
  if (event.endsAt !== null && event.endsAt < event.startsAt) {
    throw new InvalidEvent('endsAt', `lies ${event.startsAt - event.endsAt} ms before startsAt`)
  }
}

/** Same change, same id: who rebuilds or resends it adds nothing. Its times are those of the log, not of a clock here. */
function signalOf(record: IncidentRecord, at: number): Output {
  const { key, state, service, environment, title, severity } = record
  const value: Signal = {
    id: createHash('sha256').update(`signal\n${service}\n${key}\n${state}`).digest('hex').slice(0, 32),
    occurredAt: state === 'resolved' ? (record.endsAt ?? at) : record.startsAt,
    receivedAt: at,
    source: 'consumer',
    service,
    environment,
    trace: null,
    kind: 'alert',
    ref: key,
    title,
    state,
    severity,
  }
  return { topic: 'devops.signals', partition: partitionOf(environment), key: environment, value }
}
