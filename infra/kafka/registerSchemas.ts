/** Registers the current schema of every topic, with BACKWARD_TRANSITIVE set per subject (the default of a registry may be none). */
import { createSchemaRegistry } from '../../runtime/kafka/schemaRegistry.ts'
import { TOPIC_NAMES, schemaTextOf, subjectOf } from '../../runtime/kafka/schemaText.ts'

export interface RegisteredSchema {
  readonly subject: string
  readonly id: number
}

/** Idempotent. Throws SchemaIncompatible, RegistryUnavailable. */
export async function registerSchemas(registryUrl: string): Promise<readonly RegisteredSchema[]> {
  const registry = createSchemaRegistry(registryUrl)
  const registered: RegisteredSchema[] = []
  for (const topic of TOPIC_NAMES) {
    const subject = subjectOf(topic)
    // Before the registration, so that a new version is checked; some registries know a subject only after its first one.
    const known = await registry.requireBackwardTransitive(subject)
    registered.push({ subject, id: await registry.register(subject, schemaTextOf(topic)) })
    if (!known) await registry.requireBackwardTransitive(subject)
  }
  return registered
}
