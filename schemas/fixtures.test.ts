/**
 * Every fixture ever shipped still decodes: fixtures/<record>/v<n>/ holds a schema as it was shipped, and values written
 * with it, as Avro JSON and as base64 of the binary. A folder once shipped is never changed.
 */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import avsc from 'avsc'
import type { Schema, Type } from 'avsc'

const schemaFile = (name: string): URL => new URL(`./events/${name}.avsc`, import.meta.url)
const fixtures = new URL('./fixtures/', import.meta.url)

const parse = (file: URL): Schema => JSON.parse(readFileSync(file, 'utf8')) as Schema
const typeOf = (file: URL): Type => avsc.Type.forSchema(parse(file), { omitRecordMethods: true })

const names = readdirSync(new URL('./events/', import.meta.url)).map((file) => file.replace(/\.avsc$/, ''))
const versions = (name: string): string[] =>
  readdirSync(new URL(`${name}/`, fixtures)).sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)))

/** The fields of `was`, as they are in `is`: later versions may know more. */
function assertKept(was: unknown, is: unknown, path: string): void {
  if (Buffer.isBuffer(was) || typeof was !== 'object' || was === null || Array.isArray(was)) {
    assert.deepEqual(is, was, path)
    return
  }
  for (const [name, value] of Object.entries(was)) {
    assertKept(value, (is as Record<string, unknown> | null)?.[name], `${path}.${name}`)
  }
}

for (const name of names) {
  const current = typeOf(schemaFile(name))

  test(`${name}: the current schema is shipped with fixtures`, () => {
    const newest = versions(name).at(-1)
    assert.ok(newest !== undefined, `fixtures/${name} has no version`)
    assert.deepEqual(
      parse(schemaFile(name)),
      parse(new URL(`${name}/${newest}/schema.avsc`, fixtures)),
      `${name} changed after ${newest} was shipped: add the next version to fixtures/${name}, with its schema and values`,
    )
  })

  for (const version of versions(name)) {
    const folder = new URL(`${name}/${version}/`, fixtures)
    const writer = typeOf(new URL('schema.avsc', folder))
    const cases = readdirSync(folder).filter((file) => file.endsWith('.avro.base64'))

    test(`${name} ${version}: every value decodes into the current schema`, () => {
      assert.ok(cases.length > 0, 'no values')
      const resolver = current.createResolver(writer)
      for (const file of cases) {
        const bytes = Buffer.from(readFileSync(new URL(file, folder), 'utf8'), 'base64')
        const json = readFileSync(new URL(file.replace('.base64', '.json'), folder), 'utf8')
        const shipped: unknown = writer.fromString(json)
        assert.deepEqual(writer.toBuffer(shipped), bytes, `${file}: binary and JSON are not the same value`)
        assertKept(shipped, current.fromBuffer(bytes, resolver), file)
      }
    })
  }
}

test('no fixture is left of a record that is gone', () => {
  assert.deepEqual(readdirSync(fixtures).sort(), names.sort())
})
