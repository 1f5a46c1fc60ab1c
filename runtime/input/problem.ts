/** What is wrong with an input, in words for the one who sent it: the one place that rephrases zod. */
import type * as z from 'zod'

export interface InputProblem {
  /** Path of the field, empty for the input itself. */
  readonly field: string
  readonly reason: string
}

type Issue = z.core.$ZodIssue

/** Of each issue; `input` is what was parsed. */
export function problemsOf({ issues }: z.core.$ZodError, input: unknown): readonly InputProblem[] {
  return issues.map((issue) => ({
    field: issue.path.map(String).join('.'),
    reason: isMissing(issue, input) ? 'is missing' : issue.message.replace(/^Invalid (input|option): /, ''),
  }))
}

/** The first, which also names all other fields that are missing, so that one answer is enough to mend them. */
export function firstProblem(error: z.core.$ZodError, input: unknown): InputProblem {
  const [first, ...others] = problemsOf(error, input)
  if (first === undefined) return { field: '', reason: 'is not valid' }
  const missing = others.filter(({ reason }) => reason === first.reason).map(({ field }) => field)
  if (first.reason !== 'is missing' || missing.length === 0) return first
  return { ...first, reason: `is missing, and so ${missing.length === 1 ? 'is' : 'are'} ${missing.join(', ')}` }
}

function isMissing({ code, path }: Issue, input: unknown): boolean {
  if (code !== 'invalid_type' && code !== 'invalid_value') return false
  return path.length > 0 && path.reduce(partOf, input) === undefined
}

const partOf = (value: unknown, name: PropertyKey): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[name] : undefined
