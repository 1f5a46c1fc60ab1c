/** One record: bytes become an event once, the event changes the shard, or the record becomes a dead letter. */
import { Undecodable } from '../../runtime/kafka/codec.ts'
import type { Codec } from '../../runtime/kafka/codec.ts'
import type { IncomingRecord } from '../../runtime/kafka/port.ts'
import type { ShardDoor } from '../../rust-engine/ts/door.ts'
import { BlockInvalid, PoolFull, RecordInvalid } from '../../rust-engine/ts/errors.ts'
import { CLOCK_AHEAD_MS_MAX } from '../../schemas/clockAhead.ts'
import type { DeadLetterReason } from '../../schemas/generated/events.ts'
import { InvalidEvent } from '../../schemas/invalidEvent.ts'
import type { Output, Phase } from '../../schemas/outputs.ts'
import { deadLetter } from './deadLetter.ts'
import { BROUGHT } from './gap.ts'
import type { Handler, Handlers, InputTopic } from './handlers.ts'

export interface Applied {
  readonly outputs: readonly Output[]
  /** Null when the event was applied. */
  readonly rejected: DeadLetterReason | null
  /** When the gateway accepted it; null when unknown. */
  readonly receivedAt: number | null
}

export function applyRecord(
  codec: Pick<Codec, 'decode'>,
  handlers: Handlers,
  topic: InputTopic,
  record: IncomingRecord,
  shard: ShardDoor,
  phase: Phase,
): Applied {
  const refuse = (reason: DeadLetterReason, detail: string): Applied => ({
    outputs: [deadLetter(record, reason, detail)],
    rejected: reason,
    receivedAt: null,
  })
  if (record.value === null) return refuse('undecodable', 'the record has no value')
  let event: unknown
  try {
    event = codec.decode(topic, record.value)
  } catch (error) {
    if (error instanceof Undecodable) return refuse('undecodable', error.message)
    throw error
  }
  const ahead = timeOf(event, 'occurredAt') - record.at
  if (ahead > CLOCK_AHEAD_MS_MAX) {
    return refuse('clock_ahead', `occurredAt is ${ahead} ms ahead of the log, ${CLOCK_AHEAD_MS_MAX} are allowed`)
  }
  try {
    // The codec gave the event the shape of its topic's schema.
    const handler = handlers[topic] as Handler<unknown>
    const outputs = handler(event, record, shard, phase)
    const receivedAt = timeOf(event, 'receivedAt')
    return { outputs, rejected: null, receivedAt: Number.isNaN(receivedAt) ? null : receivedAt }
  } catch (error) {
    if (error instanceof InvalidEvent || error instanceof RecordInvalid || error instanceof BlockInvalid) {
      return refuse('invalid', error.message)
    }
    if (error instanceof PoolFull && isRefusedWhole(error, topic)) {
      const at = timeOf(event, 'occurredAt')
      // Outcomes come with ends, which are never refused.
      const kinds = BROUGHT[topic].filter((kind) => kind !== 'rolling_scopes')
      shard.noteGap(kinds, Number.isNaN(at) ? record.at : at)
      return refuse('no_room', error.message)
    }
    throw error
  }
}

/**
 * Nothing of its region may go, and nothing was changed: a restored shard would meet it again for ever. So it is with what
 * begins among what is active, and with topics whose events change the shard by one call.
 */
const isRefusedWhole = ({ region }: PoolFull, topic: InputTopic): boolean =>
  region === 'active_operations' || topic === 'devops.metrics' || topic === 'devops.infrastructure'

/** NaN where the event has no such time (ticks have no envelope). */
function timeOf(event: unknown, field: 'occurredAt' | 'receivedAt'): number {
  const time = (event as Partial<Record<typeof field, unknown>>)[field]
  return typeof time === 'number' ? time : Number.NaN
}
