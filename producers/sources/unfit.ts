/** What no item of any shape may hold, found in one walk that ends at the first of it: before a schema looks at every part. */
import { malformed, tooLarge, type Refusal } from '../refusal.ts'

/** Elements of one list: more than any schema takes. */
export const ELEMENTS_MAX = 1024
const QUOTED_CHARS_MAX = 40

export interface Unfit {
  readonly kind: 'too_large' | 'malformed'
  readonly path: readonly (string | number)[]
  readonly reason: string
}

/** The first thing in the parsed JSON that cannot be taken; null: none. */
export function unfitOf(value: unknown): Unfit | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : brokenText('the text')
  if (typeof value !== 'object' || value === null) return null
  if (Array.isArray(value)) {
    if (value.length > ELEMENTS_MAX) return crowded(value.length)
    return firstWithin(value.entries())
  }
  const entries = Object.entries(value)
  for (const [key] of entries) {
    if (!key.isWellFormed()) return brokenText(`the key ${JSON.stringify(key.slice(0, QUOTED_CHARS_MAX))}`)
    // In JavaScript the name of an object's prototype: a map would lose the entry without a word.
    if (key === '__proto__') return { kind: 'malformed', path: [key], reason: 'no key may have this name' }
  }
  return firstWithin(entries)
}

/** `at`: the path of what was looked at. */
export function refusalOf({ kind, path, reason }: Unfit, at: readonly (string | number)[]): Refusal {
  const field = fieldOf([...at, ...path])
  return kind === 'too_large' ? tooLarge(field === '' ? 'body' : field, reason) : malformed(field, reason)
}

export const fieldOf = (path: readonly (string | number)[]): string => path.map(String).join('.').toWellFormed()

function firstWithin(parts: Iterable<readonly [string | number, unknown]>): Unfit | null {
  for (const [name, part] of parts) {
    const unfit = unfitOf(part)
    if (unfit !== null) return { ...unfit, path: [name, ...unfit.path] }
  }
  return null
}

const crowded = (count: number): Unfit => ({
  kind: 'too_large',
  path: [],
  reason: `${count} elements, at most ${ELEMENTS_MAX} are looked at`,
})

const brokenText = (what: string): Unfit => ({
  kind: 'malformed',
  path: [],
  reason: `${what} is not well-formed Unicode: it has half of a surrogate pair`,
})
