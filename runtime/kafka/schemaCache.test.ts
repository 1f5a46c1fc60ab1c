import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SchemaIdChanged, openSchemaCache } from './schemaCache.ts'
import { TOPIC_NAMES, schemaDigest, schemaTextOf } from './schemaText.ts'

const root = mkdtempSync(join(tmpdir(), 'devops-schemas-'))
after(() => {
  rmSync(root, { recursive: true, force: true })
})

const none = (file: string): void => {
  assert.fail(`${file} is not damaged`)
}

test('layout and order of keys make no other schema, anything else does', () => {
  assert.equal(schemaDigest('{"type":"int","doc":"x"}'), schemaDigest('{ "doc": "x",\n "type": "int" }'))
  assert.notEqual(schemaDigest('{"type":"int"}'), schemaDigest('{"type":"long"}'))
  assert.notEqual(schemaDigest('["null","int"]'), schemaDigest('["int","null"]'))
  assert.equal(new Set(TOPIC_NAMES.map((topic) => schemaDigest(schemaTextOf(topic)))).size, TOPIC_NAMES.length)
})

test('schemas outlast the process', () => {
  const folder = join(root, 'kept')
  const put = openSchemaCache(folder, none).put(7, '{"type":"int"}')
  const cache = openSchemaCache(folder, none)
  assert.deepEqual([...cache.all()], [put])
  assert.deepEqual(readdirSync(folder), ['7.json'])
})

test('an id with another schema is refused, the first one stays', () => {
  const folder = join(root, 'changed')
  const cache = openSchemaCache(folder, none)
  cache.put(7, '{"type":"int"}')
  cache.put(7, '{ "type" : "int" }')
  assert.throws(() => cache.put(7, '{"type":"long"}'), SchemaIdChanged)
  assert.throws(() => openSchemaCache(folder, none).put(7, '"string"'), /schema id 7 means another schema than before/)
  assert.deepEqual(
    [...cache.all()].map(({ schema }) => schema),
    ['{"type":"int"}'],
  )
})

test('a damaged file is removed and named', () => {
  const folder = join(root, 'damaged')
  openSchemaCache(folder, none).put(7, '{"type":"int"}')
  const file = join(folder, '7.json')
  for (const text of [
    '',
    '{',
    readFileSync(file, 'utf8').replace('int', 'long'),
    readFileSync(file, 'utf8').replace('7', '9'),
  ]) {
    writeFileSync(file, text)
    const damaged: string[] = []
    assert.deepEqual([...openSchemaCache(folder, (each) => damaged.push(each)).all()], [])
    assert.deepEqual(damaged, [file])
    assert.deepEqual(readdirSync(folder), [])
  }
})
