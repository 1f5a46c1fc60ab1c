/** What a source told, read by a schema, beside as much of it as told in its own words as the gateway will read. */
import * as z from 'zod'
import { firstProblem } from '../../runtime/input/problem.ts'

export interface Told<T> {
  readonly value: T
  readonly raw: Readonly<Record<string, unknown>>
}

/** Names what is wrong instead, field and reason, where the value is not of the schema. */
export function toldBy<T>(
  schema: z.ZodType<T>,
  raw: unknown,
): Told<T> | { readonly field: string; readonly reason: string } {
  const result = schema.safeParse(raw)
  if (!result.success) return firstProblem(result.error, raw)
  return { value: result.data, raw: pickedBy(schema, raw) as Told<T>['raw'] }
}

/** The parts that the schema names: nothing else is sent, least of all names and addresses of persons. */
export function pickedBy(schema: z.core.$ZodType, raw: unknown): unknown {
  if (raw === null || typeof raw !== 'object') return raw
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return pickedBy(schema.def.innerType, raw)
  if (schema instanceof z.ZodArray)
    return Array.isArray(raw) ? raw.map((element) => pickedBy(schema.def.element, element)) : raw
  if (!(schema instanceof z.ZodObject)) return raw
  const shape = schema.def.shape as Readonly<Record<string, z.core.$ZodType>>
  const known = Object.entries(raw).flatMap(([name, part]) =>
    shape[name] === undefined ? [] : [[name, pickedBy(shape[name], part)]],
  )
  return Object.fromEntries(known) as unknown
}
