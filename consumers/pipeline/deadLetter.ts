/** A record that can't be applied, raw, as an output of its shard. */
import type { IncomingRecord } from '../../runtime/kafka/port.ts'
import type { DeadLetterReason } from '../../schemas/generated/events.ts'
import type { Output } from '../../schemas/outputs.ts'

// The broker's limit on a record is 1 MiB; a letter also carries where it came from. One that is too large would be
// refused for ever, and the shard restored for ever with it.
const VALUE_BYTES_MAX = 900 * 1024
const KEY_BYTES_MAX = 16 * 1024
const HEADERS_BYTES_MAX = 32 * 1024
/** What a header takes beside its name and value: their lengths. */
const HEADER_BYTES = 8
const DETAIL_CHARS_MAX = 1000

export function deadLetter(record: IncomingRecord, reason: DeadLetterReason, detail: string): Output {
  const notes: string[] = []
  const value = within('value', record.value, VALUE_BYTES_MAX, notes)
  const key = within('key', record.key, KEY_BYTES_MAX, notes)
  const headers = headersWithin(record.headers, notes)
  const note = notes.length === 0 ? '' : ` (${notes.join('; ')})`
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
      key,
      value,
      headers,
    },
  }
}

function within(what: string, bytes: Buffer | null, bytesMax: number, notes: string[]): Buffer | null {
  if (bytes === null || bytes.length <= bytesMax) return bytes
  notes.push(`${what} of ${bytes.length} bytes left out, the limit is ${bytesMax}`)
  return null
}

/** Those that fit, in their order. */
function headersWithin(headers: IncomingRecord['headers'], notes: string[]): Record<string, string> {
  const kept: Record<string, string> = {}
  let [left, leftOut] = [HEADERS_BYTES_MAX, 0]
  for (const [name, value] of Object.entries(headers)) {
    const bytes = Buffer.byteLength(name) + Buffer.byteLength(value) + HEADER_BYTES
    if (bytes > left) {
      leftOut++
      continue
    }
    left -= bytes
    kept[name] = value
  }
  if (leftOut > 0) notes.push(`${leftOut} headers left out, the limit of all is ${HEADERS_BYTES_MAX} bytes`)
  return kept
}
