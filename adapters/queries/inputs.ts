/** Inputs as callers give them: the contract's, strict on names. */
import * as z from 'zod'
import { firstProblem } from '../../runtime/input/problem.ts'
import { QUERIES, type QueryInput, type QueryName } from '../../schemas/queries/queries.ts'
import { InvalidInput } from './errors.ts'

export const QUERY_NAMES = Object.keys(QUERIES) as QueryName[]

const INPUTS = new Map(
  QUERY_NAMES.map((name) => {
    const shape: z.ZodRawShape = QUERIES[name].input.shape
    // A misspelt name that is silently dropped would give a wider answer than was asked for.
    return [name, z.strictObject(shape)]
  }),
)

export function isQuery(name: string): name is QueryName {
  return Object.hasOwn(QUERIES, name)
}

export function inputSchema(name: QueryName): z.ZodObject {
  const schema = INPUTS.get(name)
  if (schema === undefined) throw new RangeError(`no query ${name}`)
  return schema
}

/** Throws InvalidInput for the first field that is wrong. */
export function parseInput<Name extends QueryName>(name: Name, input: unknown): QueryInput<Name> {
  const parsed = inputSchema(name).safeParse(input ?? {})
  if (parsed.success) return parsed.data as QueryInput<Name>
  const issue = parsed.error.issues[0]
  if (issue?.code === 'unrecognized_keys') {
    const known = Object.keys(QUERIES[name].input.shape).join(', ')
    throw new InvalidInput(
      issue.keys[0] ?? 'input',
      `there is no such field; ${known === '' ? 'none is taken' : `known are ${known}`}`,
    )
  }
  const { field, reason } = firstProblem(parsed.error, input ?? {})
  throw new InvalidInput(field || 'input', reason)
}
