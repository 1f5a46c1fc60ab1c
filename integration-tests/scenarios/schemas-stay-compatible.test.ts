/** What was written once can be read for ever: through incompatible ideas, registry restarts, absence and loss. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { join } from 'node:path'
import avsc from 'avsc'
import type { Schema } from 'avsc'
import { registerSchemas } from '../../infra/kafka/registerSchemas.ts'
import { Undecodable, openCodec, schemaIdOf, type Codec } from '../../runtime/kafka/codec.ts'
import { SchemaIdChanged } from '../../runtime/kafka/schemaCache.ts'
import { RegistryUnavailable, SchemaIncompatible, createSchemaRegistry } from '../../runtime/kafka/schemaRegistry.ts'
import { TOPIC_NAMES, schemaTextOf, subjectOf } from '../../runtime/kafka/schemaText.ts'
import type { Tick } from '../../schemas/generated/events.ts'
import { silentLog, startKafka, type KafkaHarness } from '../harness/kafka.ts'

interface RecordSchema {
  fields: { name: string; type: unknown; default?: unknown }[]
}

const tick: Tick = { shard: 3, at: 1_700_000_000_000, instance: 'a' }

let harness: KafkaHarness
before(async () => {
  harness = await startKafka({ broker: false, registry: true })
  await registerSchemas(harness.registryUrl)
})
after(async () => {
  await harness.stop()
})

const open = (folder: string): Promise<Codec> =>
  openCodec({ registryUrl: harness.registryUrl, cacheFolder: join(harness.folder, folder), log: silentLog })

const fieldsOf = (value: unknown): unknown => ({ ...(value as object) })

test('registering again changes nothing', async () => {
  const first = await registerSchemas(harness.registryUrl)
  assert.equal(first.length, 10)
  assert.deepEqual(await registerSchemas(harness.registryUrl), first)
})

test('the registry refuses an incompatible schema and names the field', async () => {
  const registry = createSchemaRegistry(harness.registryUrl)
  const changed = JSON.parse(schemaTextOf('devops.ticks')) as RecordSchema
  changed.fields.push({ name: 'reason', type: 'string' })
  await assert.rejects(registry.register(subjectOf('devops.ticks'), JSON.stringify(changed)), (error) => {
    assert.ok(error instanceof SchemaIncompatible)
    assert.match(error.message, /reason/)
    return true
  })
  const answer = await fetch(`${harness.registryUrl}/subjects/${subjectOf('devops.ticks')}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: JSON.stringify(changed) }),
  })
  assert.equal(answer.status, 409)
})

test('every subject is BACKWARD_TRANSITIVE by itself, whatever the registry does by default', async () => {
  for (const topic of TOPIC_NAMES) {
    const answer = await fetch(`${harness.registryUrl}/config/${subjectOf(topic)}`)
    assert.equal(answer.status, 200, topic)
    const level = (await answer.json()) as { compatibilityLevel: string }
    assert.equal(level.compatibilityLevel, 'BACKWARD_TRANSITIVE', topic)
  }
})

test('a version must read what the first one wrote, not only the one before it', async () => {
  const registry = createSchemaRegistry(harness.registryUrl)
  const subject = 'transitivity-value'
  const version = (...fields: RecordSchema['fields']): string =>
    JSON.stringify({ type: 'record', name: 'T', namespace: 'devops', fields: [{ name: 'a', type: 'int' }, ...fields] })
  await registry.register(subject, version())
  assert.ok(await registry.requireBackwardTransitive(subject))
  await registry.register(subject, version({ name: 'b', type: 'int', default: 0 }))
  // Reads the second version, of which every record has b, but not the first one.
  const third = version({ name: 'b', type: 'int' })
  await assert.rejects(registry.register(subject, third), SchemaIncompatible)
  const backward = await fetch(`${harness.registryUrl}/config/${subject}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility: 'BACKWARD' }),
  })
  assert.equal(backward.status, 200)
  await registry.register(subject, third)
})

test('records of another version of the schema are read into the current one', async () => {
  const registry = createSchemaRegistry(harness.registryUrl)
  const codec = await open('resolution')
  const newer = JSON.parse(schemaTextOf('devops.ticks')) as RecordSchema
  newer.fields.push({ name: 'note', type: 'string', default: '' })
  const id = await registry.register(subjectOf('devops.ticks'), JSON.stringify(newer))
  const header = Buffer.alloc(5)
  header.writeUInt32BE(id, 1)
  const body = avsc.Type.forSchema(newer as unknown as Schema).toBuffer({ ...tick, note: 'from the future' })
  const bytes = Buffer.concat([header, body])

  assert.throws(() => codec.decode('devops.ticks', bytes), { name: 'Undecodable', reason: 'unknown_schema' })
  await codec.prepare([bytes, null])
  assert.deepEqual(fieldsOf(codec.decode('devops.ticks', bytes)), tick)
})

test('an id nobody knows and the schema of another topic are undecodable, not fatal', async () => {
  const codec = await open('foreign')
  const bytes = Buffer.from('00000f423f06', 'hex')
  await codec.prepare([bytes])
  assert.throws(() => codec.decode('devops.ticks', bytes), { name: 'Undecodable', reason: 'unknown_schema' })
  const foreign = codec.encode('devops.ticks', tick)
  assert.throws(() => codec.decode('devops.members', foreign), { name: 'Undecodable', reason: 'other_schema' })
})

test('records written before a restart of the registry decode after it, by a reader that starts with nothing', async () => {
  const before = (await open('before-restart')).encode('devops.ticks', tick)
  await harness.stopRegistry()
  await harness.startRegistry()
  const codec = await open('after-restart')
  await codec.prepare([before])
  assert.deepEqual(fieldsOf(codec.decode('devops.ticks', before)), tick)
  assert.equal(schemaIdOf(codec.encode('devops.ticks', tick)), schemaIdOf(before))
})

test('without the registry a process works from the disk, and a new one says what is missing', async () => {
  const bytes = (await open('disk')).encode('devops.ticks', tick)
  await harness.stopRegistry()
  try {
    const codec = await open('disk')
    assert.deepEqual(fieldsOf(codec.decode('devops.ticks', bytes)), tick)
    assert.deepEqual(codec.encode('devops.ticks', tick), bytes)
    const unseen = Buffer.from('00000f423f06', 'hex')
    await assert.rejects(codec.prepare([unseen]), RegistryUnavailable)
    await assert.rejects(open('never-seen'), RegistryUnavailable)
  } finally {
    await harness.startRegistry()
  }
})

test('a registry that gives an old id to another schema stops the process', async () => {
  await open('replaced')
  await harness.stopRegistry()
  await harness.startRegistry({ empty: true })
  try {
    // Other ids than before: one schema is registered ahead of ours.
    await createSchemaRegistry(harness.registryUrl).register(
      subjectOf('devops.members'),
      schemaTextOf('devops.members'),
    )
    await registerSchemas(harness.registryUrl)
    await assert.rejects(open('replaced'), (error) => {
      assert.ok(error instanceof SchemaIdChanged)
      assert.match(error.message, /another schema than before/)
      return true
    })
  } finally {
    await harness.stopRegistry()
    await harness.startRegistry()
  }
  assert.ok((await open('replaced')) instanceof Object)
})

test('damaged bytes are undecodable, whatever they are', async () => {
  const codec = await open('damaged')
  const bytes = codec.encode('devops.signals', {
    id: 'x',
    occurredAt: 1,
    receivedAt: 2,
    source: 'github',
    service: 'production/a',
    environment: 'production',
    trace: null,
    kind: 'alert',
    ref: 'r',
    title: 't',
    state: 's',
    severity: null,
  })
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => codec.decode('devops.signals', bytes.subarray(0, length)), Undecodable)
  }
  assert.throws(() => codec.decode('devops.signals', Buffer.concat([bytes, Buffer.from([0])])), Undecodable)
})
