/** The schema registry over its REST interface: ids of schemas, schemas of ids, registration. */
// Not the package's root: that loads key management clients of three clouds, 1.2 s and 50 MB for each process.
import { Compatibility, SchemaRegistryClient } from '@confluentinc/schemaregistry/dist/schemaregistry-client.js'
import { RestError } from '@confluentinc/schemaregistry/dist/rest-error.js'

const REQUEST_TIMEOUT_MS = 5_000
const RETRIES_MAX = 2
const RETRY_DELAY_MS = 200
const RETRY_DELAY_MS_MAX = 1_000
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

export class RegistryUnavailable extends Error {
  readonly retryable = true
  constructor(url: string, cause: unknown) {
    super(`the schema registry at ${url} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
    this.name = 'RegistryUnavailable'
  }
}

/** The registry holds the new version incompatible with one already there. */
export class SchemaIncompatible extends Error {
  readonly retryable = false
  readonly subject: string
  constructor(subject: string, reason: string) {
    super(`the registry refuses the schema of ${subject}: ${reason}`)
    this.name = 'SchemaIncompatible'
    this.subject = subject
  }
}

export interface SchemaRegistry {
  readonly url: string
  /** Id of a schema under a subject, null where it is not registered. */
  idOf(subject: string, schema: string): Promise<number | null>
  /** Text of the schema with this id, null where there is none. */
  schemaOf(id: number): Promise<string | null>
  /** Registers a version unless it is there; throws SchemaIncompatible. */
  register(subject: string, schema: string): Promise<number>
  /** New versions of the subject must be able to read all that was written with any older one; false: no such subject yet. */
  requireBackwardTransitive(subject: string): Promise<boolean>
}

function isNotFound(error: unknown): boolean {
  return error instanceof RestError && error.status === 404
}

/** `url`: base of the Confluent-compatible interface. Every call throws RegistryUnavailable when there is no answer. */
export function createSchemaRegistry(url: string): SchemaRegistry {
  const client = SchemaRegistryClient.newClient({
    baseURLs: [url.replace(/\/+$/, '')],
    createAxiosDefaults: {
      timeout: REQUEST_TIMEOUT_MS,
      // A proxy of the environment cannot reach this machine's loopback.
      ...(LOOPBACK.has(new URL(url).hostname) ? { proxy: false as const } : {}),
    },
    maxRetries: RETRIES_MAX,
    retriesWaitMs: RETRY_DELAY_MS,
    retriesMaxWaitMs: RETRY_DELAY_MS_MAX,
    // The codec keeps what it has read; a cache below it would answer from the past when the registry was replaced.
    cacheCapacity: 1,
    cacheLatestTtlSecs: 1,
  })
  const refused = (error: unknown): unknown =>
    error instanceof RestError && error.status < 500 ? error : new RegistryUnavailable(url, error)

  return {
    url,
    async idOf(subject, schema) {
      try {
        return await client.getId(subject, { schema, schemaType: 'AVRO' }, false)
      } catch (error) {
        if (isNotFound(error)) return null
        throw refused(error)
      }
    },
    async schemaOf(id) {
      try {
        return (await client.getBySubjectAndId('', id)).schema
      } catch (error) {
        if (isNotFound(error)) return null
        throw refused(error)
      }
    },
    async register(subject, schema) {
      try {
        return await client.register(subject, { schema, schemaType: 'AVRO' }, false)
      } catch (error) {
        if (error instanceof RestError && error.status === 409) throw new SchemaIncompatible(subject, error.message)
        throw refused(error)
      }
    },
    async requireBackwardTransitive(subject) {
      try {
        await client.updateCompatibility(subject, Compatibility.BACKWARD_TRANSITIVE)
        return true
      } catch (error) {
        if (isNotFound(error)) return false
        throw refused(error)
      }
    },
  }
}
