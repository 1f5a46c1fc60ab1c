/**
 * Values in the Confluent wire format: a zero byte, the schema's id in four, the Avro body. Values are read through the
 * schema they were written with into the current one.
 */
import avsc from 'avsc'
import type { Resolver, Schema, Type } from 'avsc'
import type { TopicName } from '../../schemas/topics.ts'
import type * as events from '../../schemas/generated/events.ts'
import type { Log } from '../telemetry/log.ts'
import { AvroMalformed, walkOf, type Walk } from './avroLength.ts'
import { openSchemaCache, type SchemaCache } from './schemaCache.ts'
import { RegistryUnavailable, createSchemaRegistry, type SchemaRegistry } from './schemaRegistry.ts'
import { TOPIC_NAMES, schemaDigest, schemaTextOf, subjectOf } from './schemaText.ts'

/** What the values of a topic are. */
export interface ValueOf {
  readonly 'devops.deployments': events.DeploymentEvent
  readonly 'devops.metrics': events.MetricBatch
  readonly 'devops.incidents': events.IncidentEvent
  readonly 'devops.infrastructure': events.InfrastructureEvent
  readonly 'devops.signals': events.Signal
  readonly 'devops.ticks': events.Tick
  readonly 'devops.ledger': events.LedgerEntry
  readonly 'devops.models': events.ModelRecord
  readonly 'devops.members': events.Member
  readonly 'devops.dead-letters': events.DeadLetter
}

export interface Codec {
  /** Throws Unencodable, naming the field, for a value that is not of the topic's schema: our own mistake. */
  encode(topic: TopicName, value: object): Buffer
  /** Fetches the schemas these values were written with where they are not known yet. Throws RegistryUnavailable (retryable). */
  prepare(values: readonly (Buffer | null)[]): Promise<void>
  /** Records are instances of classes of their own: compare their fields, not their prototypes. Throws Undecodable. */
  decode(topic: TopicName, bytes: Buffer): unknown
}

export type UndecodableReason = 'not_framed' | 'unknown_schema' | 'other_schema' | 'malformed'

/** For dead letters: these bytes will never be a value of the topic. */
export class Undecodable extends Error {
  readonly retryable = false
  readonly reason: UndecodableReason
  constructor(reason: UndecodableReason, detail: string) {
    super(detail)
    this.name = 'Undecodable'
    this.reason = reason
  }
}

export class Unencodable extends Error {
  readonly retryable = false
  readonly topic: TopicName
  readonly field: string
  constructor(topic: TopicName, field: string, expected: string) {
    super(`${topic}: field ${field} is not a valid ${expected}`)
    this.name = 'Unencodable'
    this.topic = topic
    this.field = field
  }
}

export class SchemaNotRegistered extends Error {
  readonly retryable = false
  constructor(subject: string, url: string) {
    super(`the current schema of ${subject} is not registered at ${url}: run infra/kafka/main.ts first`)
    this.name = 'SchemaNotRegistered'
  }
}

const HEADER_BYTES = 5
/** Ids the registry does not know, remembered so that a flood of damaged records does not become a flood of requests. */
const UNKNOWN_IDS_MAX = 1_000
const UNKNOWN_IDS_KEPT_MS = 60_000

interface Writer {
  readonly type: Type
  readonly walk: Walk
}

interface Reader {
  readonly type: Type
  readonly id: number
  /** By writer id; null: this schema cannot be read as the topic's. */
  readonly resolvers: Map<number, Resolver | null>
}

const parseType = (schema: Schema): Type => avsc.Type.forSchema(schema, { omitRecordMethods: true })

function writerOf(text: string): Writer {
  const schema = JSON.parse(text) as Schema
  return { type: parseType(schema), walk: walkOf(schema) }
}

/** Id in the header, null where there is no header. */
export function schemaIdOf(value: Buffer): number | null {
  return value.length >= HEADER_BYTES && value[0] === 0 ? value.readUInt32BE(1) : null
}

/** Ids of our own schemas: from the registry, or from the disk while it is away. */
async function ownIds(registry: SchemaRegistry, cache: SchemaCache, log: Log): Promise<Map<TopicName, number>> {
  const ids = new Map<TopicName, number>()
  try {
    for (const topic of TOPIC_NAMES) {
      const id = await registry.idOf(subjectOf(topic), schemaTextOf(topic))
      if (id === null) throw new SchemaNotRegistered(subjectOf(topic), registry.url)
      cache.put(id, schemaTextOf(topic))
      ids.set(topic, id)
    }
    return ids
  } catch (error) {
    if (!(error instanceof RegistryUnavailable)) throw error
    log.warn({ event: 'registry_away', err: error }, 'the schema registry is away: working from the schemas on disk')
    const idOfDigest = new Map([...cache.all()].map(({ id, sha256 }) => [sha256, id]))
    for (const topic of TOPIC_NAMES) {
      const id = idOfDigest.get(schemaDigest(schemaTextOf(topic)))
      if (id === undefined) throw error
      ids.set(topic, id)
    }
    return ids
  }
}

/** Every schema ever seen must still have its id; those the registry forgot are kept from the disk. */
async function checkIds(registry: SchemaRegistry, cache: SchemaCache, log: Log): Promise<void> {
  for (const { id } of [...cache.all()]) {
    const text = await registry.schemaOf(id)
    if (text === null) log.warn({ event: 'schema_forgotten', id }, 'the registry no longer has a schema that is in use')
    else cache.put(id, text)
  }
}

/**
 * `cacheFolder`: `<stateFolder>/schemas`. Throws SchemaIdChanged (the process must stop), SchemaNotRegistered, or
 * RegistryUnavailable when the registry is away and the disk does not hold all that is needed.
 */
export async function openCodec(options: { registryUrl: string; cacheFolder: string; log: Log }): Promise<Codec> {
  const { log } = options
  const registry = createSchemaRegistry(options.registryUrl)
  const cache = openSchemaCache(options.cacheFolder, (file) => {
    log.warn({ event: 'schema_file_damaged', file }, 'a schema on disk was damaged and is fetched again')
  })
  const ids = await ownIds(registry, cache, log)
  try {
    await checkIds(registry, cache, log)
  } catch (error) {
    if (!(error instanceof RegistryUnavailable)) throw error
  }
  return new CachingCodec(registry, cache, ids)
}

class CachingCodec implements Codec {
  readonly #registry: SchemaRegistry
  readonly #cache: SchemaCache
  readonly #readers: ReadonlyMap<TopicName, Reader>
  readonly #writers = new Map<number, Writer>()
  readonly #fetching = new Map<number, Promise<void>>()
  readonly #unknownUntil = new Map<number, number>()

  constructor(registry: SchemaRegistry, cache: SchemaCache, ids: ReadonlyMap<TopicName, number>) {
    this.#registry = registry
    this.#cache = cache
    this.#readers = new Map(
      [...ids].map(([topic, id]) => {
        const type = parseType(JSON.parse(schemaTextOf(topic)) as Schema)
        return [topic, { type, id, resolvers: new Map<number, Resolver | null>() }]
      }),
    )
    for (const { id, schema } of cache.all()) this.#writers.set(id, writerOf(schema))
  }

  #reader(topic: TopicName): Reader {
    const reader = this.#readers.get(topic)
    if (reader === undefined) throw new TypeError(`${topic} is not a topic of ours`)
    return reader
  }

  encode(topic: TopicName, value: object): Buffer {
    const { type, id } = this.#reader(topic)
    let body: Buffer
    try {
      body = type.toBuffer(value)
    } catch (error) {
      type.isValid(value, {
        errorHook: (path: string[], _any: unknown, wanted: Type) => {
          throw new Unencodable(topic, path.join('.'), wanted.toString().slice(0, 200))
        },
      })
      throw error
    }
    const framed = Buffer.allocUnsafe(HEADER_BYTES + body.length)
    framed[0] = 0
    framed.writeUInt32BE(id, 1)
    body.copy(framed, HEADER_BYTES)
    return framed
  }

  async prepare(values: readonly (Buffer | null)[]): Promise<void> {
    const missing = new Set<number>()
    for (const value of values) {
      const id = value === null ? null : schemaIdOf(value)
      if (id !== null && !this.#writers.has(id)) missing.add(id)
    }
    await Promise.all([...missing].map((id) => this.#fetch(id)))
  }

  #fetch(id: number): Promise<void> {
    const running = this.#fetching.get(id)
    if (running !== undefined) return running
    if ((this.#unknownUntil.get(id) ?? 0) > Date.now()) return Promise.resolve()
    const fetched = this.#registry
      .schemaOf(id)
      .then((text) => {
        if (text === null) this.#rememberUnknown(id)
        else this.#writers.set(id, writerOf(this.#cache.put(id, text).schema))
      })
      .finally(() => this.#fetching.delete(id))
    this.#fetching.set(id, fetched)
    return fetched
  }

  #rememberUnknown(id: number): void {
    if (this.#unknownUntil.size >= UNKNOWN_IDS_MAX) this.#unknownUntil.clear()
    this.#unknownUntil.set(id, Date.now() + UNKNOWN_IDS_KEPT_MS)
  }

  decode(topic: TopicName, bytes: Buffer): unknown {
    const reader = this.#reader(topic)
    const id = schemaIdOf(bytes)
    if (id === null) throw new Undecodable('not_framed', `no schema id in the first ${HEADER_BYTES} bytes`)
    const writer = this.#writers.get(id)
    if (writer === undefined) throw new Undecodable('unknown_schema', `schema id ${id} is not in the registry`)
    const resolver = this.#resolver(topic, reader, id, writer)
    const body = bytes.subarray(HEADER_BYTES)
    try {
      const end = writer.walk(body, 0)
      if (end !== body.length) throw new AvroMalformed(`${body.length - end} bytes too many`, end)
      return reader.type.fromBuffer(body, resolver)
    } catch (error) {
      throw new Undecodable('malformed', error instanceof Error ? error.message : String(error))
    }
  }

  #resolver(topic: TopicName, reader: Reader, id: number, writer: Writer): Resolver | undefined {
    if (id === reader.id) return undefined
    let resolver = reader.resolvers.get(id)
    if (resolver === undefined) {
      try {
        resolver = reader.type.createResolver(writer.type)
      } catch {
        resolver = null
      }
      reader.resolvers.set(id, resolver)
    }
    if (resolver === null) {
      throw new Undecodable('other_schema', `schema id ${id} (${writer.type.name ?? 'unnamed'}) is not one of ${topic}`)
    }
    return resolver
  }
}
