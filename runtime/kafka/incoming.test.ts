import assert from 'node:assert/strict'
import { test } from 'node:test'
import { incoming } from './incoming.ts'

test('a record keeps its place and bytes; the last value of a repeated header counts, none is left out', () => {
  const record = incoming('t', 3, {
    offset: '9007199254740993',
    timestamp: '1767600000000',
    key: Buffer.from('k'),
    value: null,
    attributes: 0,
    headers: { once: Buffer.from('a'), often: [Buffer.from('first'), 'last'], empty: undefined },
  })
  assert.deepEqual(record, {
    topic: 't',
    partition: 3,
    offset: 9007199254740993n,
    at: 1767600000000,
    key: Buffer.from('k'),
    value: null,
    headers: { once: 'a', often: 'last' },
  })
})
