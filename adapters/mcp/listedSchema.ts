/** Schemas as an MCP client lists them: without what costs tokens and tells a caller nothing. */
import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { changeSize } from '../../schemas/changes/changeSize.ts'
import { freshness } from '../../schemas/queries/answer.ts'

type JsonSchema = Record<string, unknown>

/**
 * The listing of a zod schema. It lets every value pass: inputs are checked where every door's inputs are (so that all
 * doors refuse in the same words), outputs were parsed when they came from the consumer.
 */
export function listedSchema(
  schema: z.ZodType,
  io: 'input' | 'output',
): StandardSchemaWithJSON<Record<string, unknown>> {
  const json = jsonOf(schema, io)
  return {
    '~standard': {
      version: 1,
      vendor: 'devops-mcp-server',
      validate: (value) => ({ value: (value ?? {}) as Record<string, unknown> }),
      jsonSchema: { input: () => json, output: () => json },
    },
  }
}

export function jsonOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const json: JsonSchema = z.toJSONSchema(schema, {
    io,
    override: ({ zodSchema, jsonSchema }) => {
      // `format` says it in a word.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      // Far above what names and keys have: who exceeds it is told so by every door.
      if (jsonSchema.type === 'string') delete jsonSchema.maxLength
      // Names are texts in every JSON.
      if (JSON.stringify(jsonSchema.propertyNames) === '{"type":"string"}') delete jsonSchema.propertyNames
      if (io === 'input') {
        // Programs measure changes; to agents, who have the sha, its eleven fields would cost what a tool costs.
        if (zodSchema === changeSize) {
          delete jsonSchema.properties
          delete jsonSchema.additionalProperties
        }
        return
      }
      // The values say it.
      if (jsonSchema.enum !== undefined) delete jsonSchema.type
      // Outputs may grow; inputs are strict.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      // A description says what stands where.
      const { prefixItems } = jsonSchema
      if (prefixItems !== undefined && new Set(prefixItems.map((item) => JSON.stringify(item))).size === 1) {
        jsonSchema.items = prefixItems[0] ?? {}
        delete jsonSchema.prefixItems
        delete jsonSchema.minItems
        delete jsonSchema.maxItems
      }
      // Every property is always there: saying so takes an eighth of the whole listing.
      delete jsonSchema.required
    },
  })
  // The protocol's default dialect is the one that zod writes.
  delete json['$schema']
  if (io === 'input') return json
  // Every answer has these: instructions.ts tells them once.
  const own = Object.entries(json['properties'] ?? {}).filter(([name]) => !Object.hasOwn(freshness.shape, name))
  return bare(folded({ ...json, properties: Object.fromEntries(own) }))
}

/** Without the types of what lies inside an answer's own fields: names, structure and descriptions tell it, in half the words. */
function bare(schema: JsonSchema, depth = 0): JsonSchema {
  const { type, properties, items, anyOf, ...rest } = schema
  const inside = (value: unknown) => bare(value as JsonSchema, depth + 1)
  if (properties !== undefined && properties !== null) {
    const named = Object.entries(properties).map(([name, value]) => [name, inside(value)])
    return { ...rest, type, properties: Object.fromEntries(named) as unknown }
  }
  if (items !== undefined) return { ...rest, type, items: inside(items) }
  if (Array.isArray(anyOf)) return { ...rest, anyOf: anyOf.map((one) => bare(one as JsonSchema, depth)) }
  return depth < 2 || type === undefined ? schema : rest
}

/** `{ anyOf: [{ type: a }, { type: b }] }` as `{ type: [a, b] }`, everywhere inside: half of the fields are nullable. */
function folded(schema: JsonSchema): JsonSchema {
  const inner = Object.entries(schema).map(([name, value]): [string, unknown] => [name, foldedValue(value)])
  const { anyOf, ...rest } = Object.fromEntries(inner)
  if (!Array.isArray(anyOf)) return anyOf === undefined ? rest : { ...rest, anyOf }
  const types = anyOf.map((of: JsonSchema) => (Object.keys(of).join() === 'type' ? of['type'] : undefined))
  return types.every((type) => typeof type === 'string') ? { ...rest, type: types } : { ...rest, anyOf }
}

function foldedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(foldedValue)
  return typeof value === 'object' && value !== null ? folded(value as JsonSchema) : value
}
