/** A file of our own JSON, an event a line: where each line lies and when it happened, so that any order can be read in order. */
import { open, type FileHandle } from 'node:fs/promises'
import { time } from '../sources/eventItems.ts'
import type { Findings } from './findings.ts'

const CHUNK_BYTES = 1024 ** 2
const LINE_BYTES_MAX = 1024 ** 2
const NEWLINE = 0x0a

export interface PlacedEvent {
  readonly line: number
  readonly event: Readonly<Record<string, unknown>>
}

export interface JsonLines {
  readonly count: number
  /** In the order in which they happened. */
  readonly inOrder: () => AsyncGenerator<PlacedEvent, void>
  readonly close: () => Promise<void>
}

/** Reads the file once, and keeps 32 bytes for each line. */
export async function openJsonLines(path: string, findings: Findings): Promise<JsonLines> {
  const file = await open(path)
  const offsets: number[] = []
  const lengths: number[] = []
  const lines: number[] = []
  const times: number[] = []
  for await (const { line, offset, bytes } of linesOf(file)) {
    if (bytes === null) {
      findings.add(`${path}:${line}`, '', `is longer than ${LINE_BYTES_MAX} bytes`)
      continue
    }
    const at = timeOf(bytes.toString('utf8'), (field, reason) => {
      findings.add(`${path}:${line}`, field, reason)
    })
    if (at === null) continue
    offsets.push(offset)
    lengths.push(bytes.length)
    lines.push(line)
    times.push(at)
  }
  const order = Uint32Array.from(times.keys()).sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b)
  return {
    count: order.length,
    inOrder: async function* () {
      for (const index of order) {
        const bytes = Buffer.allocUnsafe(lengths[index] ?? 0)
        await file.read(bytes, 0, bytes.length, offsets[index] ?? 0)
        yield { line: lines[index] ?? 0, event: JSON.parse(bytes.toString('utf8')) as PlacedEvent['event'] }
      }
    },
    close: () => file.close(),
  }
}

/** Null after `found` was told why. Empty lines are passed over. */
function timeOf(text: string, found: (field: string, reason: string) => void): number | null {
  if (text.trim() === '') return null
  let event: unknown
  try {
    event = JSON.parse(text)
  } catch (error) {
    found('', `is no JSON: ${error instanceof Error ? error.message.slice(0, 120) : ''}`)
    return null
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    found('', 'is no object')
    return null
  }
  const { occurredAt } = event as { readonly occurredAt?: unknown }
  const at = time.safeParse(occurredAt)
  if (at.success) return at.data
  found('occurredAt', occurredAt === undefined ? 'is missing: history needs a time' : 'is no ISO 8601 time with a zone')
  return null
}

interface Line {
  readonly line: number
  readonly offset: number
  /** Null: longer than a line may be. */
  readonly bytes: Buffer | null
}

async function* linesOf(file: FileHandle): AsyncGenerator<Line, void> {
  let line = 1
  let begin = 0
  let position = 0
  let parts: Buffer[] = []
  let length = 0
  const taken = (until: number): Line => {
    const bytes = length > LINE_BYTES_MAX ? null : Buffer.concat(parts, length)
    const found = { line, offset: begin, bytes }
    line += 1
    begin = until
    parts = []
    length = 0
    return found
  }
  const add = (part: Buffer): void => {
    length += part.length
    if (length <= LINE_BYTES_MAX) parts.push(part)
    else parts = []
  }
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, position)
    if (bytesRead === 0) break
    const chunk = buffer.subarray(0, bytesRead)
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, to))
      from = to + 1
      yield taken(position + from)
    }
    add(chunk.subarray(from))
    position += bytesRead
  }
  if (length > 0) yield taken(position)
}
