import type * as z from 'zod'
import { firstProblem } from '../runtime/input/problem.ts'
import { malformed, tooLarge } from './refusal.ts'

const DEPTH_MAX = 64
const QUOTE = 0x22
const BACKSLASH = 0x5c
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Parses a JSON body; refuses nesting deeper than DEPTH_MAX before anything is built from it. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) throw malformed('', 'the body is empty')
  if (depthOf(body) > DEPTH_MAX) throw tooLarge('body', `JSON is nested deeper than ${DEPTH_MAX} levels`)
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

/** Deepest nesting of objects and arrays; brackets inside strings do not count. */
export function depthOf(body: Buffer): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at]
    if (inString) {
      if (byte === BACKSLASH) at += 1
      else if (byte === QUOTE) inString = false
      continue
    }
    if (byte === QUOTE) inString = true
    else if (byte === 0x7b || byte === 0x5b) deepest = Math.max(deepest, (depth += 1))
    else if (byte === 0x7d || byte === 0x5d) depth -= 1
  }
  return deepest
}

/** What the schema makes of the value, or a 400 that names the first field at fault. */
export function parsePayload<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { field, reason } = firstProblem(result.error, value)
  throw malformed(field, reason)
}
