/**
 * Walks a value's bytes by its schema without building anything, so that damaged bytes are refused before the decoder
 * meets them: it trusts counts and lengths, and a count of 2^50 would keep it busy for ever.
 * Format: https://avro.apache.org/docs/1.12.0/specification/#binary-encoding
 */
import type { Schema } from 'avsc'

/** Position after the value that starts at `at`. */
export type Walk = (bytes: Buffer, at: number) => number

export class AvroMalformed extends Error {
  readonly retryable = false
  constructor(reason: string, at: number) {
    super(`${reason} at byte ${at}`)
    this.name = 'AvroMalformed'
  }
}

/** Items without bytes of their own (null, an empty record) could be announced in any number. */
const EMPTY_ITEMS_MAX = 100_000

function longAt(bytes: Buffer, at: number): { value: number; next: number } {
  let value = 0
  let scale = 1
  for (let next = at; next < at + 10; next++) {
    const byte = bytes[next]
    if (byte === undefined) throw new AvroMalformed('number cut off', at)
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return { value: value % 2 === 0 ? value / 2 : -(value + 1) / 2, next: next + 1 }
    scale *= 128
  }
  throw new AvroMalformed('number longer than 10 bytes', at)
}

const fixed =
  (size: number): Walk =>
  (bytes, at) => {
    if (at + size > bytes.length) throw new AvroMalformed('value cut off', at)
    return at + size
  }

const sized: Walk = (bytes, at) => {
  const { value: length, next } = longAt(bytes, at)
  if (length < 0 || length > bytes.length - next) throw new AvroMalformed(`length ${length} beyond the end`, at)
  return next + length
}

function indexed(count: number, parts: readonly Walk[] | null): Walk {
  return (bytes, at) => {
    const { value: index, next } = longAt(bytes, at)
    if (index < 0 || index >= count) throw new AvroMalformed(`index ${index} of ${count}`, at)
    const part = parts?.[index]
    return part === undefined ? next : part(bytes, next)
  }
}

function blocks(item: Walk): Walk {
  return (bytes, start) => {
    let at = start
    for (;;) {
      const head = longAt(bytes, at)
      if (head.value === 0) return head.next
      // A negative count is followed by the size of the block in bytes.
      at = head.value < 0 ? longAt(bytes, head.next).next : head.next
      const count = Math.abs(head.value)
      if (count > Math.max(bytes.length - at, EMPTY_ITEMS_MAX)) throw new AvroMalformed(`count ${count}`, at)
      for (let i = 0; i < count; i++) at = item(bytes, at)
    }
  }
}

const PRIMITIVES: Readonly<Record<string, Walk>> = {
  null: (_bytes, at) => at,
  boolean: fixed(1),
  int: (bytes, at) => longAt(bytes, at).next,
  long: (bytes, at) => longAt(bytes, at).next,
  float: fixed(4),
  double: fixed(8),
  bytes: sized,
  string: sized,
}

type Complex = Exclude<Schema, string | readonly unknown[]> & {
  type: unknown
  name?: string
  namespace?: string
  size?: number
  symbols?: readonly string[]
  items?: Schema
  values?: Schema
  fields?: readonly { type: Schema }[]
}

function compile(schema: Schema, named: Map<string, Walk>, namespace: string): Walk {
  if (typeof schema === 'string') {
    const full = schema.includes('.') || namespace === '' ? schema : `${namespace}.${schema}`
    const walk = PRIMITIVES[schema] ?? named.get(full) ?? named.get(schema)
    if (walk === undefined) throw new AvroMalformed(`schema names an unknown type ${schema}`, 0)
    return walk
  }
  if (Array.isArray(schema)) {
    const parts = (schema as Schema[]).map((part) => compile(part, named, namespace))
    return indexed(parts.length, parts)
  }
  return compileComplex(schema as Complex, named, namespace)
}

function compileComplex(schema: Complex, named: Map<string, Walk>, outer: string): Walk {
  const dot = schema.name?.lastIndexOf('.') ?? -1
  const namespace = dot > 0 ? (schema.name ?? '').slice(0, dot) : (schema.namespace ?? outer)
  const local = (schema.name ?? '').slice(dot + 1)
  const full = namespace === '' ? local : `${namespace}.${local}`
  const name = (walk: Walk): Walk => {
    named.set(full, walk)
    return walk
  }
  switch (schema.type) {
    case 'record':
    case 'error': {
      const parts: Walk[] = []
      // Named before its fields, which may hold it.
      const walk = name((bytes, start) => parts.reduce((at, part) => part(bytes, at), start))
      parts.push(...(schema.fields ?? []).map((field) => compile(field.type, named, namespace)))
      return walk
    }
    case 'enum':
      return name(indexed(schema.symbols?.length ?? 0, null))
    case 'fixed':
      return name(fixed(schema.size ?? 0))
    case 'array':
      return blocks(compile(schema.items ?? 'null', named, namespace))
    case 'map': {
      const value = compile(schema.values ?? 'null', named, namespace)
      return blocks((bytes, at) => value(bytes, sized(bytes, at)))
    }
    default:
      return compile(schema.type as Schema, named, namespace)
  }
}

/** The walk of a parsed schema; throws AvroMalformed at bytes that are not a value of it. */
export function walkOf(schema: Schema): Walk {
  return compile(schema, new Map(), '')
}
