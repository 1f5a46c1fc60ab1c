import type * as z from 'zod'
import { firstProblem } from '../runtime/input/problem.ts'
import { malformed, tooLarge } from './refusal.ts'

const DEPTH_MAX = 64
/** Of one object: more than any schema takes, few enough to be looked at quickly. */
export const KEYS_MAX = 1024
const QUOTE = 0x22
const COLON = 0x3a
const COMMA = 0x2c
const BACKSLASH = 0x5c
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Parses a JSON body; refuses what is nested too deep or has too many keys before anything is built from it. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) throw malformed('', 'the body is empty')
  const crowd = crowdOf(body)
  if (crowd === 'depth') throw tooLarge('body', `JSON is nested deeper than ${DEPTH_MAX} levels`)
  if (crowd !== null) throw tooLarge(crowd === '' ? 'body' : crowd, `more than ${KEYS_MAX} keys in one object`)
  let text: string
  try {
    text = utf8.decode(body)
  } catch {
    throw malformed('', 'the body is not UTF-8')
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw malformed('', `the body is not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'syntax'}`)
  }
}

/** The same parsed JSON with U+FFFD for every half of a surrogate pair in its texts; keys stay as they are. */
export function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (Array.isArray(value)) return value.map(wellFormed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, wellFormed(part)]))
}

/** A container that is open where the scan stands. */
interface Open {
  readonly isObject: boolean
  /** Keys of an object so far; index of a list's element. */
  count: number
  keyFrom: number
  keyTo: number
}

/**
 * One pass over the bytes, since parsing an object of half a million keys alone takes seconds. Gives `depth` for nesting
 * deeper than DEPTH_MAX, the path of the first object that has more keys than KEYS_MAX, or null. What is no JSON passes.
 */
export function crowdOf(body: Buffer): string | null {
  const open: Open[] = []
  let top: Open | undefined
  let stringFrom = 0
  let stringTo = 0
  let inString = false
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at]
    if (inString) {
      if (byte === BACKSLASH) at += 1
      else if (byte === QUOTE) {
        inString = false
        stringTo = at
      }
    } else if (byte === QUOTE) {
      inString = true
      stringFrom = at + 1
    } else if (byte === 0x7b || byte === 0x5b) {
      if (open.length === DEPTH_MAX) return 'depth'
      top = { isObject: byte === 0x7b, count: 0, keyFrom: 0, keyTo: 0 }
      open.push(top)
    } else if (byte === 0x7d || byte === 0x5d) {
      open.pop()
      top = open.at(-1)
    } else if (byte === COLON && top?.isObject === true) {
      top.count += 1
      top.keyFrom = stringFrom
      top.keyTo = stringTo
      if (top.count > KEYS_MAX) return pathOf(open, body)
    } else if (byte === COMMA && top?.isObject === false) top.count += 1
  }
  return null
}

/** Of the innermost container that is open. */
const pathOf = (open: readonly Open[], body: Buffer): string =>
  open
    .slice(0, -1)
    .map(({ isObject, count, keyFrom, keyTo }) => (isObject ? body.toString('utf8', keyFrom, keyTo) : count))
    .join('.')

/** What the schema makes of the value, or a 400 that names the first field at fault. */
export function parsePayload<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { field, reason } = firstProblem(result.error, value)
  throw malformed(field, reason)
}
