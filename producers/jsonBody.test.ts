import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KEYS_MAX, crowdOf, parseJson, wellFormed } from './jsonBody.ts'
import { Refusal } from './refusal.ts'

const withKeys = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k"{:,${index}`, [index, {}]]))
const crowdIn = (value: unknown) => crowdOf(Buffer.from(JSON.stringify(value)))

test('an object of too many keys is found by its path', () => {
  const many = withKeys(KEYS_MAX + 1)
  const table: readonly [unknown, string | null][] = [
    [withKeys(KEYS_MAX), null],
    [Array(3).fill(withKeys(KEYS_MAX)), null],
    [many, ''],
    [{ a: 1, labels: many }, 'labels'],
    [[1, { a: [1, 2, { b: 'c:d,e', labels: many }] }], '1.a.2.labels'],
    [Array(5_000).fill(0), null],
    ['text: {', null],
  ]
  for (const [value, path] of table) assert.equal(crowdIn(value), path)
})

test('it is refused before it is parsed, with the name of the field', () => {
  assert.throws(
    () => parseJson(Buffer.from(`{"labels":{${'"a":1,'.repeat(KEYS_MAX + 1)}`)),
    (error: unknown) => error instanceof Refusal && error.statusCode === 413 && error.field === 'labels',
  )
})

test('nesting deeper than 64 is found whatever the strings hold', () => {
  const nested = (depth: number) => Buffer.from('["[[",'.repeat(depth) + '0' + ']'.repeat(depth))
  assert.equal(crowdOf(nested(64)), null)
  assert.equal(crowdOf(nested(65)), 'depth')
  assert.equal(crowdOf(Buffer.from(']]]}}}:,')), null)
})

test('halves of surrogate pairs are replaced anywhere, whole pairs stay', () => {
  assert.deepEqual(wellFormed({ a: ['\ud800x', '😀', 1, null], b: { c: '\udc00' } }), {
    a: ['\ufffdx', '😀', 1, null],
    b: { c: '\ufffd' },
  })
})
