/** What the tests of the sources share: a catalog, a clock that stands still, and the Avro schema as judge. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import avsc from 'avsc'
import { readCatalog } from '../../runtime/configuration/catalog.ts'
import { readConfiguration } from '../../runtime/configuration/configuration.ts'
import { pseudonym } from '../../runtime/configuration/pseudonym.ts'
import { TOPICS, type TopicName } from '../../schemas/topics.ts'
import { createCatalogQuestions } from '../catalogQuestions.ts'
import type { Mapping, TopicEvent } from './mapping.ts'

export const NOW = Date.UTC(2026, 0, 5, 12)
const { environments } = readConfiguration({ env: {} })
const types = new Map<string, avsc.Type>()

export function mappingWith(catalogYaml = 'version: 1'): Mapping {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-catalog-'))
  try {
    const file = join(folder, 'catalog.yaml')
    writeFileSync(file, catalogYaml)
    return {
      now: NOW,
      trace: null,
      catalog: createCatalogQuestions(readCatalog(file), environments, () => undefined),
      pseudonym: (person) => pseudonym(person, Buffer.alloc(32, 7)),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What the work gives, without its pauses. */
export function atOnce<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

/** The Avro type of a topic's values. */
export function typeOf(topic: TopicName): avsc.Type {
  const known = types.get(topic)
  if (known !== undefined) return known
  const path = new URL(`../../schemas/events/${TOPICS[topic].schema}.avsc`, import.meta.url)
  const type = avsc.Type.forSchema(JSON.parse(readFileSync(path, 'utf8')) as avsc.Schema, { omitRecordMethods: true })
  types.set(topic, type)
  return type
}

/** Encodes the event, reads it back, and finds the same. */
export function assertEncodes({ topic, event }: TopicEvent): void {
  const type = typeOf(topic)
  const back: unknown = type.fromBuffer(type.toBuffer(event))
  assert.deepEqual(JSON.parse(JSON.stringify(back)), JSON.parse(JSON.stringify(event)))
}
