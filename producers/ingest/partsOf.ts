import { bytesOf } from '../../runtime/kafka/outbox.ts'
import type { OutgoingRecord } from '../../runtime/kafka/port.ts'

/** The records in their order, in parts of at most so many records and bytes; a record that is larger is a part alone. */
export function partsOf(
  records: readonly OutgoingRecord[],
  recordsMax: number,
  bytesMax: number,
): readonly (readonly OutgoingRecord[])[] {
  const parts: OutgoingRecord[][] = []
  let part: OutgoingRecord[] = []
  let bytes = 0
  for (const record of records) {
    const own = bytesOf(record)
    if (part.length > 0 && (part.length >= recordsMax || bytes + own > bytesMax)) {
      parts.push(part)
      part = []
      bytes = 0
    }
    part.push(record)
    bytes += own
  }
  return part.length > 0 ? [...parts, part] : parts
}
