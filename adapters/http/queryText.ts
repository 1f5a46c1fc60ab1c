/** The query string of a GET as the input of a query: text where the schema takes text, JSON elsewhere. */
import * as z from 'zod'
import type { QueryName } from '../../schemas/queries/queries.ts'
import { InvalidInput } from '../queries/errors.ts'
import { inputSchema } from '../queries/inputs.ts'

export function inputFromText(name: QueryName, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const texts = textFields(name)
  return Object.fromEntries(
    Object.entries(given).map(([field, value]) => {
      if (typeof value !== 'string') throw new InvalidInput(field, 'is given more than once')
      return [field, texts.has(field) ? value : parse(field, value)]
    }),
  )
}

function parse(field: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidInput(field, 'is not valid JSON')
  }
}

function textFields(name: QueryName): ReadonlySet<string> {
  const { properties = {} } = z.toJSONSchema(inputSchema(name), { io: 'input' })
  const isText = (schema: unknown): boolean =>
    typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'string'
  return new Set(Object.keys(properties).filter((field) => isText(properties[field])))
}
