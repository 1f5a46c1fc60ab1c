/**
 * The values of a JSON text one by one, however long it is: the elements of a list, or the values that stand one after the
 * other (JSON Lines, the pages of `gh api --paginate`).
 */
const ELEMENT_BYTES_MAX = 64 * 1024 ** 2

export interface JsonElement {
  /** Where it begins, from 1. */
  readonly line: number
  /** As it stands there; whether it is JSON is for the reader to see. */
  readonly text: string
}

interface Begun {
  readonly line: number
  readonly parts: Buffer[]
  bytes: number
}

export class ElementTooLarge extends Error {
  readonly retryable = false
  constructor(line: number) {
    super(`line ${line}: one value is longer than ${ELEMENT_BYTES_MAX} bytes`)
    this.name = 'ElementTooLarge'
  }
}

const code = (char: string): number => char.charCodeAt(0)
const NEWLINE = code('\n')
const QUOTE = code('"')
const BACKSLASH = code('\\')
const COMMA = code(',')
const OPEN_LIST = code('[')
const CLOSE_LIST = code(']')
const OPENING = new Set([code('{'), OPEN_LIST])
const CLOSING = new Set([code('}'), CLOSE_LIST])
const SPACE = new Set([code(' '), code('\t'), code('\r'), NEWLINE])

/** Throws ElementTooLarge. A text that ends within a value gives what there is of it. */
export async function* jsonElements(chunks: AsyncIterable<Buffer>): AsyncGenerator<JsonElement, void> {
  let line = 1
  let inList = false
  let depth = 0
  let inString = false
  let escaped = false
  /** Of the value being read; null between values. */
  let begun = null as Begun | null

  for await (const chunk of chunks) {
    let from = 0
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0
      if (byte === NEWLINE) line += 1
      if (begun === null) {
        if (SPACE.has(byte) || byte === COMMA) continue
        if (!inList && byte === OPEN_LIST) {
          inList = true
          continue
        }
        if (inList && byte === CLOSE_LIST) {
          inList = false
          continue
        }
        begun = { line, parts: [], bytes: 0 }
        from = at
      }
      let ends = false
      let isPart = true
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) {
          inString = false
          ends = depth === 0
        }
      } else if (byte === QUOTE) inString = true
      else if (OPENING.has(byte)) depth += 1
      else if (CLOSING.has(byte) && depth > 0) ends = (depth -= 1) === 0
      else if (depth === 0 && (SPACE.has(byte) || byte === COMMA || CLOSING.has(byte))) {
        ends = true
        isPart = false
      }
      if (!ends) continue
      begun.parts.push(chunk.subarray(from, isPart ? at + 1 : at))
      yield { line: begun.line, text: Buffer.concat(begun.parts).toString('utf8') }
      begun = null
      if (!isPart && byte === CLOSE_LIST) inList = false
    }
    if (begun === null) continue
    begun.parts.push(chunk.subarray(from))
    begun.bytes += chunk.length - from
    if (begun.bytes > ELEMENT_BYTES_MAX) throw new ElementTooLarge(begun.line)
  }
  if (begun !== null) yield { line: begun.line, text: Buffer.concat(begun.parts).toString('utf8') }
}
