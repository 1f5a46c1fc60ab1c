/** Schemas as an MCP client lists them: without what costs tokens and tells a caller nothing. */
import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server'
import * as z from 'zod'

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
    override: ({ jsonSchema }) => {
      // `format` says it in a word.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      if (io === 'input') return
      // Outputs may grow; inputs are strict.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      // Every property is always there: saying so takes an eighth of the whole listing.
      delete jsonSchema.required
    },
  })
  // The protocol's default dialect is the one that zod writes.
  delete json['$schema']
  return json
}
