/** A record that can't be applied, raw, as an output of its shard. */
import type { IncomingRecord } from '../../runtime/kafka/port.ts'
import type { DeadLetterReason } from '../../schemas/generated/events.ts'
import type { Output } from '../../schemas/outputs.ts'

// The broker's limit on a record is 1 MiB; a letter also carries where it came from.
const VALUE_BYTES_MAX = 900 * 1024
const DETAIL_CHARS_MAX = 1000

export function deadLetter(record: IncomingRecord, reason: DeadLetterReason, detail: string): Output {
  const bytes = record.value?.length ?? 0
  const tooLarge = bytes > VALUE_BYTES_MAX
  const note = tooLarge ? ` (value of ${bytes} bytes left out, the limit is ${VALUE_BYTES_MAX})` : ''
  return {
    topic: 'devops.dead-letters',
    partition: record.partition,
    key: `${record.topic}/${record.partition}`,
    value: {
      originTopic: record.topic,
      originPartition: record.partition,
      originOffset: Number(record.offset),
      at: record.at,
      reason,
      detail: detail.slice(0, DETAIL_CHARS_MAX) + note,
      key: record.key,
      value: tooLarge ? null : record.value,
      headers: record.headers,
    },
  }
}
